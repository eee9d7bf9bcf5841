import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProgramFault } from '../../lib/assert.ts';
import { rfc5322Date } from '../../lib/time.ts';

test.each([
  [0, 'Thu, 01 Jan 1970 00:00:00 +0000'],
  [951_782_399_999, 'Mon, 28 Feb 2000 23:59:59 +0000'],
  [951_782_400_000, 'Tue, 29 Feb 2000 00:00:00 +0000'],
  [1_700_000_000_123, 'Tue, 14 Nov 2023 22:13:20 +0000'],
  [4_107_542_400_000, 'Mon, 01 Mar 2100 00:00:00 +0000'],
])('%d is %s', (wallMs, want) => {
  expect(rfc5322Date(wallMs)).toBe(want);
});

test('every time until the year 9999 agrees with the calendar of the platform', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (wallMs) => {
      expect(rfc5322Date(wallMs)).toBe(new Date(wallMs).toUTCString().replace('GMT', '+0000'));
    }),
    { numRuns: 2000 },
  );
});

test('what is no time is a fault of the program', () => {
  expect(() => rfc5322Date(-1)).toThrow(ProgramFault);
  expect(() => rfc5322Date(0.5)).toThrow(ProgramFault);
  expect(() => rfc5322Date(Number.NaN)).toThrow(ProgramFault);
});
