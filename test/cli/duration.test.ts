import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../cli/duration.ts';

const DAY_MS = 86_400_000;

test.each([
  ['1s', 1000],
  ['90s', 90_000],
  ['15m', 900_000],
  ['4h', 14_400_000],
  ['7d', 7 * DAY_MS],
  ['2w', 14 * DAY_MS],
  ['007d', 7 * DAY_MS],
  ['3650d', 3650 * DAY_MS],
  ['999999s', 999_999_000],
])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each([
  '',
  '0s',
  '-1h',
  '+1h',
  '1',
  'h',
  '1 h',
  '1.5h',
  '1H',
  '1h ',
  ' 1h',
  '1h30m',
  '1ms',
  '1y',
  '1e3s',
  '١h',
  '1h\n',
  '0x1h',
  '3651d',
  '1000000s',
  '522w',
])('%j is no time', (text) => expect(parseDuration(text)).toBeUndefined());

test.each([
  [0, '0 s'],
  [999, '0 s'],
  [1000, '1 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [61_000, '1 min 1 s'],
  [3_599_999, '59 min 59 s'],
  [3_600_000, '1 h'],
  [3_601_000, '1 h'],
  [14_340_000, '3 h 59 min'],
  [DAY_MS, '1 d'],
  [DAY_MS + 60_000, '1 d'],
  [DAY_MS + 3_600_000, '1 d 1 h'],
  [3650 * DAY_MS, '3650 d'],
  [-5, '0 s'],
])('%i ms is "%s" for people', (ms, text) => expect(formatDuration(ms)).toBe(text));

test('what is shown is never more than there is, and at most two units', () => {
  const unitsMs: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000, d: DAY_MS };
  fc.assert(
    fc.property(fc.nat(400 * DAY_MS), (ms) => {
      const parts = formatDuration(ms).match(/\d+ \w+/g) ?? [];
      const shownMs = parts.reduce((sum, part) => {
        const [count, unit] = part.split(' ');
        return sum + Number(count) * (unitsMs[unit ?? ''] ?? Number.NaN);
      }, 0);
      const largest = unitsMs[parts[0]?.split(' ')[1] ?? ''] ?? Number.NaN;
      expect(parts.length).toBeLessThanOrEqual(2);
      expect(shownMs).toBeLessThanOrEqual(ms);
      expect(ms - shownMs).toBeLessThan(Math.max(1000, largest / 24));
    }),
  );
});
