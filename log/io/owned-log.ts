import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../lib/assert.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../appender.ts';
import { groupAppend, offsetsOf, type Placement } from '../batch.ts';
import { ROOM_SHARE } from '../disk-budget.ts';
import type { AppendFault, EventLog, LogRecord, Offset, Page, Stream } from '../event-log.ts';
import { streams } from '../event-log.ts';
import { GapCounter, type GapOrigin, gapRecord } from '../gap.ts';
import type { RewriteOutcome, Rewriter, Rewriting } from '../rewriting.ts';
import { storageFaultOf } from './database.ts';
import type { DiskUsage } from './disk-usage.ts';
import { follow } from './follow.ts';
import type { OffsetStore } from './offset-store.ts';
import type { Append, OwnedStream } from './owned-stream.ts';
import type { Damage } from './stream-writer.ts';
import { Wakeups } from './wakeups.ts';

/** How often a log looks after itself: room near the disk cap, gaps to tell. */
export const UPKEEP_INTERVAL_MS = 1000;

/** Streams whose oldest files go near the disk cap once every consumer has finished them, in this order. */
const expendable: readonly Stream[] = ['postern.events', 'postern.evidence', 'postern.snapshots'];

/** Numbers of a log at work, for health and metrics. */
export interface SqliteLogStatus {
  readonly usedOctets: number;
  readonly diskOctetsMax: number;
  /** Transactions so far. */
  readonly commitCount: number;
  /** Appends refused because the disk was full. */
  readonly fullCount: number;
  /** Files set aside, and told of. */
  readonly damageCount: number;
}

interface Waiting {
  readonly append: Append;
  readonly resolve: (outcome: Result<Placement, 'full'>) => void;
}

/** What a log is made of. */
export interface LogParts {
  readonly lock: Disposable;
  readonly store: OffsetStore;
  readonly usage: DiskUsage;
  /** Filled by the streams, told of by the log. */
  readonly damages: Damage[];
  readonly owned: ReadonlyMap<Stream, OwnedStream>;
  readonly partitionCount: number;
  readonly diskOctetsMax: number;
  /** Whose gaps the log tells of. */
  readonly origin: GapOrigin;
  /** Non-decreasing milliseconds since 1970-01-01 UTC. */
  readonly nowMs: () => number;
}

/**
 * The log of one host: files of SQLite, written by one process, read by any. Appends that arrive while a commit is under
 * way are the next one.
 */
