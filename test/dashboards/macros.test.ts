import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dashboards } from '../../dashboards/all.ts';
import { chosen } from '../../dashboards/fragments.ts';
import { expandMacros, percentEncoded, type Selection } from '../../dashboards/macros.ts';

const selection: Selection = {
  fromMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  toMs: Date.UTC(2026, 0, 3, 0, 0, 0, 9),
  intervalMs: 90_500,
  values: { gate: "it's" },
};
const FROM = 1_767_323_045;
const TO = 1_767_398_400;

const table: readonly (readonly [sql: string, expanded: string])[] = [
  ['$__timeFilter(minute)', `minute >= toDateTime(${FROM}) AND minute <= toDateTime(${TO})`],
  ['$__timeFilter_ms( at )', `at >= fromUnixTimestamp64Milli(${FROM}678) AND at <= fromUnixTimestamp64Milli(${TO}009)`],
  ['$__dateFilter(day)', 'day >= toDate(20455) AND day <= toDate(20456)'],
  ['$__fromTime', `toDateTime(${FROM})`],
  ['$__toTime - $__fromTime', `toDateTime(${TO}) - toDateTime(${FROM})`],
  ['$__fromTime_ms', `fromUnixTimestamp64Milli(${FROM}678)`],
  ['$__toTime_ms', `fromUnixTimestamp64Milli(${TO}009)`],
  ['$__timeInterval(minute)', 'toStartOfInterval(toDateTime(minute), INTERVAL 90 second)'],
  ['$__timeInterval_ms(at)', 'toStartOfInterval(toDateTime64(at, 3), INTERVAL 90500 millisecond)'],
  ['$__interval_s', '90'],
  ["'${gate:percentencode}'", "'it%27s'"],
  ["'${listener:percentencode}'", "''"],
  [chosen('gate'), "gate = decodeURLComponent('it%27s')"],
  [chosen('listener'), '1=1'],
  ['$__conditionalAll((a IN (1, 2)) AND $__conditionalAll(b = 3, $listener), $gate)', '(a IN (1, 2)) AND 1=1'],
  ['$__conditionalAll($__timeFilter(at), $gate)', `at >= toDateTime(${FROM}) AND at <= toDateTime(${TO})`],
];

test.each(table)('%s', (sql, expanded) => {
  expect(expandMacros(sql, selection)).toEqual({ ok: true, value: expanded });
});

test('the shortest interval is a second, a millisecond', () => {
  const short = { ...selection, intervalMs: 0.2 };
  expect(expandMacros('$__interval_s', short)).toEqual({ ok: true, value: '1' });
  expect(expandMacros('$__timeInterval_ms(at)', short)).toEqual({
    ok: true,
    value: 'toStartOfInterval(toDateTime64(at, 3), INTERVAL 1 millisecond)',
  });
});

describe('what is no macro is a fault', () => {
  test.each([
    '$gate',
    '${gate}',
    '${gate:raw}',
    '$__timeGroup(at, 5m)',
    '$__toString',
    '$__constructor(at)',
    '$__timeFilter',
    '$',
    '$__conditionalAll(a = 1, $gate',
    '$__conditionalAll(a = 1)',
  ])('%s', (sql) => {
    expect(expandMacros(`SELECT ${sql}`, selection).ok).toBe(false);
  });
});

/** Values that somebody would try, and any others; halves of surrogate pairs as well. */
const anyValue = fc.oneof(
  fc.constantFrom(
    "'",
    "\\'",
    '\\',
    "' OR 1=1 --",
    '$__conditionalAll(',
    '${gate:percentencode}',
    '$',
    '%27',
    '\u0000',
    '\ud800',
  ),
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom("'", '\\', '$', '{', '}', '(', ')', ',', '%', '`', '"', '-', '\n', 'ä'), { maxLength: 12 })
    .map((parts) => parts.join('')),
);
const names = ['gate', 'listener', 'rule', 'scenario', 'ip', 'sid'];

/** A statement with what stands between quotes taken out. */
const outside = (sql: string): string => sql.replace(/'[^']*'/g, "''");

test('whatever a value is, no $ is left and no literal ends early', () => {
  const plain = { ...selection, values: Object.fromEntries(names.map((name) => [name, 'x'])) };
  const statements = dashboards.flatMap(({ panels }) =>
    panels.map(({ sql }) => ({ sql, shape: outside(valueIn(expandMacros(sql, plain))) })),
  );
  fc.assert(
    fc.property(anyValue, (value) => {
      fc.pre(value !== '');
      const values = Object.fromEntries(names.map((name) => [name, value]));
      for (const { sql, shape } of statements) {
        const expanded = valueIn(expandMacros(sql, { ...selection, values }));
        expect(expanded).not.toContain('$');
        expect(outside(expanded)).toBe(shape);
      }
      const encoded = percentEncoded(value);
      expect(encoded).toMatch(/^[\w.~%-]*$/);
      expect(decodeURIComponent(encoded)).toBe(value.toWellFormed());
    }),
  );
});

const valueIn = (expanded: ReturnType<typeof expandMacros>): string =>
  expanded.ok ? expanded.value : `fault: ${expanded.error} $`;
