import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedHash, textOfHash } from '../../lib/keyed-hash.ts';

const key = { first: 0x03_02_01_00, second: 0x07_06_05_04 };

/** HalfSipHash-1-3 with 64 bits of result, octet by octet, as its authors wrote it. */
function reference(octets: readonly number[]): string {
  const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
  let [v0, v1, v2, v3] = [key.first, key.second ^ 0xee, 0x6c_79_67_65 ^ key.first, 0x74_65_64_62 ^ key.second];
  const round = (): void => {
    v0 = (v0 + v1) | 0;
    v1 = rotated(v1, 5) ^ v0;
    v0 = rotated(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotated(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotated(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotated(v1, 13) ^ v2;
    v2 = rotated(v2, 16);
  };
  const absorb = (word: number): void => {
    v3 ^= word;
    round();
    v0 ^= word;
  };
  const whole = octets.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    absorb(octets.slice(at, at + 4).reduce((word, octet, index) => word | (octet << (8 * index)), 0));
  }
  absorb(
    octets.slice(whole).reduce((word, octet, index) => word | (octet << (8 * index)), (octets.length & 0xff) << 24),
  );
  v2 ^= 0xee;
  for (let count = 0; count < 3; count += 1) round();
  const low = v1 ^ v3;
  v1 ^= 0xdd;
  for (let count = 0; count < 3; count += 1) round();
  return textOfHash({ high: v1 ^ v3, low });
}

test('it is the hash of the UTF-16LE octets of a text', () => {
  const hash = new KeyedHash(key);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const octets = [...Array(text.length).keys()].flatMap((index) => {
        const unit = text.charCodeAt(index);
        return [unit & 0xff, unit >> 8];
      });
      expect(textOfHash(hash.of(text))).toBe(reference(octets));
    }),
  );
});

test('another key gives other hashes, and so do the kinds of a pair and its order', () => {
  const [one, other] = [new KeyedHash(key), new KeyedHash({ ...key, second: 1 })];
  expect(one.of('a')).not.toEqual(other.of('a'));
  const [a, b] = [one.of('a'), one.of('b')];
  const pairs = [one.ofPair(a, b, 0), one.ofPair(a, b, 1), one.ofPair(b, a, 0)].map(textOfHash);
  expect(new Set(pairs).size).toBe(3);
});
