import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProgramFault } from '../../lib/assert.ts';
import { REFERENCE_LENGTH, referenceOf, sidOfReference, UUID_RANDOM_OCTETS, uuidV7 } from '../../lib/uuid-v7.ts';

const zeros = new Uint8Array(UUID_RANDOM_OCTETS);
const ones = new Uint8Array(UUID_RANDOM_OCTETS).fill(0xff);

test.each([
  { wallMs: 0, random: zeros, want: '00000000-0000-7000-8000-000000000000' },
  { wallMs: 2 ** 48 - 1, random: ones, want: 'ffffffff-ffff-7fff-bfff-ffffffffffff' },
  // RFC 9562 appendix A.6.
  {
    wallMs: 0x017f22e279b0,
    random: Uint8Array.of(0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f),
    want: '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
  },
])('$wallMs gives $want', ({ wallMs, random, want }) => {
  expect(uuidV7(wallMs, random)).toBe(want);
});

test('a time or randomness of another size is a fault of the program', () => {
  expect(() => uuidV7(2 ** 48, zeros)).toThrow(ProgramFault);
  expect(() => uuidV7(-1, zeros)).toThrow(ProgramFault);
  expect(() => uuidV7(0.5, zeros)).toThrow(ProgramFault);
  expect(() => uuidV7(0, new Uint8Array(9))).toThrow(ProgramFault);
});

test('references are 26 characters of base32', () => {
  expect(referenceOf('00000000-0000-7000-8000-000000000000')).toBe('0000000000E008000000000000');
  expect(referenceOf('ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('7ZZZZZZZZZZZZZZZZZZZZZZZZZ');
});

const anyTime = fc.nat({ max: 2 ** 48 - 1 });
const anyRandom = fc.uint8Array({ minLength: UUID_RANDOM_OCTETS, maxLength: UUID_RANDOM_OCTETS });

test('a reference leads back to its session, in either case', () => {
  fc.assert(
    fc.property(anyTime, anyRandom, (wallMs, random) => {
      const sid = uuidV7(wallMs, random);
      const reference = referenceOf(sid);
      expect(reference).toHaveLength(REFERENCE_LENGTH);
      expect(sidOfReference(reference)).toBe(sid);
      expect(sidOfReference(reference.toLowerCase())).toBe(sid);
    }),
  );
});

test('ids and references sort by time', () => {
  fc.assert(
    fc.property(anyTime, anyTime, anyRandom, (one, two, random) => {
      fc.pre(one < two);
      expect(uuidV7(one, random) < uuidV7(two, random)).toBe(true);
      expect(referenceOf(uuidV7(one, random)) < referenceOf(uuidV7(two, random))).toBe(true);
    }),
  );
});

test('letters that people read as digits are read as digits', () => {
  expect(sidOfReference('OOOOOOOOOOE0O8OOOOOOOOOOOO')).toBe('00000000-0000-7000-8000-000000000000');
  expect(sidOfReference('0000000000E00800000000000i')).toBe(sidOfReference('0000000000E008000000000001'));
  expect(sidOfReference('0000000000E00800000000000L')).toBe(sidOfReference('0000000000E008000000000001'));
});

test.each([
  '',
  '0000000000E00800000000000',
  '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
  '0000000000E00800000000000U',
  'ſ'.repeat(26),
])('%j is no reference', (reference) => {
  expect(sidOfReference(reference)).toBeUndefined();
});

test('a session id that is no UUID is a fault of the program', () => {
  expect(() => referenceOf('00000000-0000-7000-8000-00000000000')).toThrow(ProgramFault);
});
