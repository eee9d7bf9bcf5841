import { describe, expect, test } from 'vitest';
import { printable } from '../../console/page/text.js';
import {
  formatClockMs,
  formatLasting,
  formatMoment,
  formatUntil,
  momentOf,
  RANGE_SECONDS_MAX,
  rangeSeconds,
  ranges,
  stretchOf,
} from '../../console/page/times.js';
import { formatCell, formatValue } from '../../console/page/units.js';

describe('units', () => {
  test.each([
    [0, 'short', '0'],
    [0.1234, 'short', '0.123'],
    [1.5, 'short', '1.5'],
    [9999, 'short', '9999'],
    [12_345, 'short', '12.3k'],
    [4_200_000, 'short', '4.2M'],
    [3, 'cpm', '3/min'],
    [0.125, 'percentunit', '12.5 %'],
    [1, 'percentunit', '100 %'],
    [0.25, 's', '250 ms'],
    [90, 's', '90 s'],
    [300, 's', '5 min'],
    [172_800, 's', '2 d'],
    [0, 'µs', '0 µs'],
    [812, 'µs', '812 µs'],
    [4100, 'µs', '4.1 ms'],
    [2_500_000, 'µs', '2.5 s'],
    [1023, 'bytes', '1023 B'],
    [1536, 'bytes', '1.5 KiB'],
    [5 * 1024 ** 3, 'bytes', '5 GiB'],
  ] as const)('%d %s is %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });

  test('what is no number is a dash', () => {
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY])
      expect(formatValue(value, 's')).toBe('–');
  });

  test('counts stand in full in a table', () => {
    expect(formatCell(1_234_567, 'short')).toBe('1,234,567');
    expect(formatCell(4100, 'µs')).toBe('4.1 ms');
  });
});

describe('times', () => {
  const at = Date.UTC(2026, 10, 29, 13, 4, 5, 67);

  test('are those of the viewer', () => {
    expect(formatMoment(at, 'UTC')).toBe('2026-11-29 13:04:05');
    expect(formatMoment(at, 'Asia/Tokyo')).toBe('2026-11-29 22:04:05');
    expect(formatClockMs(at, 'Europe/Berlin')).toBe('14:04:05.067');
    expect(formatMoment(0, 'UTC')).toBe('');
  });

  test('from the API are UTC where they have no zone', () => {
    expect(momentOf('2026-11-29T13:04:05.067Z')).toBe(at);
    expect(momentOf('2026-11-29 13:04:05.067')).toBe(at);
    expect(momentOf('2026-11-29T14:04:05.067+01:00')).toBe(at);
    for (const none of ['', 'yesterday', '2026-99-99T00:00:00Z', 17, null]) expect(momentOf(none)).toBeUndefined();
  });

  test('lasting in the two largest units', () => {
    expect([500, 61_000, 3_600_000, 90_061_000].map(formatLasting)).toEqual(['0 s', '1 min 1 s', '1 h', '1 d 1 h']);
    expect(formatUntil(at + 60_000, at)).toBe('1 min more');
    expect(formatUntil(253_402_300_799_999, at)).toBe('for good');
    expect(formatUntil(at, at)).toBe('over');
  });

  test('ranges, up to the longest', () => {
    expect(ranges.map(([text]) => rangeSeconds(text))).toEqual([3600, 21_600, 86_400, 604_800, 2_592_000]);
    expect(rangeSeconds('3650d')).toBe(RANGE_SECONDS_MAX);
    for (const none of ['3651d', '0h', '', '24', 'h', '-1h', '1e3h']) expect(rangeSeconds(none)).toBeUndefined();
  });

  test('a dashboard looks at a range that ends now, or at what is fixed', () => {
    const query = (text: string) => new Map(new URLSearchParams(text));
    expect(stretchOf(query(''), '24h', 100_000_000)).toEqual({ from: 13_600, to: 100_000, isFixed: false });
    expect(stretchOf(query('range=1h'), '24h', 100_000_000)).toEqual({ from: 96_400, to: 100_000, isFixed: false });
    expect(stretchOf(query('from=10&to=20'), '24h', 100_000_000)).toEqual({ from: 10, to: 20, isFixed: true });
    for (const wrong of [
      'from=20&to=10',
      'from=a&to=b',
      'from=-1&to=5',
      `from=0&to=${RANGE_SECONDS_MAX + 1}`,
      'range=x',
    ]) {
      expect(stretchOf(query(wrong), '24h', 100_000_000)).toEqual({ from: 13_600, to: 100_000, isFixed: false });
    }
  });
});

test('text that hides or turns round what stands beside it is shown as what it is', () => {
  expect(printable('a\u202eb\u0000c\u2028d\ufeff')).toBe('a\\u202eb\\u0000c\\u2028d\\ufeff');
  expect(printable('<b>"é\'</b>')).toBe('<b>"é\'</b>');
  expect(printable(undefined)).toBe('');
});
