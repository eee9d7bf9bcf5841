import { typeOfLine } from '../../events/codec.ts';
import { type Batch, type BatchGroup, groupRecords, type Placement, type Pressure, sift } from '../batch.ts';
import type { Offset, Stream } from '../event-log.ts';
import { GapCounter, type GapOrigin, gapRecord } from '../gap.ts';
import { type CommittedBatch, ProducerBook } from '../producer-book.ts';
import type { Rewrite, RewriteOutcome } from '../rewriting.ts';
import type { Durability } from './database.ts';
import { filePath, listFiles, removeOldDamaged, setAside } from './file-names.ts';
import { LogFile } from './log-file.ts';
import { StreamReader } from './stream-reader.ts';

/**
 * More offsets than one file can use in a partition: a file ends far below 2^30 octets, and a record takes more than one.
 * When nobody can tell how far a damaged file went, offsets go on behind this many.
 */
export const OFFSET_JUMP = 2 ** 30;

/** A batch to be written, and who sent it. */
export interface Entry {
  readonly batch: Batch;
  /** Undefined for an append that is never sent again. */
  readonly producer: ProducedBatch | undefined;
  /** How much of the batch gives way. */
  readonly pressure: Exclude<Pressure, 3>;
}

/** A batch as its producer names it. */
export interface ProducedBatch {
  readonly id: string;
  readonly batchId: number;
}

/** A file was set aside. */
export interface Damage {
  readonly stream: Stream;
  /** Records lost; undefined if nobody can tell. */
  readonly lostCount: number | undefined;
}

/** Where and how a stream is written. */
export interface StreamPlace {
  readonly directory: string;
  readonly stream: Stream;
  readonly partitionCount: number;
  readonly durable: Durability;
  readonly origin: GapOrigin;
  /** Lowest offset for a partition of which no file is left: what a consumer has seen is not used again. */
  readonly floorOf: (partition: number) => Offset;
  readonly onDamage: (damage: Damage) => void;
  /** The time of records and files, milliseconds; it never goes back. */
  readonly now: () => number;
}

/** Why a stream cannot be opened. */
export type StreamFault =
  | { readonly kind: 'format'; readonly path: string; readonly found: number }
  | { readonly kind: 'partition-count'; readonly found: number };

/** The newest file of one stream, and the change to the next. */
export class StreamWriter {
  readonly #place: StreamPlace;
  #file: LogFile;
  #gap: GapCounter;

  private constructor(place: StreamPlace, file: LogFile) {
    this.#place = place;
    this.#file = file;
    this.#gap = GapCounter.parse(file.gap ?? '');
  }

  /** Opens the newest file, or begins the first. A damaged newest file is set aside. */
  static open(place: StreamPlace): StreamWriter | StreamFault {
    const { directory, stream, partitionCount, durable } = place;
    const { numbers, damagedNumbers } = listFiles(directory, stream);
    const newest = numbers.at(-1);
    if (newest === undefined || newest < Math.max(0, ...damagedNumbers)) return beginAfterLoss(place);
    const path = filePath(directory, stream, newest);
    const file = LogFile.open(path, durable);
    if (!(file instanceof LogFile)) {
      if (file.fault === 'format') return { kind: 'format', path, found: file.found };
      setAside(path);
      removeOldDamaged(directory, stream);
      place.onDamage({ stream, lostCount: undefined });
      return beginAfterLoss(place);
    }
    const found = file.header.bases.length;
    if (found === partitionCount) return new StreamWriter(place, file);
    file.close();
    return { kind: 'partition-count', found };
  }

  /** {@link StreamWriter.open} where no usable file is the newest. */
  static begin(place: StreamPlace, number: number, bases: readonly Offset[]): StreamWriter {
    return new StreamWriter(place, beginFile(place, number, bases, { producers: new ProducerBook(), gap: undefined }));
  }

  get path(): string {
    return this.#file.path;
  }

  get fileNumber(): number {
    return this.#file.header.number;
  }

  get createdAtMs(): number {
    return this.#file.header.createdAtMs;
  }

  get isEmpty(): boolean {
    return this.#file.isEmpty;
  }

  /** When the first event was dropped of which no `log-gap` tells yet, milliseconds; undefined if there is none. */
  get gapSinceMs(): number | undefined {
    return this.#gap.isEmpty ? undefined : this.#gap.fromAtMs;
  }

  lastAtMs(): number | undefined {
    return this.#file.lastAtMs();
  }

  isSound(): boolean {
    return this.#file.isSound();
  }

  /** Where a batch is that its producer sent before. */
  placementOf({ id, batchId }: ProducedBatch): Placement | undefined {
    return this.#file.producers.placementOf(id, batchId);
  }

