import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressWords, readAddressWords } from '../../lib/address-words.ts';
import { bitsOf, parseAddress } from '../../lib/ip.ts';

const canonical = fc
  .oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(fc.constantFrom('0', '1', 'ab'), { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':')),
  )
  .map((text) => parseAddress(text))
  .filter((address) => address !== undefined);

test('the words of a canonical address are its value', () => {
  const into = addressWords();
  fc.assert(
    fc.property(canonical, ({ text, family, value }) => {
      expect(readAddressWords(text, into)).toBe(true);
      expect(into.family).toBe(family);
      const count = bitsOf(family) / 32;
      const read = [...into.words.subarray(0, count)].reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
      expect(read).toBe(value);
    }),
  );
});

test.each([
  '',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.999',
  '1..2.3',
  '.1.2.3',
  '::g',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '12345::',
  '1:2:3:4:5:6:7:8:9',
  'a b',
])('%j is no address', (text) => expect(readAddressWords(text, addressWords())).toBe(false));
