import { mkdirSync } from 'node:fs';
import { assert } from '../../lib/assert.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../appender.ts';
import { groupAppend, offsetsOf, type Placement } from '../batch.ts';
import { DISK_OCTETS_MAX_DEFAULT, DISK_OCTETS_MAX_FLOOR, fileOctetsMaxOf, ROOM_SHARE } from '../disk-budget.ts';
import type { AppendFault, EventLog, LogRecord, Offset, Page, Stream } from '../event-log.ts';
import { streams } from '../event-log.ts';
import { GapCounter, gapRecord } from '../gap.ts';
import { PARTITION_COUNT_DEFAULT } from '../partition.ts';
import type { Durability } from './database.ts';
import { DiskUsage } from './disk-usage.ts';
import { listFiles } from './file-names.ts';
import { follow } from './follow.ts';
import { OffsetStore } from './offset-store.ts';
import { type Append, OwnedStream } from './owned-stream.ts';
import { takeOwnerLock } from './owner-lock.ts';
import { StreamReader } from './stream-reader.ts';
import type { Damage, StreamFault } from './stream-writer.ts';
import { Wakeups } from './wakeups.ts';

/** Age at which a file is full: whole files are trimmed, so it is also how exact retention is. */
export const FILE_AGE_MS_MAX: Readonly<Record<Stream, number>> = {
  'postern.events': 3_600_000,
  'postern.evidence': 3_600_000,
  'postern.decisions': 86_400_000,
  'postern.snapshots': 3_600_000,
};
/** How often a log looks after itself: room near the disk cap, gaps to tell. */
export const UPKEEP_INTERVAL_MS = 1000;

/** Streams whose oldest files go near the disk cap once every consumer has finished them, in this order. */
const expendable: readonly Stream[] = ['postern.events', 'postern.evidence', 'postern.snapshots'];

export interface SqliteLogOptions {
  /** Made with mode 0700 if it is not there. */
  readonly directory: string;
  /** Whose gaps the log tells of. */
  readonly site: string;
  readonly gate: string;
  /** Fixed at birth; an existing log keeps its own unless another number is given, which is a fault. */
  readonly partitionCount?: number;
  /** Default `fsync`. */
  readonly durable?: Durability;
  /** Octets on disk, all files together; at least {@link DISK_OCTETS_MAX_FLOOR}. */
  readonly diskOctetsMax?: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now?: () => number;
}

/** Why a log cannot be opened. */
export type OpenFault =
  | StreamFault
  /** Another process, or another log of this one, owns the directory. */
  | { readonly kind: 'owned'; readonly directory: string }
  | { readonly kind: 'unusable'; readonly directory: string; readonly reason: string };

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

/** Opens the log of a directory as its only owner. */
export async function openSqliteLog(options: SqliteLogOptions): Promise<Result<SqliteLog, OpenFault>> {
  const { directory } = options;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = takeOwnerLock(directory);
    if (lock === undefined) return err({ kind: 'owned', directory });
    const log = openOwned(options, lock);
    if (!(log instanceof SqliteLog)) {
      lock[Symbol.dispose]();
      return err(log);
    }
    await log.upkeep();
    return ok(log);
  } catch (error) {
    return err({ kind: 'unusable', directory, reason: error instanceof Error ? error.message : String(error) });
  }
}

