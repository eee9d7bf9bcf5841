import { decodeDecision, decodeEvent } from '../../events/codec.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { EventLog, Offset, Stream } from '../../log/event-log.ts';
import type { History, HistoryFault } from '../../store/history.ts';
import { partitionsIn } from '../io/log-pages.ts';

/** What an answer rests on. */
export interface Coverage {
  /** From when on nothing is missing that was ever known, milliseconds since 1970-01-01 UTC. */
  readonly fromMs: number;
  readonly source: 'log' | 'log-and-history';
  /** Why it does not reach back further, and what to do; absent where nothing is missing. */
  readonly note?: string;
}

/** Where a stream begins in the log. */
export interface LogReach {
  /** Something was there before, and is not any more. */
  readonly isTrimmed: boolean;
  /** The first record of each partition is not newer: milliseconds since 1970-01-01 UTC; undefined where a partition has none. */
  readonly fromMs: number | undefined;
}

/** Where a stream begins in the log, by the first record of each partition. */
export async function reachOf(log: EventLog, stream: 'postern.events' | 'postern.decisions'): Promise<LogReach> {
  const firsts: { readonly offset: Offset; readonly atMs: number | undefined }[] = [];
  for (const partition of partitionsIn(log)) {
    const { first } = await log.bounds(stream, partition);
    const [record] = (await log.read(stream, partition, first, 1)).records;
    firsts.push({ offset: first, atMs: record === undefined ? undefined : timeOf(stream, record.payload) });
  }
  const trimmed = firsts.filter(({ offset }) => offset > 0);
  const isTrimmed = trimmed.length > 0;
  const times = (isTrimmed ? trimmed : firsts).map(({ atMs }) => atMs);
  const known = times.filter((atMs) => atMs !== undefined);
  // What was never trimmed is whole from its first record on, wherever that is; what was trimmed only from the last of the firsts on.
  if (!isTrimmed) return { isTrimmed, fromMs: known.length === 0 ? undefined : Math.min(...known) };
  return { isTrimmed, fromMs: known.length < times.length ? undefined : Math.max(...known) };
}

function timeOf(stream: Stream, payload: string): number | undefined {
  const decoded = stream === 'postern.events' ? decodeEvent(payload) : decodeDecision(payload);
  return decoded.ok ? decoded.value.at : undefined;
}

/** When the first event of the history happened. */
const BEGINNING = 'SELECT count() AS events, toUnixTimestamp64Milli(min(at)) AS earliest FROM events';

/** When the history begins, milliseconds since 1970-01-01 UTC; undefined for an empty one. */
export async function beginningOf(history: History): Promise<Result<number | undefined, HistoryFault>> {
  const table = await history.ask(BEGINNING);
  if (!table.ok) return table;
  const [events, earliest] = (table.value.rows[0] ?? []).map(Number);
  return ok(events === 0 ? undefined : earliest);
}

/** An answer from the log alone, though the history was asked. @param nowMs - Where the log has nothing, it reaches so far. */
export function coveredByLog({ isTrimmed, fromMs }: LogReach, fault: HistoryFault, nowMs: number): Coverage {
  // Where no history is kept and the log is whole, nothing is missing.
  const isMissing = isTrimmed || fault.kind !== 'none';
  const note = `Nothing older is in the log. ${fault.text}`;
  return { fromMs: fromMs ?? nowMs, source: 'log', ...(isMissing ? { note } : {}) };
}

/** An answer from both. @param beginningMs - Of the history; undefined for an empty one. */
export const coveredByBoth = ({ fromMs }: LogReach, beginningMs: number | undefined, nowMs: number): Coverage => ({
  fromMs: Math.min(fromMs ?? nowMs, beginningMs ?? nowMs),
  source: 'log-and-history',
});
