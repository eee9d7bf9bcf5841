import { decodeEvent } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import type { EventLog, Offset } from '../../log/event-log.ts';
import { SESSION_EVENTS_MAX } from '../../store/event-rows.ts';
import { partitionsIn } from '../io/log-pages.ts';

const STREAM = 'postern.events';
/** Records read at a time. */
const PAGE_RECORDS = 2000;
/** The log is in the order of time, but for so much: events wait in the gate while the log is away. Milliseconds. */
const DISORDER_MS = 600_000;
/** No session is longer than a day, and the last events of it may wait as well. */
const SESSION_MS_MAX = 86_400_000 + DISORDER_MS;

/** The events of one session that the log has, in their order. All are in one partition; which one is not in its id. */
export async function sessionInLog(log: EventLog, sid: string): Promise<readonly MailEvent[]> {
  for (const partition of partitionsIn(log)) {
    const found = await sessionInPartition(log, partition, sid);
    if (found.length > 0) return found.sort((a, b) => placeOf(a) - placeOf(b));
  }
  return [];
}

const placeOf = (event: MailEvent): number => ('seq' in event ? event.seq : 0);

async function sessionInPartition(log: EventLog, partition: number, sid: string): Promise<MailEvent[]> {
  const { first, next } = await log.bounds(STREAM, partition);
  const startMs = startOf(sid);
  const found: MailEvent[] = [];
  const mark = `"sid":"${sid}"`;
  for (let from = await offsetAt(log, partition, { first, next }, startMs - DISORDER_MS); from < next; ) {
    const page = await log.read(STREAM, partition, from, Math.min(PAGE_RECORDS, next - from));
    const [newest] = page.records.slice(-1);
    for (const { payload } of page.records) {
      if (found.length >= SESSION_EVENTS_MAX || !payload.includes(mark)) continue;
      const event = decodeEvent(payload);
      if (event.ok) found.push(event.value);
    }
    const isOver = found.some(({ type }) => type === 'session-closed');
    if (newest === undefined || isOver || timeOf(newest.payload) > startMs + SESSION_MS_MAX) break;
    from = page.nextOffset;
  }
  return found;
}

/** A UUID of version 7 begins with its time (RFC 9562 section 5.7). */
const startOf = (sid: string): number => Number.parseInt(sid.slice(0, 8) + sid.slice(9, 13), 16);

interface Bounds {
  readonly first: Offset;
  readonly next: Offset;
}

/** An offset before which everything is older than `atMs`, by halving. */
async function offsetAt(log: EventLog, partition: number, { first, next }: Bounds, atMs: number): Promise<Offset> {
  let low = first;
  let high = next;
  while (high - low > PAGE_RECORDS) {
    const middle = low + Math.floor((high - low) / 2);
    const [record] = (await log.read(STREAM, partition, middle, 1)).records;
    if (record !== undefined && timeOf(record.payload) < atMs) low = middle;
    else high = middle;
  }
  return low;
}

/** When an event happened; what cannot be read is never the older one. */
function timeOf(payload: string): number {
  const event = decodeEvent(payload);
  return event.ok ? event.value.at : Number.POSITIVE_INFINITY;
}
