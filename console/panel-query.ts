import { dashboards } from '../dashboards/all.ts';
import { expandMacros, type Selection } from '../dashboards/macros.ts';
import type { Panel } from '../dashboards/panel.ts';
import { err, type Result } from '../lib/result.ts';
import { type Refusal, refused } from './answer.ts';
import type { Parameters } from './route.ts';

/** Points of a series, at most: more would not be seen. */
export const POINTS_MAX = 200;
/** Longest range of time, seconds: ten years. */
export const RANGE_SECONDS_MAX = 315_360_000;
/** Latest time that can be asked for, seconds since 1970-01-01 UTC: what a `DateTime` of ClickHouse holds. */
export const TIME_SECONDS_MAX = 4_294_967_295;
/** Values of a variable that can be chosen from, at most. */
export const VALUES_MAX = 1000;

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;
/** Seconds between two points that people can read. */
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE_S),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR_S),
  ...[1, 2, 7, 14, 30, 90].map((count) => count * DAY_S),
];
/** The interval where a panel has no points in time. */
const STEP_DEFAULT_S = MINUTE_S;
const leastStep = { minute: MINUTE_S, hour: HOUR_S };

/** The statement behind a panel, with what was chosen. */
export function panelQuery(dashboard: string, panel: string, parameters: Parameters): Result<string, Refusal> {
  const found = dashboards.find(({ uid }) => uid === dashboard)?.panels.find(({ id }) => id === panel);
  return found === undefined
    ? err(refused(404, 'There is no such panel.'))
    : expanded(found.sql, parameters, found.step);
}

/** The statement whose one column has the values of a variable. */
export function variableQuery(dashboard: string, name: string, parameters: Parameters): Result<string, Refusal> {
  const variables = dashboards.find(({ uid }) => uid === dashboard)?.variables ?? [];
  const found = variables.find((variable) => variable.name === name);
  return found?.kind === 'choice'
    ? expanded(found.sql, parameters, undefined)
    : err(refused(404, 'There is no such variable to choose from.'));
}

function expanded(sql: string, parameters: Parameters, step: Panel['step']): Result<string, Refusal> {
  const from = timeIn(parameters, 'from');
  const to = timeIn(parameters, 'to');
  if (from === undefined || to === undefined || from >= to || to - from > RANGE_SECONDS_MAX)
    return err(refused(400, '"from" and "to" are a range of time, in seconds since 1970, of ten years at most.'));
  const intervalMs = intervalSeconds(to - from, step) * 1000;
  const query = expandMacros(sql, { fromMs: from * 1000, toMs: to * 1000, intervalMs, values: valuesIn(parameters) });
  return query.ok ? query : err(refused(500, query.error));
}

function timeIn(parameters: Parameters, name: string): number | undefined {
  const text = parameters.get(name) ?? '';
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return seconds <= TIME_SECONDS_MAX ? seconds : undefined;
}

function valuesIn(parameters: Parameters): Selection['values'] {
  const values = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (name.startsWith('var-')) values.set(name.slice('var-'.length), value);
  }
  return Object.fromEntries(values);
}

/** The shortest step with which a range has no more than {@link POINTS_MAX} points. */
export function intervalSeconds(rangeSeconds: number, step: Panel['step']): number {
  const least = step === undefined ? STEP_DEFAULT_S : leastStep[step];
  const fitting = steps.find((each) => each >= least && rangeSeconds / each <= POINTS_MAX);
  return fitting ?? steps.at(-1) ?? least;
}
