import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventLog, Offset, Page, StoredRecord } from '../../log/event-log.ts';
import { BATCH_OCTETS_MAX, BATCH_RECORDS_MAX, type Batch, type StoredStream } from '../batch.ts';
import type { StoreDatabase } from '../database.ts';
import { type JournalFile, type PlaceState, placeKey } from '../journal.ts';
import { Inserter, type WriterListener } from './inserter.ts';
import { positionsOf } from './positions.ts';

/** Records wait for others of their batch at most so long, milliseconds. */
export const FLUSH_EVERY_MS = 1000;
/** Records of one read while a batch is read once more. */
const READ_RECORDS = 5000;

export interface WriterOptions {
  readonly log: EventLog;
  readonly database: StoreDatabase;
  readonly journal: JournalFile;
  readonly listener: WriterListener;
  /** Default: {@link BATCH_RECORDS_MAX}. */
  readonly batchRecordsMax?: number;
}

/** Brings a log into a store: every record once, in batches that are the same whenever they are inserted. */
export class StoreWriter {
  private readonly options: WriterOptions;
  private readonly places = new Map<string, PlaceState>();
  private storeId = '';
  private epoch = '';
  private inserter: Inserter | undefined;
  /** One insert after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: WriterOptions) {
    this.options = options;
  }

  /** How far every partition is in the store. */
  get states(): readonly PlaceState[] {
    return [...this.places.values()];
  }

  /** Takes up where the last writer of this store was; what it may have left half done is done once more. */
  async begin(signal: AbortSignal): Promise<void> {
    const { log, journal, database, listener } = this.options;
    const kept = await positionsOf(database, journal.load(), log.partitionCount);
    const ends = await Promise.all(kept.places.map(({ stream, partition }) => log.bounds(stream, partition)));
    const isOther = kept.places.some(({ next }, index) => next > (ends[index]?.next ?? 0));
    if (isOther)
      listener.trouble('the log is not the one that the store has read: the new one is read from its start', {});
    this.storeId = kept.storeId;
    this.epoch = isOther ? randomUUID() : kept.epoch;
    this.inserter = new Inserter(database, listener, this.epoch);
    for (const [index, state] of kept.places.entries()) {
      const first = ends[index]?.first ?? 0;
      this.take(isOther ? { ...state, next: first, batchEnd: first } : state, first);
    }
    for (const state of this.places.values()) if (state.batchEnd > state.next) await this.again(state, signal);
  }

  private take(state: PlaceState, first: Offset): void {
    if (state.next > 0 && state.next < first)
      this.options.listener.trouble('records left the log before they were in the store', {
        ...state,
        missing: first - state.next,
      });
    const next = Math.max(first, state.next);
    this.places.set(placeKey(state), { ...state, next, batchEnd: Math.max(next, state.batchEnd) });
  }

  /** Follows the log until `signal` aborts; what has been read by then goes into the store. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.states.map((state) => this.follow(state, signal)));
  }

  /** Brings in what the log has now. `onBatch`: after each batch, with how many records it had. */
  async catchUp(signal: AbortSignal, onBatch: (count: number) => void = () => undefined): Promise<void> {
    const { log } = this.options;
    for (const { stream, partition } of this.states) {
      const { next: end } = await log.bounds(stream, partition);
      for (;;) {
        const first = this.nextOf(stream, partition);
        if (first >= end || signal.aborted) break;
        const { records, next } = await this.read(stream, partition, first, end);
        await this.store({ stream, partition, first, next }, records, signal);
        onBatch(records.length);
      }
    }
  }

  private nextOf(stream: StoredStream, partition: number): Offset {
    return this.places.get(placeKey({ stream, partition }))?.next ?? 0;
  }

  /** A batch that was about to be inserted when the last writer ended. */
  private async again({ stream, partition, next: first, batchEnd }: PlaceState, signal: AbortSignal): Promise<void> {
    const { records } = await this.read(stream, partition, first, batchEnd, Number.POSITIVE_INFINITY);
    await this.store({ stream, partition, first, next: batchEnd }, records, signal);
  }

