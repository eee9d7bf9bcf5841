import { assert } from '../../lib/assert.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { type Batch, octetsOf, type Placement, type Pressure } from '../batch.ts';
import { pressureAt } from '../disk-budget.ts';
import type { Offset } from '../event-log.ts';
import type { Rewrite, RewriteOutcome } from '../rewriting.ts';
import { isSound, openToRead, type StorageFault, storageFaultOf } from './database.ts';
import type { DiskUsage } from './disk-usage.ts';
import { readHeader } from './file-header.ts';
import { filePath, listFiles, removeFile, removeOldDamaged, setAside } from './file-names.ts';
import { StreamReader } from './stream-reader.ts';
import { StreamRewriter } from './stream-rewriter.ts';
import {
  type Entry,
  OFFSET_JUMP,
  type ProducedBatch,
  type StreamFault,
  type StreamPlace,
  StreamWriter,
} from './stream-writer.ts';

/** How long what was dropped near the disk cap is counted before a `log-gap` tells of it, unless it ends sooner. */
export const GAP_INTERVAL_MS = 10_000;

/** One append on its way. */
export interface Append {
  readonly batch: Batch;
  /** Undefined for an append that is never sent again. */
  readonly producer: ProducedBatch | undefined;
}

/** Bounds of a stream. */
export interface StreamLimits {
  readonly diskOctetsMax: number;
  /** Octets at which a file is full. */
  readonly fileOctetsMax: number;
  /** Age at which a file is full. */
  readonly fileAgeMsMax: number;
}

type Outcome = Result<Placement, 'full'>;

/** One stream, by the process that owns its files. */
export class OwnedStream {
  readonly reader: StreamReader;
  readonly #place: StreamPlace;
  readonly #limits: StreamLimits;
  readonly #usage: DiskUsage;
  readonly #rewriter: StreamRewriter;
  /** Undefined after a failure that only opening the file again can cure. */
  #writer: StreamWriter | undefined;
  #isOutOfRoom = false;

  private constructor(place: StreamPlace, limits: StreamLimits, usage: DiskUsage, writer: StreamWriter) {
    this.#place = place;
    this.#limits = limits;
    this.#usage = usage;
    this.#writer = writer;
    this.reader = new StreamReader(place.directory, place.stream, (number) => this.examine(number));
    this.#rewriter = new StreamRewriter(place, this.reader, (number) => this.examine(number));
    usage.grows(writer.path, undefined);
  }

  static open(place: StreamPlace, limits: StreamLimits, usage: DiskUsage): OwnedStream | StreamFault {
    const writer = StreamWriter.open(place);
    return writer instanceof StreamWriter ? new OwnedStream(place, limits, usage, writer) : writer;
  }

  lastAtMs(): number {
    return this.#writer?.lastAtMs() ?? 0;
  }

  /** There are dropped events of which no `log-gap` tells yet. */
  get hasGap(): boolean {
    return this.#writer?.gapSinceMs !== undefined;
  }

  /** The last commit failed because the disk itself is full, whatever the cap says. */
  get isOutOfRoom(): boolean {
    return this.#isOutOfRoom;
  }

  /** Writes what came together in one transaction, as far as the disk cap lets it. */
  commit(appends: readonly Append[]): readonly Outcome[] {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      try {
        const outcomes = this.#commit(appends);
        this.#isOutOfRoom = false;
        return outcomes;
      } catch (error) {
        const fault = storageFaultOf(error);
        this.#isOutOfRoom = fault === 'full';
        if (this.#isOutOfRoom || !this.#recover(fault)) break;
      }
    }
    // What nothing cures is like a full disk: mail goes on.
    return appends.map(() => err('full'));
  }