function openOwned(options: SqliteLogOptions, lock: Disposable): SqliteLog | OpenFault {
  const { directory, site, gate, durable = 'fsync', now = Date.now } = options;
  const partitionCount = partitionCountOf(directory) ?? options.partitionCount ?? PARTITION_COUNT_DEFAULT;
  if (options.partitionCount !== undefined && options.partitionCount !== partitionCount) {
    return { kind: 'partition-count', found: partitionCount };
  }
  const diskOctetsMax = Math.max(options.diskOctetsMax ?? DISK_OCTETS_MAX_DEFAULT, DISK_OCTETS_MAX_FLOOR);
  const { store } = OffsetStore.open(directory, partitionCount);
  const usage = new DiskUsage(directory);
  const damages: Damage[] = [];
  const owned = new Map<Stream, OwnedStream>();
  let lastMs = 0;
  for (const stream of streams) {
    const place = {
      directory,
      stream,
      partitionCount,
      durable,
      origin: { site, gate },
      floorOf: (partition: number) => store.highest(stream, partition),
      onDamage: (damage: Damage) => void damages.push(damage),
      now: () => {
        lastMs = Math.max(lastMs, now());
        return lastMs;
      },
    };
    const limits = {
      diskOctetsMax,
      fileOctetsMax: fileOctetsMaxOf(diskOctetsMax),
      fileAgeMsMax: FILE_AGE_MS_MAX[stream],
    };
    const opened = OwnedStream.open(place, limits, usage);
    if (!(opened instanceof OwnedStream)) {
      for (const other of owned.values()) other.close();
      store[Symbol.dispose]();
      return opened;
    }
    owned.set(stream, opened);
    lastMs = Math.max(lastMs, opened.lastAtMs());
  }
  return new SqliteLog({
    lock,
    store,
    usage,
    damages,
    owned,
    partitionCount,
    diskOctetsMax,
    options,
    nowMs: () => lastMs,
  });
}

/** Partitions of the log that is in a directory; undefined if nobody can tell. */
function partitionCountOf(directory: string): number | undefined {
  for (const stream of streams) {
    const reader = new StreamReader(directory, stream, () => undefined);
    const counts = listFiles(directory, stream).numbers.map((number) => reader.basesOf(number)?.length);
    reader.close();
    const count = counts.find((found) => found !== undefined);
    if (count !== undefined) return count;
  }
  return undefined;
}

/** What a log is made of. */
interface Parts {
  readonly lock: Disposable;
  readonly store: OffsetStore;
  readonly usage: DiskUsage;
  /** Filled by the streams, told of by the log. */
  readonly damages: Damage[];
  readonly owned: ReadonlyMap<Stream, OwnedStream>;
  readonly partitionCount: number;
  readonly diskOctetsMax: number;
  readonly options: SqliteLogOptions;
  readonly nowMs: () => number;
}

/**
 * The log of one host: files of SQLite, written by one process, read by any. Appends that arrive while a commit is under
 * way are the next one.
 */
export class SqliteLog implements EventLog, Appender {
  readonly partitionCount: number;
  readonly connected = true;
  readonly wakeups = new Wakeups();
  readonly #parts: Parts;
  readonly #timer: NodeJS.Timeout;
  #waiting: Waiting[] = [];
  #isClosed = false;
  #commitCount = 0;
  #fullCount = 0;
  #damageCount = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.partitionCount = parts.partitionCount;
    this.#timer = setInterval(() => void this.upkeep(), UPKEEP_INTERVAL_MS).unref();
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
    return this.#streamOf(stream).reader.read(partition, from, limit);
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

  /** A reader elsewhere could not read this file. */
  examine(stream: Stream, fileNumber: number): void {
    this.#streamOf(stream).examine(fileNumber);
    void this.#tellDamages();
  }

  /** Makes room near the disk cap and tells of gaps; runs by itself every {@link UPKEEP_INTERVAL_MS}. */
  async upkeep(): Promise<void> {
    const { usage } = this.#parts;
    if (this.#isCrowded) usage.rescan();
    for (const stream of expendable) {
      const owned = this.#streamOf(stream);
      while (this.#isCrowded && owned.dropOldest((ends) => this.#parts.store.hasEveryGroupFinished(stream, ends)));
    }
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
    const { site, gate } = this.#parts.options;
    const told = await this.append([gapRecord(gap.toEvent({ site, gate }, nowMs))]);
    if (told.ok) this.#damageCount += damages.length;
    else this.#parts.damages.push(...damages);
  }
}
