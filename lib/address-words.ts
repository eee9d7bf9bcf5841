/** An address as words of 32 bits: one for IPv4, in the first place, four for IPv6. */
export interface AddressWords {
  family: 4 | 6;
  readonly words: Int32Array;
}

/** Room for one address, to be filled by {@link readAddressWords}. */
export const addressWords = (): AddressWords => ({ family: 4, words: new Int32Array(4) });

const GROUPS = 8;
const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_A = 0x61;
const LOWER_F = 0x66;

/**
 * Reads the canonical text of an address (`canonicalAddress`) into words, without making anything: every connection asks for it.
 *
 * @returns False for text that is not canonical; then `into` holds nothing of use.
 */
export function readAddressWords(text: string, into: AddressWords): boolean {
  into.words.fill(0);
  return text.includes(':') ? readIpv6(text, into) : readIpv4(text, into);
}

function readIpv4(text: string, into: AddressWords): boolean {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= ZERO && code <= NINE) {
      octet = octet === -1 ? code - ZERO : octet * 10 + code - ZERO;
      if (octet > 255) return false;
    } else if (code === DOT && octet !== -1) {
      value = (value << 8) | octet;
      octet = -1;
      dots += 1;
    } else return false;
  }
  into.family = 4;
  into.words[0] = (value << 8) | octet;
  return dots === 3 && octet !== -1;
}

function readIpv6(text: string, into: AddressWords): boolean {
  into.family = 6;
  const gap = text.indexOf('::');
  if (gap === -1) return readGroups(text, 0, text.length, into.words, 0) === GROUPS;
  const headCount = readGroups(text, 0, gap, into.words, 0);
  const tailCount = countGroups(text, gap + 2);
  if (headCount === -1 || headCount + tailCount > GROUPS - 1) return false;
  return readGroups(text, gap + 2, text.length, into.words, GROUPS - tailCount) === tailCount;
}

function countGroups(text: string, from: number): number {
  if (from >= text.length) return 0;
  let count = 1;
  for (let index = from; index < text.length; index += 1) if (text.charCodeAt(index) === COLON) count += 1;
  return count;
}

/** @returns How many groups were read; -1 where they are none, or too many. */
function readGroups(text: string, from: number, to: number, words: Int32Array, place: number): number {
  if (from >= to) return 0;
  let count = 0;
  let group = -1;
  for (let index = from; index <= to; index += 1) {
    const code = index === to ? COLON : text.charCodeAt(index);
    if (code === COLON) {
      if (group === -1 || place + count >= GROUPS) return -1;
      put(words, place + count, group);
      count += 1;
      group = -1;
      continue;
    }
    const digit = hexDigit(code);
    group = group === -1 ? digit : group * 16 + digit;
    if (digit === -1 || group > 0xff_ff) return -1;
  }
  return count;
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO;
  return code >= LOWER_A && code <= LOWER_F ? code - LOWER_A + 10 : -1;
}

function put(words: Int32Array, group: number, value: number): void {
  const word = words[group >> 1] ?? 0;
  words[group >> 1] = (group & 1) === 0 ? (word & 0xff_ff) | (value << 16) : (word & ~0xff_ff) | value;
}

/** Words of the first address of a range given as a number. */
export function wordsOf(first: bigint, bits: 32 | 128, into: Int32Array): void {
  into.fill(0);
  for (let index = 0; index * 32 < bits; index += 1) {
    into[index] = Number((first >> BigInt(bits - 32 * (index + 1))) & 0xff_ff_ff_ffn);
  }
}

/** A word with all but its first `length` bits cleared; any length. */
export const masked = (word: number, length: number): number =>
  length >= 32 ? word : length <= 0 ? 0 : word & (-1 << (32 - length));
