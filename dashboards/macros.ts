import { err, ok, type Result } from '../lib/result.ts';

/**
 * Grafana's macros, expanded as its ClickHouse data source does, so that others can draw the same panels. Values of variables may
 * be anything: they come percent-encoded into a literal, and none of the octets that stand there can end it.
 */

/** What the expansion depends on. */
export interface Selection {
  /** The range of time, milliseconds since 1970-01-01 UTC. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Between two points, milliseconds. */
  readonly intervalMs: number;
  /** What was chosen, by name of variable; nothing and an empty text are all. */
  readonly values: Readonly<Record<string, string>>;
}

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
/** What stays unencoded in a literal: letters, digits and `-_.~`, as Grafana has it. */
const stillReserved = /[!'()*]/g;

/** A value as `${name:percentencode}` gives it. Half of a surrogate pair becomes U+FFFD. */
export const percentEncoded = (value: string): string =>
  encodeURIComponent(value.toWellFormed()).replace(
    stillReserved,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const seconds = (ms: number): number => Math.floor(ms / SECOND_MS);
const dateTime = (ms: number): string => `toDateTime(${seconds(ms)})`;
const dateTime64 = (ms: number): string => `fromUnixTimestamp64Milli(${Math.floor(ms)})`;
/** A small number is a date in days from 1970 on to ClickHouse. */
const date = (ms: number): string => `toDate(${Math.floor(ms / DAY_MS)})`;
const intervalSeconds = ({ intervalMs }: Selection): number => Math.max(1, seconds(intervalMs));
const between = (column: string, from: string, to: string): string => `${column} >= ${from} AND ${column} <= ${to}`;

type Macro = (selection: Selection, column: string) => string;

/** Macros of one column. */
const ofColumn: Readonly<Record<string, Macro>> = {
  timeFilter: ({ fromMs, toMs }, column) => between(column, dateTime(fromMs), dateTime(toMs)),
  timeFilter_ms: ({ fromMs, toMs }, column) => between(column, dateTime64(fromMs), dateTime64(toMs)),
  dateFilter: ({ fromMs, toMs }, column) => between(column, date(fromMs), date(toMs)),
  timeInterval: (selection, column) =>
    `toStartOfInterval(toDateTime(${column}), INTERVAL ${intervalSeconds(selection)} second)`,
  timeInterval_ms: ({ intervalMs }, column) =>
    `toStartOfInterval(toDateTime64(${column}, 3), INTERVAL ${Math.max(1, Math.floor(intervalMs))} millisecond)`,
};

/** Macros that stand alone. */
const alone: Readonly<Record<string, (selection: Selection) => string>> = {
  fromTime: ({ fromMs }) => dateTime(fromMs),
  toTime: ({ toMs }) => dateTime(toMs),
  fromTime_ms: ({ fromMs }) => dateTime64(fromMs),
  toTime_ms: ({ toMs }) => dateTime64(toMs),
  interval_s: (selection) => String(intervalSeconds(selection)),
};

const CONDITIONAL = '$__conditionalAll(';
/** A macro with a column, a macro alone, a variable, or a dollar sign that is none of them. */
const expandable = /\$__(\w+)\(([^()]*)\)|\$__(\w+)|\$\{(\w+):percentencode\}|\$/g;

/** @returns The statement without a `$`, or what could not be expanded, in one line. */
export function expandMacros(sql: string, selection: Selection): Result<string, string> {
  const conditioned = withConditions(sql, selection);
  if (!conditioned.ok) return conditioned;
  const faults: string[] = [];
  const expanded = conditioned.value.replace(
    expandable,
    (text: string, called?: string, column?: string, named?: string, variable?: string) => {
      const macro = own(ofColumn, called);
      if (macro !== undefined) return macro(selection, (column ?? '').trim());
      const value = own(alone, named);
      if (value !== undefined) return value(selection);
      if (variable !== undefined) return percentEncoded(own(selection.values, variable) ?? '');
      faults.push(text);
      return '';
    },
  );
  const [fault] = faults;
  return fault === undefined ? ok(expanded) : err(`${fault} is no macro or variable`);
}

/** A name that an object has only by its prototype is none of its own. */
const own = <T>(record: Readonly<Record<string, T>>, name: string | undefined): T | undefined =>
  name !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;

/** `$__conditionalAll(condition, $name)`: the condition where something was chosen, else `1=1`. The last one first, as Grafana. */
function withConditions(sql: string, { values }: Selection): Result<string, string> {
  let rest = sql;
  for (let start = rest.lastIndexOf(CONDITIONAL); start !== -1; start = rest.lastIndexOf(CONDITIONAL)) {
    const inside = insideOf(rest, start + CONDITIONAL.length);
    const [, condition, name] = /^([\s\S]*),\s*\$(\w+)\s*$/.exec(inside ?? '') ?? [];
    if (inside === undefined || condition === undefined || name === undefined)
      return err(`${CONDITIONAL}… is not closed, or names no variable`);
    const kept = (own(values, name) ?? '') === '' ? '1=1' : condition;
    rest = rest.slice(0, start) + kept + rest.slice(start + CONDITIONAL.length + inside.length + 1);
  }
  return ok(rest);
}

/** What stands up to the parenthesis that closes the one before `start`. */
function insideOf(sql: string, start: number): string | undefined {
  let depth = 1;
  for (let index = start; index < sql.length; index += 1) {
    if (sql[index] === '(') depth += 1;
    if (sql[index] === ')') depth -= 1;
    if (depth === 0) return sql.slice(start, index);
  }
  return undefined;
}
