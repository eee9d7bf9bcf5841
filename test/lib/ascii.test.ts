import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAscii, isControl, upperAscii } from '../../lib/ascii.ts';

test('only the letters a to z change their case', () => {
  expect(upperAscii('starttls')).toBe('STARTTLS');
  // U+017F and U+0131 fold into S and I by toUpperCase.
  expect(upperAscii('\u017ftarttls b\u0131nary \u00e9')).toBe('\u017fTARTTLS B\u0131NARY \u00e9');
});

test('upper case keeps length and is final', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const upper = upperAscii(text);
      expect(upper).toHaveLength(text.length);
      expect(upperAscii(upper)).toBe(upper);
    }),
  );
});

test.each([
  { code: 0x1f, control: true },
  { code: 0x20, control: false },
  { code: 0x7e, control: false },
  { code: 0x7f, control: true },
  { code: 0x9f, control: true },
  { code: 0xa0, control: false },
])('code $code is a control: $control', ({ code, control }) => {
  expect(isControl(code)).toBe(control);
});

test('ASCII ends at 0x7f', () => {
  expect(isAscii('a\x7f')).toBe(true);
  expect(isAscii('a\x80')).toBe(false);
});
