import { SESSION_EVENTS_MAX } from '../../console/session-events.ts';
import { decodeEvent } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import type { EventLog } from '../../log/event-log.ts';
import { pagesOf, partitionsIn } from '../io/log-pages.ts';

/** The events of one session that the log has, in their order. All of one session are in one partition, which nobody knows. */
export async function sessionInLog(log: EventLog, sid: string): Promise<readonly MailEvent[]> {
  const found: MailEvent[] = [];
  const mark = `"sid":"${sid}"`;
  for (const partition of partitionsIn(log)) {
    for await (const records of pagesOf(log, 'postern.events', partition)) {
      for (const { payload } of records) {
        if (found.length >= SESSION_EVENTS_MAX || !payload.includes(mark)) continue;
        const event = decodeEvent(payload);
        if (event.ok) found.push(event.value);
      }
    }
    if (found.length > 0) break;
  }
  const placeOf = (event: MailEvent): number => ('seq' in event ? event.seq : 0);
  return found.sort((a, b) => placeOf(a) - placeOf(b));
}
