import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeField, escapeOctets } from '../../lib/escape.ts';

test.each([
  ['plain text', 'plain text'],
  ['gr\u00fc\u00df \u65e5\u672c \u{1f600}', 'gr\u00fc\u00df \u65e5\u672c \u{1f600}'],
  ['a\x1b[2Jb\x0bc', 'a\\u001b[2Jb\\u000bc'],
  ['a\r\nb\0', 'a\\u000d\\u000ab\\u0000'],
  ['\x7f\x85\x9f', '\\u007f\\u0085\\u009f'],
  ['\u2028\u2029', '\\u2028\\u2029'],
  ['\u202a\u202e\u2066\u2069\u200e\u200f\u061c', '\\u202a\\u202e\\u2066\\u2069\\u200e\\u200f\\u061c'],
  ['\ufeffa', '\\ufeffa'],
  ['\ud800x\udc00', '\\ud800x\\udc00'],
  ['back\\slash "quote"', 'back\\slash "quote"'],
])('%j is kept as %j', (text, want) => {
  expect(escapeField(text, 512)).toBe(want);
});

test.each([
  { text: 'abcdef', lengthMax: 3, want: 'abc' },
  { text: 'ab\x00', lengthMax: 7, want: 'ab' },
  { text: 'ab\x00', lengthMax: 8, want: 'ab\\u0000' },
  { text: 'ab\u{1f600}', lengthMax: 3, want: 'ab' },
  { text: 'a', lengthMax: 0, want: '' },
])('no escape and no pair is cut: $text to $lengthMax', ({ text, lengthMax, want }) => {
  expect(escapeField(text, lengthMax)).toBe(want);
});

const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });

test('nothing that breaks or reorders a line is left, and the result is short enough', () => {
  fc.assert(
    fc.property(anyText, fc.nat({ max: 60 }), (text, lengthMax) => {
      const escaped = escapeField(text, lengthMax);
      expect(escaped.length).toBeLessThanOrEqual(lengthMax);
      expect(escaped).not.toMatch(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/);
      expect(escaped.isWellFormed()).toBe(true);
      expect(escapeField(escaped, lengthMax)).toBe(escaped);
    }),
  );
});

test('octets that are UTF-8 are shown as text, others one by one', () => {
  expect(escapeOctets(Buffer.from('caf\u00e9\r\n'), 512)).toBe('caf\u00e9\\u000d\\u000a');
  expect(escapeOctets(Buffer.from('caf\xe9\n', 'latin1'), 512)).toBe('caf\\xe9\\u000a');
  expect(escapeOctets(Buffer.from('\ufeffx'), 512)).toBe('\\ufeffx');
  expect(escapeOctets(Buffer.from('a\xff\xff', 'latin1'), 5)).toBe('a\\xff');
});

test('any octets become one line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 300 }), (octets, lengthMax) => {
      const shown = escapeOctets(octets, lengthMax);
      expect(shown.length).toBeLessThanOrEqual(lengthMax);
      expect(shown).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }),
  );
});
