/** @import { Panel } from '../../dashboards/panel.ts' */

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {readonly (number | null)[]} values - One a time.
 *
 * @typedef {object} Chart
 * @property {readonly number[]} times - Seconds since 1970, rising.
 * @property {readonly Series[]} series
 */

import { momentOf } from './times.js';

/** Series with a colour of their own; the smallest of more than these are drawn as one. */
export const SERIES_MAX = 8;

/** @param {unknown} value */
const numberOf = (value) => (value === null || value === undefined || value === '' ? null : Number(value));

/** Panels that draw one series on top of the other. @param {Pick<Panel, 'drawing'>} panel */
export const isStacked = ({ drawing }) => drawing === 'areas' || drawing === 'bars';

/**
 * Rows of a panel as series: of a column `label` and one `value`, or of every number beside `time`. Where a point is missing
 * nothing happened, which stacked series show as 0 and lines as a gap.
 *
 * @param {Pick<Panel, 'drawing' | 'columns' | 'step'>} panel
 * @param {readonly (readonly unknown[])[]} rows
 * @param {number} [to] - End of the range, seconds since 1970.
 * @returns {Chart}
 */
export function seriesOf(panel, rows, to = Number.POSITIVE_INFINITY) {
  const names = panel.columns.map(({ name }) => name);
  const [time, label, value] = [names.indexOf('time'), names.indexOf('label'), names.indexOf('value')];
  /** @type {Map<string, Map<number, number | null>>} */
  const points = new Map();
  /** @type {Set<number>} */
  const times = new Set();
  const add = (/** @type {string} */ name, /** @type {number} */ at, /** @type {unknown} */ number) => {
    const known = points.get(name) ?? new Map();
    known.set(at, numberOf(number));
    points.set(name, known);
  };
  for (const row of rows) {
    const ms = momentOf(row[time]);
    if (ms === undefined) continue;
    times.add(ms / 1000);
    if (label !== -1) add(String(row[label] ?? '') || 'none', ms / 1000, row[value]);
    else for (const [column, name] of names.entries()) if (column !== time) add(name, ms / 1000, row[column]);
  }
  const sorted = [...times].sort((a, b) => a - b);
  const all = withGaps(sorted, STEP_SECONDS[panel.step ?? 'minute'], to);
  const missing = isStacked(panel) ? 0 : null;
  const series = [...points].map(([name, known]) => ({
    label: name,
    values: all.map((at) => (known.has(at) ? (known.get(at) ?? null) : missing)),
  }));
  return { times: all, series: folded(series, isStacked(panel)) };
}

/** Seconds between the points of a panel, at least. */
const STEP_SECONDS = { minute: 60, hour: 3600 };

/**
 * Times with one more after and one before each hole, so that a hole is not bridged; before the first is a hole as well, and
 * after the last, unless the range ends there.
 *
 * @param {readonly number[]} times
 * @param {number} least - Shortest step, where there is only one time.
 * @param {number} to - End of the range.
 */
function withGaps(times, least, to) {
  const steps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  const step = steps.length === 0 ? least : Math.min(...steps);
  return times.flatMap((at, index) => {
    const before = at - (times[index - 1] ?? Number.NEGATIVE_INFINITY);
    const after = (times[index + 1] ?? Number.POSITIVE_INFINITY) - at;
    return [
      ...(before > step * 2.5 ? [at - step] : []),
      at,
      ...(after > step * 1.5 && at + step <= to ? [at + step] : []),
    ];
  });
}

/** @param {Series} series */
const sumOf = ({ values }) => values.reduce((/** @type {number} */ sum, value) => sum + (value ?? 0), 0);

/**
 * The largest first; those without a colour become one where they can be summed.
 *
 * @param {readonly Series[]} series
 * @param {boolean} isSummed
 * @returns {readonly Series[]}
 */
function folded(series, isSummed) {
  if (!isSummed) return series.slice(0, SERIES_MAX);
  const sorted = [...series].sort((a, b) => sumOf(b) - sumOf(a));
  if (sorted.length <= SERIES_MAX) return sorted;
  const rest = sorted.slice(SERIES_MAX - 1);
  const values = (rest[0]?.values ?? []).map((_, index) =>
    rest.reduce((sum, each) => sum + (each.values[index] ?? 0), 0),
  );
  return [...sorted.slice(0, SERIES_MAX - 1), { label: `${rest.length} others`, values }];
}

/**
 * Upper edges of stacked series: each is the sum of itself and of those after it, so the first is the outline of all.
 *
 * @param {readonly Series[]} series
 * @returns {readonly (readonly number[])[]}
 */
export function stackedValues(series) {
  /** @type {readonly number[]} */
  let below = (series[0]?.values ?? []).map(() => 0);
  /** @type {(readonly number[])[]} */
  const edges = [];
  for (const { values } of [...series].reverse()) {
    const lower = below;
    below = values.map((value, index) => (lower[index] ?? 0) + (value ?? 0));
    edges.unshift(below);
  }
  return edges;
}

/**
 * Series that a panel's red is about: that of the column, or every one where the column is `value`.
 *
 * @param {Pick<Panel, 'red'>} panel
 * @param {string} label
 */
const isJudged = ({ red }, label) => red.column === 'value' || red.column === label;

/**
 * Does a series reach the value from which it is red?
 *
 * @param {Pick<Panel, 'red'>} panel
 * @param {Series} series
 */
export const isRedSeries = (panel, { label, values }) =>
  isJudged(panel, label) && values.some((value) => value !== null && value >= panel.red.from);

/**
 * Places of values that have none before and after them.
 *
 * @param {readonly (number | null)[]} values
 */
export const alone = (values) =>
  values.flatMap((value, index) =>
    value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null ? [index] : [],
  );
