import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventLog, Offset, Page, StoredRecord } from '../../log/event-log.ts';
import { BATCH_OCTETS_MAX, BATCH_RECORDS_MAX, type Batch, type StoredStream } from '../batch.ts';
import type { StoreDatabase } from '../database.ts';
import { type JournalFile, type PlaceState, placeKey } from '../journal.ts';
import { freshOf } from '../origin-marks.ts';
import { Inserter, type WriterListener } from './inserter.ts';
import { positionsOf, settledOf } from './positions.ts';
import { isSameLog } from './same-log.ts';

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

/** See {@link StoreWriter.changeRead}. */
interface Change {
  readonly change: (line: string) => string;
  /** Ends of the partitions when it began; those that the store has passed are taken out. */
  readonly ends: Map<string, Offset>;
}

/** Brings a log into a store: every record once, in batches that are the same whenever they are inserted. */
export class StoreWriter {
  private readonly options: WriterOptions;
  private readonly places = new Map<string, PlaceState>();
  private storeId = '';
  private readonly inserter: Inserter;
  /** What becomes of records that were read from the log before they were changed there. */
  private changes: readonly Change[] = [];
  /** One insert after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: WriterOptions) {
    this.options = options;
    this.inserter = new Inserter(options.database, options.listener);
  }

  /** How far every partition is in the store. */
  get states(): readonly PlaceState[] {
    return [...this.places.values()];
  }

