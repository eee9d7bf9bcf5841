import { decodeDecision } from '../../events/codec.ts';
import type { DecisionEvent } from '../../events/decision.ts';
import type { EventLog, StoredRecord } from '../../log/event-log.ts';

const DECISIONS = 'postern.decisions';
/** Records read at a time before the end was reached. */
const READ_RECORDS = 500;

/** Hears the decisions of a log. */
export interface DecisionListener {
  /** Decisions in the order of their partition; those of one page together. */
  took(decisions: readonly DecisionEvent[]): void;
  /** Everything that was there at the beginning has been told. */
  caughtUp(): void;
  /** Records that this release does not know were passed over. */
  unreadable(count: number): void;
}

/** Follows `postern.decisions` from its first record on, all partitions, until `signal` aborts. */
export async function followDecisions(log: EventLog, listener: DecisionListener, signal: AbortSignal): Promise<void> {
  const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
  const ends = await Promise.all(partitions.map((partition) => readToEnd(log, partition, listener, signal)));
  listener.caughtUp();
  await Promise.all(
    partitions.map(async (partition) => {
      for await (const { records } of log.follow(DECISIONS, partition, ends[partition] ?? 0, signal)) {
        tell(records, listener);
      }
    }),
  );
}

async function readToEnd(
  log: EventLog,
  partition: number,
  listener: DecisionListener,
  signal: AbortSignal,
): Promise<number> {
  const { first, next } = await log.bounds(DECISIONS, partition);
  let from = first;
  while (from < next && !signal.aborted) {
    const page = await log.read(DECISIONS, partition, from, READ_RECORDS);
    if (page.records.length === 0) break;
    tell(page.records, listener);
    from = page.nextOffset;
  }
  return from;
}

function tell(records: readonly StoredRecord[], listener: DecisionListener): void {
  const decisions: DecisionEvent[] = [];
  for (const { payload } of records) {
    const decoded = decodeDecision(payload);
    if (decoded.ok) decisions.push(decoded.value);
  }
  if (decisions.length > 0) listener.took(decisions);
  if (decisions.length < records.length) listener.unreadable(records.length - decisions.length);
}
