import { decodeEvent } from '../events/codec.ts';
import { type EventType, eventSchemas, type MailEvent } from '../events/event.ts';
import { canonicalAddress } from '../lib/ip.ts';
import type { Table } from './history.ts';
import { columnsOf, objectOf, type Row, rowsIn } from './rows.ts';

/** Events of a session, at most. */
export const SESSION_EVENTS_MAX = 5000;

/** Columns of the table `events` that {@link eventsOfRows} reads; times are milliseconds since 1970-01-01 UTC. */
export const eventColumns = `* EXCEPT (logPartition, logOffset) REPLACE (
  toUnixTimestamp64Milli(at) AS at, toUnixTimestamp64Milli(fromAt) AS fromAt, toUnixTimestamp64Milli(toAt) AS toAt)`;

/**
 * Every event of the session `{sid:UUID}`. The id says when it began, and no session is longer than a day: only those days are read.
 * Conditions stand inside, so that they mean the columns.
 */
export const sessionQuery = `SELECT ${eventColumns} FROM (
  SELECT * FROM events
  WHERE sid = {sid:UUID}
    AND at >= UUIDv7ToDateTime({sid:UUID}) - INTERVAL 1 HOUR AND at <= UUIDv7ToDateTime({sid:UUID}) + INTERVAL 26 HOUR
)
ORDER BY seq
LIMIT ${SESSION_EVENTS_MAX}`;

/** Rows as the events that they were, also of a later release. What the columns do not keep: docs/history.md. */
export const eventsOfRows = (table: Table): readonly object[] => rowsIn(table).map(eventOf);

/** Rows as the events that they were; what is none of this release is left out. */
export const mailEventsOfRows = (table: Table): readonly MailEvent[] =>
  eventsOfRows(table).flatMap((event) => {
    const decoded = decodeEvent(JSON.stringify(event));
    return decoded.ok ? [decoded.value] : [];
  });

/** Events of one session from two places, each once, in their order; where both have one it is that of the second. */
export function mergedEvents<Event extends object>(some: readonly Event[], others: readonly Event[]): readonly Event[] {
  const bySeq = new Map([...some, ...others].map((event) => [placeOf(event), event]));
  return [...bySeq].sort(([a], [b]) => a - b).map(([, event]) => event);
}

const placeOf = (event: object): number => ('seq' in event ? Number(event.seq) : 0);

/** Is its end among them? */
export const isWhole = (events: readonly object[]): boolean =>
  events.some((event) => 'type' in event && event.type === 'session-closed');

function eventOf(row: Row): object {
  const type = String(row.get('type')?.value);
  const event = Object.hasOwn(eventSchemas, type)
    ? objectOf(eventSchemas[type as EventType].shape, row)
    : columnsOf(row);
  const { ip } = event;
  return {
    ...event,
    // The engine writes IPv4 addresses as mapped ones, and some of IPv6 with an IPv4 tail.
    ...(typeof ip === 'string' ? { ip: canonicalAddress(ip) ?? ip } : {}),
    ...(isNullReversePath(row) ? { reversePath: '' } : {}),
  };
}

/** The null reverse-path is an empty text; a MAIL that could not be parsed has an argument in its place. */
const isNullReversePath = (row: Row): boolean =>
  row.get('verb')?.value === 'MAIL' && row.get('reversePath')?.value === '' && row.get('argument')?.value === '';
