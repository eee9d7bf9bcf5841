import { setImmediate } from 'node:timers/promises';
import type { EventLog, Offset, Page, Stream } from '../event-log.ts';
import type { Wakeups } from './wakeups.ts';

/** Records of one page of a follower. */
export const FOLLOW_RECORDS_MAX = 1000;
/** How often a follower looks without having been woken: the log process may be away. */
export const FOLLOW_POLL_MS = 1000;

/** Where to follow a log. */
export interface FollowFrom {
  readonly stream: Stream;
  readonly partition: number;
  readonly from: Offset;
}

/** See {@link EventLog.follow}. */
export async function* follow(
  log: Pick<EventLog, 'read'>,
  wakeups: Wakeups,
  { stream, partition, from }: FollowFrom,
  signal: AbortSignal,
): AsyncGenerator<Page, void, void> {
  let next = from;
  while (!signal.aborted && !wakeups.isClosed) {
    const version = wakeups.version(stream);
    const page = await log.read(stream, partition, next, FOLLOW_RECORDS_MAX);
    next = page.nextOffset;
    if (page.records.length > 0) {
      yield page;
      // A log is read at once: without a turn for timers and sockets whoever is far behind would keep the process to himself.
      await setImmediate();
    } else await wakeups.after(stream, version, FOLLOW_POLL_MS, signal);
  }
}
