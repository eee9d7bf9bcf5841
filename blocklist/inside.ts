import { addressWords, masked, readAddressWords, wordsOf } from '../lib/address-words.ts';
import { bitsOf, type Prefix } from '../lib/ip.ts';

/** Tells which addresses and ranges lie in a range, by their canonical text: made for asking a million times. */
export function insideOf({ family, length, first }: Prefix): (value: string) => boolean {
  const own = new Int32Array(4);
  wordsOf(first, bitsOf(family), own);
  const other = addressWords();
  return (value) => {
    const slash = value.indexOf('/');
    const otherLength = slash === -1 ? bitsOf(family) : Number(value.slice(slash + 1));
    if (otherLength < length || !readAddressWords(slash === -1 ? value : value.slice(0, slash), other)) return false;
    if (other.family !== family) return false;
    return own.every((word, index) => masked(other.words[index] ?? 0, length - 32 * index) === word);
  };
}
