import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DECIMAL_DIGITS_MAX, parseDecimal } from '../../lib/decimal.ts';

test.each([
  ['0', 0],
  ['10485760', 10_485_760],
  ['007', 7],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['9007199254740992', 'too-large'],
  ['9007199254740993', 'too-large'],
  ['18446744073709551617', 'too-large'],
  ['9'.repeat(400), 'too-large'],
  [`${'0'.repeat(DECIMAL_DIGITS_MAX - 1)}5`, 5],
  [`${'0'.repeat(DECIMAL_DIGITS_MAX)}5`, undefined],
  ['', undefined],
  [' 1', undefined],
  ['1 ', undefined],
  ['-1', undefined],
  ['+5', undefined],
  ['0x10', undefined],
  ['1e3', undefined],
  ['12abc', undefined],
  ['1_000', undefined],
  ['1.0', undefined],
  ['\u0661', undefined],
  ['Infinity', undefined],
])('%j is read as %j', (text, want) => {
  expect(parseDecimal(text)).toBe(want);
});

test('every number that can be counted is read as itself', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (value) => {
      expect(parseDecimal(String(value))).toBe(value);
    }),
  );
});