  /** Takes up where the last writer of this store was; what it may have left half done is done once more. */
  async begin(signal: AbortSignal): Promise<void> {
    const { log, journal, database, listener } = this.options;
    const kept = await positionsOf(database, journal.load(), log.partitionCount);
    this.storeId = kept.storeId;
    const standings = await Promise.all(
      kept.places.map(async (state) => ({ state, bounds: await log.bounds(state.stream, state.partition) })),
    );
    const short = standings.filter(({ state, bounds }) => state.next > bounds.next);
    const settled = short.length > 0 ? await settledOf(database) : database;
    const isSame = await Promise.all(short.map(({ state, bounds }) => isSameLog(log, settled, state, bounds)));
    const isOther = isSame.includes(false);
    if (isOther)
      listener.trouble('the log is not the one that the store has read: the new one is read from its start', {});
    for (const { state, bounds } of standings) {
      const isShort = state.next > bounds.next;
      const next = isOther ? bounds.first : bounds.next;
      this.take(isOther || isShort ? { ...state, epoch: randomUUID(), next, batchEnd: next } : state, bounds.first);
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
    this.keep();
  }

  /** Brings in what the log has now. `onBatch`: after each batch, with how many records it had. */
  async catchUp(signal: AbortSignal, onBatch: (count: number) => void = () => undefined): Promise<void> {
    const { log } = this.options;
    for (const { stream, partition, epoch } of this.states) {
      const { next: end } = await log.bounds(stream, partition);
      for (;;) {
        const first = this.nextOf(stream, partition);
        if (first >= end || signal.aborted) break;
        const { records, next } = await this.read(stream, partition, first, end);
        // The end of a log may be a gap: offsets without a record that could be read.
        if (next <= first || !(await this.store({ stream, partition, epoch, first, next }, records, signal))) break;
        onBatch(records.length);
      }
    }
    this.keep();
  }

  /**
   * Has `change` made of every record that may have been read before it was changed in the log: what the log has now. Resolves when the
   * insert that is under way is done; nothing that comes after it is as it was.
   */
  async changeRead(change: (line: string) => string): Promise<void> {
    const { log } = this.options;
    const ends = new Map<string, Offset>();
    for (const state of this.states) ends.set(placeKey(state), (await log.bounds(state.stream, state.partition)).next);
    this.changes = [...this.changes, { change, ends }];
    await this.turn;
  }

  private changed(batch: Batch, records: readonly StoredRecord[]): readonly StoredRecord[] {
    this.changes = this.changes.filter(({ ends }) => ends.size > 0);
    const key = placeKey(batch);
    let changed = records;
    for (const { change, ends } of this.changes) {
      const end = ends.get(key);
      if (end === undefined) continue;
      changed = changed.map((record) =>
        record.offset < end ? { ...record, payload: change(record.payload) } : record,
      );
      if (batch.next >= end) ends.delete(key);
    }
    return changed;
  }

  private nextOf(stream: StoredStream, partition: number): Offset {
    return this.places.get(placeKey({ stream, partition }))?.next ?? 0;
  }

  /** A batch that was about to be inserted when the last writer ended. */
  private async again(
    { stream, partition, epoch, next: first, batchEnd }: PlaceState,
    signal: AbortSignal,
  ): Promise<void> {
    const { records } = await this.read(stream, partition, first, batchEnd, Number.POSITIVE_INFINITY);
    await this.store({ stream, partition, epoch, first, next: batchEnd }, records, signal, true);
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

  private async follow({ stream, partition, epoch, next }: PlaceState, signal: AbortSignal): Promise<void> {
    const pages = this.options.log.follow(stream, partition, next, signal)[Symbol.asyncIterator]();
    const filling = new Filling(this.options.batchRecordsMax ?? BATCH_RECORDS_MAX, next);
    // Behind a batch that is not in the store nothing may go there.
    const flush = async (): Promise<boolean> => {
      const first = this.nextOf(stream, partition);
      const { records, next: end } = filling.take();
      return end <= first || (await this.store({ stream, partition, epoch, first, next: end }, records, signal));
    };
    let arriving = pages.next();
    for (;;) {
      const arrived = await filling.whicheverIsFirst(arriving);
      if (arrived === 'due') {
        if (!(await flush())) return;
        continue;
      }
      if (arrived.done === true) break;
      this.tellMissing({ stream, partition }, filling.missingBefore(arrived.value));
      for (const piece of filling.add(arrived.value)) if (piece === 'full' && !(await flush())) return;
      arriving = pages.next();
    }
    await flush();
  }

  /** The log lets go of what is too old, or too much, whether it is in the store or not. */
  private tellMissing(place: Pick<Batch, 'stream' | 'partition'>, missing: number): void {
    if (missing > 0)
      this.options.listener.trouble('records left the log before they were in the store', { ...place, missing });
  }

  /**
   * Writes down what will be inserted, inserts it, and goes on behind it.
   *
   * @param isInDoubt - It may be in the store already.
   * @returns False when it is not in the store: `signal` aborted before. It is in the journal, and the next writer inserts it.
   */
  private store(
    batch: Batch,
    records: readonly StoredRecord[],
    signal: AbortSignal,
    isInDoubt = false,
  ): Promise<boolean> {
    const result = this.turn.then(async () => {
      const { stream, partition, epoch, first, next } = batch;
      const key = placeKey(batch);
      const marks = this.places.get(key)?.marks ?? {};
      this.places.set(key, { stream, partition, epoch, next: first, batchEnd: next, marks });
      this.keep();
      const fresh = freshOf(records, marks);
      if (!(await this.inserter.insert(batch, this.changed(batch, fresh.records), signal, isInDoubt))) return false;
      this.places.set(key, { stream, partition, epoch, next, batchEnd: next, marks: fresh.marks });
      this.options.listener.stored?.(batch);
      return true;
    });
    this.turn = result.catch(() => undefined);
    return result;
  }

  private keep(): void {
    this.options.journal.save({ storeId: this.storeId, places: this.states });
  }
}

/** A batch that is being filled. */
class Filling {
  private readonly recordsMax: number;
  private records: StoredRecord[] = [];
  private octets = 0;
  private end: Offset;
  private dueMs: number | undefined;

  /** @param from - Offset of the first record that it waits for. */
  constructor(recordsMax: number, from: Offset) {
    this.recordsMax = recordsMax;
    this.end = from;
  }

  /** Offsets between what it has and a page, whose records are gone; a gap of the log's own has been told by the log. */
  missingBefore({ records }: Page): number {
    return Math.max(0, (records[0]?.offset ?? this.end) - this.end);
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