  /** Drops the files whose records were all appended before; tells how many records went. */
  trim(beforeAtMs: number): number {
    const lastAtMs = this.#writer?.lastAtMs();
    if (this.#writer !== undefined && lastAtMs !== undefined && lastAtMs < beforeAtMs) this.#roll(this.#writer);
    let count = 0;
    for (const number of this.#sealed()) {
      const sealedAtMs = this.reader.lastAtMs(number);
      if (sealedAtMs === undefined || sealedAtMs >= beforeAtMs) break;
      count += this.reader.recordCount(number);
      this.#remove(number);
    }
    return count;
  }

  /** Drops the oldest file if `isFinished` says so of the ends of its partitions. */
  dropOldest(isFinished: (ends: readonly Offset[]) => boolean): boolean {
    const [oldest] = this.#sealed();
    const ends = oldest === undefined ? undefined : this.reader.endsOf(oldest);
    if (oldest === undefined || ends === undefined || !isFinished(ends)) return false;
    this.#remove(oldest);
    return true;
  }

  /** See {@link StreamRewriter.rewrite}. */
  rewrite(partition: number, records: readonly Rewrite[]): readonly RewriteOutcome[] {
    const outcomes = this.#rewriter.rewrite(partition, records, this.#openWriter());
    this.#usage.rescan();
    return outcomes;
  }

  /** Empties what write-ahead logs there are, one with each step; says whether it could be. */
  emptyWriteAheadLogs(): Iterable<boolean> {
    return this.#rewriter.emptyWriteAheadLogs(() => this.#writer);
  }

  /** A reader could not read this file: it is set aside if it is damaged. */
  examine(number: number): void {
    const { directory, stream } = this.#place;
    if (this.#writer?.fileNumber === number) {
      if (!this.#writer.isSound()) this.#recover('damaged');
      return;
    }
    const path = filePath(directory, stream, number);
    if (!listFiles(directory, stream).numbers.includes(number) || isReadable(path)) return;
    const lostCount = this.#countOf(number);
    setAside(path);
    removeOldDamaged(directory, stream);
    this.#filesChanged();
    this.#place.onDamage({ stream, lostCount });
  }

  close(): void {
    this.reader.close();
    this.#dropWriter();
  }

  #commit(appends: readonly Append[]): readonly Outcome[] {
    const writer = this.#openWriter();
    const nowMs = this.#place.now();
    this.#rollIfDue(writer, nowMs);
    const entries: Entry[] = [];
    let octets = this.#usage.octets;
    const outcomes = appends.map(({ batch, producer }): Outcome | undefined => {
      const known = producer === undefined ? undefined : writer.placementOf(producer);
      if (known !== undefined) return ok(known);
      const pressure = this.#pressure(octets, octetsOf(batch));
      if (pressure === 3) return err('full');
      octets += octetsOf(batch);
      entries.push({ batch, producer, pressure });
      return undefined;
    });
    const tellGap = this.#isGapDue(writer, nowMs);
    const placements = entries.length > 0 || tellGap ? writer.commit(entries, nowMs, tellGap).values() : [].values();
    this.#usage.measure(writer.path);
    return outcomes.map((outcome) => {
      if (outcome !== undefined) return outcome;
      const { value } = placements.next();
      assert(value !== undefined, 'every entry has its placement');
      return ok(value);
    });
  }

  #pressure(usedOctets: number, batchOctets: number): Pressure {
    const { diskOctetsMax } = this.#limits;
    return pressureAt(this.#place.stream, { usedOctets, batchOctets, diskOctetsMax });
  }

  #isGapDue(writer: StreamWriter, nowMs: number): boolean {
    const since = writer.gapSinceMs;
    if (since === undefined) return false;
    const pressure = this.#pressure(this.#usage.octets, 0);
    return pressure === 0 || (pressure < 3 && nowMs - since >= GAP_INTERVAL_MS);
  }

  #rollIfDue(writer: StreamWriter, nowMs: number): void {
    const isDue =
      this.#usage.of(writer.path) >= this.#limits.fileOctetsMax ||
      (nowMs - writer.createdAtMs >= this.#limits.fileAgeMsMax && !writer.isEmpty);
    if (isDue) this.#roll(writer);
  }

  #roll(writer: StreamWriter): void {
    const before = writer.path;
    try {
      writer.roll();
    } catch (error) {
      // No room for a new file: the old one goes on while it can.
      if (storageFaultOf(error) !== 'full') throw error;
      return;
    }
    this.#usage.grows(writer.path, before);
    this.reader.refresh();
  }

  /** After damage a new file takes the records; anything else may be cured by opening the file again. */
  #recover(fault: StorageFault): boolean {
    const writer = this.#writer;
    const before = writer?.path;
    try {
      if (fault === 'damaged' && writer !== undefined) {
        writer.replaceDamaged();
        this.#usage.grows(writer.path, before);
        this.reader.refresh();
      } else this.#dropWriter();
      return true;
    } catch (error) {
      storageFaultOf(error);
      this.#dropWriter();
      return false;
    }
  }

  #openWriter(): StreamWriter {
    if (this.#writer === undefined) {
      const writer = StreamWriter.open(this.#place);
      assert(writer instanceof StreamWriter, 'files that were opened before are of this log');
      this.#writer = writer;
      this.#usage.grows(writer.path, undefined);
    }
    return this.#writer;
  }

  #dropWriter(): void {
    this.#writer?.close();
    this.#writer = undefined;
  }

  /** Numbers of the files that are finished, ascending. */
  #sealed(): readonly number[] {
    const { directory, stream } = this.#place;
    const growing = this.#writer?.fileNumber ?? 0;
    return listFiles(directory, stream).numbers.filter((number) => number < growing);
  }

  #remove(number: number): void {
    removeFile(filePath(this.#place.directory, this.#place.stream, number));
    this.#filesChanged();
  }

  #filesChanged(): void {
    this.#usage.rescan();
    this.reader.refresh();
  }

  /** Records of a file that cannot be read, from what its neighbours say. */
  #countOf(number: number): number | undefined {
    const starts = this.reader.endsOf(number - 1);
    const ends = this.reader.basesOf(number + 1);
    const count = starts?.reduce((sum, start, partition) => sum + (ends?.[partition] ?? Number.NaN) - start, 0);
    return count === undefined || Number.isNaN(count) || count >= OFFSET_JUMP ? undefined : count;
  }
}

/** Is it a database, sound, and one of ours? */
function isReadable(path: string): boolean {
  try {
    const database = openToRead(path);
    try {
      return isSound(database) && typeof readHeader(database) === 'object';
    } finally {
      database.close();
    }
  } catch (error) {
    if (storageFaultOf(error) === 'damaged') return false;
    throw error;
  }
}
