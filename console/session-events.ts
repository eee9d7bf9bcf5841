import type { Table } from './history.ts';

/** Events of a session, at most. */
export const SESSION_EVENTS_MAX = 5000;

/**
 * Every event of the session `{sid:UUID}`. The id says when it began, and no session is longer than a day: only those days are read.
 * Conditions stand inside, so that they mean the columns.
 */
export const sessionQuery = `SELECT * EXCEPT (logPartition, logOffset)
  REPLACE (toUnixTimestamp64Milli(at) AS at, replaceRegexpOne(toString(ip), '^::ffff:', '') AS ip)
FROM (
  SELECT * FROM events
  WHERE sid = {sid:UUID}
    AND at >= UUIDv7ToDateTime({sid:UUID}) - INTERVAL 1 HOUR AND at <= UUIDv7ToDateTime({sid:UUID}) + INTERVAL 26 HOUR
)
ORDER BY seq
LIMIT ${SESSION_EVENTS_MAX}`;

/** What an event has even where it is 0 or empty. */
const always: ReadonlySet<string> = new Set(['type', 'at', 'sid', 'seq']);
const absent: ReadonlySet<unknown> = new Set(['', 0, false, null, '00000000-0000-0000-0000-000000000000']);
/** An address that is empty, and a time. */
const absentIn: Readonly<Record<string, string>> = { ip: '::', fromAt: '1970-01-01', toAt: '1970-01-01' };

/** Rows as events: the names of the columns are those of the fields, and a field that an event has not is empty, 0 or false there. */
export const eventsOfRows = ({ columns, rows }: Table): readonly object[] =>
  rows.map((row) =>
    Object.fromEntries(
      columns
        .map(({ name }, index) => [name, row[index]] as const)
        .filter(([name, value]) => always.has(name) || !isAbsent(name, value))
        .map(([name, value]) => [name, isTuple(value) ? withoutAbsent(value) : value]),
    ),
  );

function isAbsent(name: string, value: unknown): boolean {
  if (absent.has(value)) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (isTuple(value)) return Object.values(value).every((each) => absent.has(each));
  const start = Object.hasOwn(absentIn, name) ? absentIn[name] : undefined;
  return (
    start !== undefined && typeof value === 'string' && (name === 'ip' ? value === start : value.startsWith(start))
  );
}

const isTuple = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const withoutAbsent = (tuple: object): object =>
  Object.fromEntries(Object.entries(tuple).filter(([, value]) => !absent.has(value)));