export class SqliteLog implements EventLog, Appender, Rewriter {
  readonly partitionCount: number;
  readonly connected = true;
  readonly wakeups = new Wakeups();
  readonly #parts: LogParts;
  readonly #timer: NodeJS.Timeout;
  #waiting: Waiting[] = [];
  #isClosed = false;
  #commitCount = 0;
  #fullCount = 0;
  #damageCount = 0;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.partitionCount = parts.partitionCount;
    // What the disk does not let through now is tried again the next time.
    this.#timer = setInterval(() => void this.upkeep().catch(storageFaultOf), UPKEEP_INTERVAL_MS).unref();
  }

  get status(): SqliteLogStatus {
    return {
      usedOctets: this.#parts.usage.octets,
      diskOctetsMax: this.#parts.diskOctetsMax,
      commitCount: this.#commitCount,
      fullCount: this.#fullCount,
      damageCount: this.#damageCount,
    };
  }

  async append(records: readonly LogRecord[]): Promise<Result<readonly Offset[], AppendFault>> {
    if (records.length === 0) return ok([]);
    const grouped = groupAppend(records, this.partitionCount);
    if (grouped === undefined) return err('too-large');
    const outcome = await this.submit({ batch: grouped.batch, producer: undefined });
    return outcome.ok ? ok(offsetsOf(grouped, outcome.value)) : outcome;
  }

  /** Appends one batch with the next commit. */
  submit(append: Append): Promise<Result<Placement, 'full'>> {
    const { promise, resolve } = Promise.withResolvers<Result<Placement, 'full'>>();
    // The event loop first reads what else has arrived.
    if (this.#waiting.length === 0) setImmediate(() => this.#commitWaiting());
    this.#waiting.push({ append, resolve });
    return promise;
  }

  async read(stream: Stream, partition: number, from: Offset, limit: number): Promise<Page> {
    const page = this.#streamOf(stream).reader.read(partition, from, limit);
    // A reader finds what is damaged.
    if (this.#parts.damages.length > 0) void this.#tellDamages();
    return page;
  }

  follow(stream: Stream, partition: number, from: Offset, signal: AbortSignal): AsyncIterable<Page> {
    return follow(this, this.wakeups, { stream, partition, from }, signal);
  }

  async bounds(stream: Stream, partition: number): Promise<{ readonly first: Offset; readonly next: Offset }> {
    return this.#streamOf(stream).reader.bounds(partition);
  }

  async commit(group: string, stream: Stream, partition: number, offset: Offset): Promise<void> {
    this.#parts.store.commit(group, stream, partition, offset);
  }

  async committed(group: string, stream: Stream, partition: number): Promise<Offset> {
    return this.#parts.store.committed(group, stream, partition);
  }

  async trim(beforeAtMs: number, stream?: Stream): Promise<number> {
    let count = 0;
    for (const each of streams)
      if (stream === undefined || stream === each) count += this.#streamOf(each).trim(beforeAtMs);
    return count;
  }

  /** See {@link Rewriter.rewrite}. */
  async rewrite({ stream, partition, records }: Rewriting): Promise<readonly RewriteOutcome[]> {
    const outcomes = this.#streamOf(stream).rewrite(partition, records);
    if (this.#parts.damages.length > 0) void this.#tellDamages();
    return outcomes;
  }

  /** See {@link Rewriter.scrub}. Commits go on between one file and the next. */
  async scrub(): Promise<number> {
    let leftCount = 0;
    for (const stream of streams) {
      for (const isEmptied of this.#streamOf(stream).emptyWriteAheadLogs()) {
        if (!isEmptied) leftCount += 1;
        await nextTurn();
        if (this.#isClosed) return leftCount;
      }
    }
    return leftCount;
  }

  /** A reader elsewhere could not read this file. */
  examine(stream: Stream, fileNumber: number): void {
    this.#streamOf(stream).examine(fileNumber);
    void this.#tellDamages();
  }

  /** Makes room near the disk cap and tells of gaps; runs by itself every {@link UPKEEP_INTERVAL_MS}. */
  async upkeep(): Promise<void> {
    if (this.#isCrowded) this.#parts.usage.rescan();
    for (const stream of expendable) this.#makeRoom(stream);
    const events = this.#streamOf('postern.events');
    if (events.hasGap) this.#commitStream('postern.events', []);
    await this.#tellDamages();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    clearInterval(this.#timer);
    this.#commitWaiting();
    this.#isClosed = true;
    this.wakeups.close();
    for (const owned of this.#parts.owned.values()) owned.close();
    this.#parts.store[Symbol.dispose]();
    this.#parts.lock[Symbol.dispose]();
  }

  get #isCrowded(): boolean {
    return this.#parts.usage.octets >= ROOM_SHARE * this.#parts.diskOctetsMax;
  }

  #makeRoom(stream: Stream): void {
    const owned = this.#streamOf(stream);
    const dropOldest = (): boolean => owned.dropOldest((ends) => this.#parts.store.hasEveryGroupFinished(stream, ends));
    // A disk that others fill as well: one file, and then the next commit shows whether that was enough.
    if (owned.isOutOfRoom) dropOldest();
    while (this.#isCrowded && dropOldest());
  }

  #streamOf(stream: Stream): OwnedStream {
    assert(!this.#isClosed, 'the log is open');
    const owned = this.#parts.owned.get(stream);
    assert(owned !== undefined, 'a log has every stream');
    return owned;
  }

  #commitWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const stream of streams) {
      const mine = waiting.filter(({ append }) => append.batch.stream === stream);
      if (mine.length > 0) this.#commitStream(stream, mine);
    }
    if (this.#parts.damages.length > 0 && !this.#isClosed) void this.#tellDamages();
  }

  #commitStream(stream: Stream, waiting: readonly Waiting[]): void {
    const outcomes = this.#streamOf(stream).commit(waiting.map(({ append }) => append));
    this.#commitCount += 1;
    for (const [index, { resolve }] of waiting.entries()) {
      const outcome = outcomes[index] ?? err('full');
      if (!outcome.ok) this.#fullCount += 1;
      resolve(outcome);
    }
    this.wakeups.wake([stream]);
  }

  async #tellDamages(): Promise<void> {
    const damages = this.#parts.damages.splice(0);
    if (damages.length === 0 || this.#isClosed) return;
    const nowMs = this.#parts.nowMs();
    const gap = new GapCounter();
    for (const { stream, lostCount } of damages) {
      gap.add(stream === 'postern.events' ? 'unknown' : stream, nowMs, 'damaged-file', lostCount ?? 0);
    }
    const told = await this.append([gapRecord(gap.toEvent(this.#parts.origin, nowMs))]);
    if (told.ok) this.#damageCount += damages.length;
    else this.#parts.damages.push(...damages);
  }
}
