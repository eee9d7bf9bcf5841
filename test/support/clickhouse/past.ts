import { Random } from '../../../evaluation/traffic/random.ts';
import { encodeEvent, partitionKeyOf } from '../../../events/codec.ts';
import type { MailEvent } from '../../../events/event.ts';
import type { EventLog } from '../../../log/event-log.ts';
import { openMemoryLog } from '../../../log/io/memory-log.ts';
import type { StoreDatabase } from '../../../store/database.ts';
import { type Act, deeds, eventsOf } from '../acts.ts';

/** What some sources did once, all kinds of deeds. A server does not take what is older than it keeps. */
export function someEvents(count: number): readonly MailEvent[] {
  const random = new Random(11);
  const acts: Act[] = Array.from({ length: count }, () => ({
    ip: `198.51.${random.below(6)}.${random.below(10)}`,
    deed: random.pick(deeds),
    afterMs: random.below(20_000),
  }));
  return eventsOf(acts);
}

export async function logOf(events: readonly MailEvent[]): Promise<EventLog> {
  const log = openMemoryLog({ partitionCount: 2 });
  for (let from = 0; from < events.length; from += 500) {
    const records = events.slice(from, from + 500).map((event) => ({
      stream: 'postern.events' as const,
      key: partitionKeyOf(event) ?? '',
      payload: encodeEvent(event),
    }));
    const appended = await log.append(records);
    if (!appended.ok) throw new Error('the log does not take them');
  }
  return log;
}

/** Rows of the table of events, each with its place in the log. */
export const linesOf = (events: readonly MailEvent[]): readonly string[] =>
  events.map((event, logOffset) => JSON.stringify({ ...event, logPartition: 0, logOffset }));

/** A database that inserts in a way of its own. */
export const inserting = (database: StoreDatabase, insertOf: StoreDatabase['insert']): StoreDatabase =>
  Object.assign(Object.create(database) as StoreDatabase, { insert: insertOf });
