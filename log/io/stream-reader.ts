import { existsSync } from 'node:fs';
import type { Offset, Page, Stream } from '../event-log.ts';
import { storageFaultOf } from './database.ts';
import { filePath, listFiles } from './file-names.ts';
import { FileReader } from './file-reader.ts';

/** Files of one stream that a reader keeps open. */
export const FILES_OPEN_MAX = 8;
/** Records of the largest page. */
export const PAGE_RECORDS_MAX = 10_000;

const nowhere: Page = { records: [], nextOffset: 0 };

/**
 * Reads the files of one stream, in the process that writes them or in another. What it cannot read it passes over and
 * reports; whether that is damage is for the owner of the files to find out.
 */
export class StreamReader {
  readonly #directory: string;
  readonly #stream: Stream;
  readonly #onUnreadable: (fileNumber: number) => void;
  /** Numbers of the readable files, ascending. */
  #numbers: readonly number[] = [];
  /** First offsets of each file, as far as it was needed. */
  readonly #bases = new Map<number, readonly Offset[]>();
  /** Open files, the one not used for longest first. */
  readonly #open = new Map<number, FileReader>();

  constructor(directory: string, stream: Stream, onUnreadable: (fileNumber: number) => void) {
    this.#directory = directory;
    this.#stream = stream;
    this.#onUnreadable = onUnreadable;
  }

  /** See {@link EventLog.read}. */
  read(partition: number, from: Offset, limit: number): Page {
    if (this.#numbers.length === 0) this.refresh();
    const count = Math.min(limit, PAGE_RECORDS_MAX);
    for (let number = this.#fileOf(partition, from); number !== undefined; number = this.#after(number)) {
      const records = this.#try(number, (file) => file.read(partition, from, count)) ?? [];
      const last = records.at(-1);
      if (last !== undefined) return { records, nextOffset: last.offset + 1 };
    }
    return { ...nowhere, nextOffset: from };
  }

  /** See {@link EventLog.bounds}. */
  bounds(partition: number): { readonly first: Offset; readonly next: Offset } {
    this.refresh();
    const first = this.#numbers.map((number) => this.basesOf(number)?.[partition]).find((base) => base !== undefined);
    const next = this.#numbers
      .toReversed()
      .values()
      .map((number) => this.#try(number, (file) => file.endOf(partition)))
      .find((end) => end !== undefined);
    return { first: first ?? 0, next: next ?? 0 };
  }

  /** The number of the file that an offset of a partition is in, if it is in any; undefined where it was trimmed. */
  fileHolding(partition: number, offset: Offset): number | undefined {
    const number = this.#fileOf(partition, offset);
    const base = number === undefined ? undefined : this.basesOf(number)?.[partition];
    return base === undefined || base > offset ? undefined : number;
  }

  /** When the last record of a file was appended, milliseconds; undefined if it is empty or cannot be read. */
  lastAtMs(number: number): number | undefined {
    return this.#try(number, (file) => file.lastAtMs());
  }

  /** Records between the first offsets of a file and the end of its partitions; 0 if it cannot be read. */
  recordCount(number: number): number {
    const counts = this.#try(number, (file) =>
      file.header.bases.map((base, partition) => file.endOf(partition) - base),
    );
    return counts?.reduce((sum, count) => sum + count, 0) ?? 0;
  }

  /** The first offsets of the partitions of a file; undefined if it cannot be read. */
  basesOf(number: number): readonly Offset[] | undefined {
    return this.#bases.get(number) ?? this.#try(number, (file) => file.header.bases);
  }

  /** The ends of the partitions of a file; undefined if it cannot be read. */
  endsOf(number: number): readonly Offset[] | undefined {
    return this.#try(number, (file) => file.header.bases.map((_base, partition) => file.endOf(partition)));
  }

  /** Looks which files there are now. */
  refresh(): void {
    this.#numbers = listFiles(this.#directory, this.#stream).numbers;
    const present = new Set(this.#numbers);
    for (const number of this.#bases.keys()) if (!present.has(number)) this.#forget(number);
  }

  close(): void {
    for (const number of [...this.#bases.keys()]) this.#forget(number);
  }

  /** The file that holds an offset, or the first one after it. */
  #fileOf(partition: number, from: Offset): number | undefined {
    for (const number of this.#numbers.toReversed()) {
      const base = this.basesOf(number)?.[partition];
      if (base !== undefined && base <= from) return number;
    }
    return this.#numbers[0];
  }

  /** The file after this one. A file that was begun since the last look has the next number, unless that is gone too. */
  #after(number: number): number | undefined {
    const last = this.#numbers.at(-1) ?? number;
    if (number >= last && (this.#exists(last + 1) || !this.#exists(last))) this.refresh();
    return this.#numbers.find((other) => other > number);
  }

  #exists(number: number): boolean {
    return existsSync(filePath(this.#directory, this.#stream, number));
  }

  /** Does something with a file; undefined if it was trimmed, or is damaged, which is then reported. */
  #try<T>(number: number, use: (file: FileReader) => T): T | undefined {
    try {
      const file = this.#fileAt(number);
      if (file !== undefined) return use(file);
    } catch (error) {
      const fault = storageFaultOf(error);
      if (fault === 'missing' && !this.#exists(number)) return undefined;
      // Too many open files, say: passing over the file would lose its records.
      if (fault !== 'damaged') throw error;
      this.#forget(number);
    }
    this.#onUnreadable(number);
    return undefined;
  }

  #fileAt(number: number): FileReader | undefined {
    const open = this.#open.get(number);
    const file = open ?? FileReader.open(filePath(this.#directory, this.#stream, number));
    if (file === undefined) return undefined;
    this.#open.delete(number);
    this.#open.set(number, file);
    this.#bases.set(number, file.header.bases);
    if (this.#open.size > FILES_OPEN_MAX) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#closeFile(oldest);
    }
    return file;
  }

  #closeFile(number: number): void {
    this.#open.get(number)?.close();
    this.#open.delete(number);
  }

  #forget(number: number): void {
    this.#closeFile(number);
    this.#bases.delete(number);
  }
}