  /**
   * Writes batches in one transaction, in order, and tells where each is. What gives way is counted in the same
   * transaction.
   *
   * @param tellGap - Also append a `log-gap` for what was counted so far.
   * @throws An exception of node:sqlite: then nothing was written.
   */
  commit(entries: readonly Entry[], atMs: number, tellGap: boolean): readonly Placement[] {
    const file = this.#file;
    const told = tellGap && !this.#gap.isEmpty;
    const gap = told ? new GapCounter() : this.#gap.clone();
    const fresh = new Map<string, CommittedBatch[]>();
    const placements = file.transaction(() => {
      if (told) this.#tell(atMs);
      const placed = entries.map((entry) => this.#put(entry, atMs, fresh, gap));
      for (const [id, batches] of fresh) file.saveProducer(id, file.producers.entryWith(id, batches, atMs));
      file.saveGap(gap.isEmpty ? undefined : gap.toLine(this.#place.origin, atMs));
      return placed;
    });
    for (const [id, batches] of fresh) file.producers.set(id, file.producers.entryWith(id, batches, atMs));
    this.#gap = gap;
    return placements;
  }

  /** Changes records of the newest file; see {@link rewriteBlocks}. */
  rewrite(partition: number, records: readonly Rewrite[]): readonly RewriteOutcome[] {
    return this.#file.rewrite(partition, records);
  }

  /** See {@link emptyWriteAheadLog}. */
  emptyWriteAheadLog(): boolean {
    return this.#file.emptyWriteAheadLog();
  }

  /** Seals the newest file and begins the next. */
  roll(): void {
    const before = this.#file;
    this.#file = this.#beginNext();
    before.seal();
  }

  /** Sets the newest file aside and begins the next, with the offsets after those that were given. */
  replaceDamaged(): void {
    const before = this.#file;
    before.close();
    setAside(before.path);
    this.#file = this.#beginNext();
    removeOldDamaged(this.#place.directory, this.#place.stream);
    const lostCount = before.nexts.reduce(
      (sum, next, partition) => sum + next - (before.header.bases[partition] ?? 0),
      0,
    );
    this.#place.onDamage({ stream: this.#place.stream, lostCount });
  }

  close(): void {
    this.#file.close();
  }

  #beginNext(): LogFile {
    const { header, nexts, producers } = this.#file;
    const gap = this.#gap.isEmpty ? undefined : this.#gap.toLine(this.#place.origin, this.#place.now());
    return beginFile(this.#place, header.number + 1, nexts, { producers, gap });
  }

  #tell(atMs: number): void {
    const record = gapRecord(this.#gap.toEvent(this.#place.origin, atMs));
    for (const group of groupRecords([record], this.#place.partitionCount).batch.groups) this.#file.append(group, atMs);
  }

  #put(entry: Entry, atMs: number, fresh: Map<string, CommittedBatch[]>, gap: GapCounter): Placement {
    const { batch, producer, pressure } = entry;
    const sent = producer === undefined ? undefined : fresh.get(producer.id);
    // The same batch twice in one transaction: from a broken connection, and from the one after it.
    const twin = sent?.find(({ batchId }) => batchId === producer?.batchId);
    if (twin !== undefined) return twin.placement;
    const { groups, dropped } = sift(batch, pressure);
    for (const line of dropped) gap.add(typeOfLine(line), atMs, 'disk-reserve');
    const placement: Placement = { pressure, firsts: groups.map((group) => this.#putGroup(group, atMs)) };
    if (producer !== undefined) {
      const committed = { batchId: producer.batchId, placement };
      if (sent === undefined) fresh.set(producer.id, [committed]);
      else sent.push(committed);
    }
    return placement;
  }

  #putGroup(group: BatchGroup | undefined, atMs: number): Offset {
    return group === undefined ? 0 : this.#file.append(group, atMs);
  }
}

function beginFile(
  place: StreamPlace,
  number: number,
  bases: readonly Offset[],
  carried: { readonly producers: ProducerBook; readonly gap: string | undefined },
): LogFile {
  const { directory, stream, durable } = place;
  const header = { stream, number, createdAtMs: place.now(), bases };
  return LogFile.create(filePath(directory, stream, number), header, carried, durable);
}

/** Begins a file after those that are gone; see {@link OFFSET_JUMP}. */
function beginAfterLoss(place: StreamPlace): StreamWriter {
  const { directory, stream, partitionCount, floorOf } = place;
  const { numbers, damagedNumbers } = listFiles(directory, stream);
  const highest = Math.max(0, ...numbers, ...damagedNumbers);
  const reader = new StreamReader(directory, stream, () => undefined);
  try {
    // Every file begins below twice the jump for each file before it, so this is above all of them.
    let bases = Array.from({ length: partitionCount }, (_, partition) =>
      Math.max(floorOf(partition), highest === 0 ? 0 : 2 * OFFSET_JUMP * (highest + 1)),
    );
    const survivor = numbers.findLast((number) => reader.endsOf(number)?.length === partitionCount);
    if (survivor !== undefined) {
      bases = (reader.endsOf(survivor) ?? bases).map((end) => end + OFFSET_JUMP * (highest - survivor));
    }
    return StreamWriter.begin(place, highest + 1, bases);
  } finally {
    reader.close();
  }
}