  /** Records from `first` up to `end`, no more than make a batch. */
  private async read(
    stream: StoredStream,
    partition: number,
    first: Offset,
    end: Offset,
    max = this.options.batchRecordsMax ?? BATCH_RECORDS_MAX,
  ): Promise<{ readonly records: readonly StoredRecord[]; readonly next: Offset }> {
    const records: StoredRecord[] = [];
    let next = first;
    let octets = 0;
    while (next < end && records.length < max && octets < BATCH_OCTETS_MAX) {
      const limit = Math.min(READ_RECORDS, max - records.length, end - next);
      const page = await this.options.log.read(stream, partition, next, limit);
      if (page.records.length === 0 && page.nextOffset <= next) break;
      for (const record of page.records) {
        records.push(record);
        octets += record.payload.length;
      }
      next = Math.min(end, page.nextOffset);
    }
    return { records, next };
  }

  private async follow({ stream, partition, next }: PlaceState, signal: AbortSignal): Promise<void> {
    const pages = this.options.log.follow(stream, partition, next, signal)[Symbol.asyncIterator]();
    const filling = new Filling(this.options.batchRecordsMax ?? BATCH_RECORDS_MAX);
    const flush = async (): Promise<void> => {
      const first = this.nextOf(stream, partition);
      const { records, next: end } = filling.take();
      if (end > first) await this.store({ stream, partition, first, next: end }, records, signal);
    };
    let arriving = pages.next();
    for (;;) {
      const arrived = await filling.whicheverIsFirst(arriving);
      if (arrived === 'due') {
        await flush();
        continue;
      }
      if (arrived.done === true) break;
      for (const piece of filling.add(arrived.value)) if (piece === 'full') await flush();
      arriving = pages.next();
    }
    await flush();
  }

  /** Writes down what will be inserted, inserts it, and goes on behind it. */
  private store(batch: Batch, records: readonly StoredRecord[], signal: AbortSignal): Promise<void> {
    const result = this.turn.then(async () => {
      const { stream, partition, first, next } = batch;
      const key = placeKey(batch);
      this.places.set(key, { stream, partition, next: first, batchEnd: next });
      this.options.journal.save({ storeId: this.storeId, epoch: this.epoch, places: this.states });
      // What is not inserted when the writer ends is in the journal, and is inserted by the next one.
      if ((await this.inserter?.insert(batch, records, signal)) !== true) return;
      this.places.set(key, { stream, partition, next, batchEnd: next });
      this.options.listener.stored?.(batch);
    });
    this.turn = result.catch(() => undefined);
    return result;
  }
}

/** A batch that is being filled. */
class Filling {
  private readonly recordsMax: number;
  private records: StoredRecord[] = [];
  private octets = 0;
  private end: Offset = 0;
  private dueMs: number | undefined;

  constructor(recordsMax: number) {
    this.recordsMax = recordsMax;
  }

  /** Takes a page in; says `full` each time that a batch has to be taken out before it goes on. */
  *add({ records, nextOffset }: Page): Generator<'full'> {
    for (const record of records) {
      this.records.push(record);
      this.octets += record.payload.length;
      this.end = record.offset + 1;
      if (this.records.length >= this.recordsMax || this.octets >= BATCH_OCTETS_MAX) yield 'full';
    }
    this.end = Math.max(this.end, nextOffset);
    this.dueMs ??= performance.now() + FLUSH_EVERY_MS;
  }

  take(): { readonly records: readonly StoredRecord[]; readonly next: Offset } {
    const taken = { records: this.records, next: this.end };
    this.records = [];
    this.octets = 0;
    this.dueMs = undefined;
    return taken;
  }

  async whicheverIsFirst<T>(arriving: Promise<T>): Promise<T | 'due'> {
    if (this.dueMs === undefined) return arriving;
    const timer = new AbortController();
    const due = delay(Math.max(0, this.dueMs - performance.now()), 'due' as const, { signal: timer.signal });
    due.catch(() => undefined);
    try {
      return await Promise.race([arriving, due]);
    } finally {
      timer.abort();
    }
  }
}
