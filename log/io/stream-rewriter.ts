import type { DatabaseSync } from 'node:sqlite';
import type { Rewrite, RewriteOutcome } from '../rewriting.ts';
import { emptyWriteAheadLog, rewriteBlocks } from './block-rewriter.ts';
import { openToWrite, storageFaultOf } from './database.ts';
import { filePath, listFiles, writeAheadOctets } from './file-names.ts';
import type { StreamReader } from './stream-reader.ts';
import type { StreamPlace, StreamWriter } from './stream-writer.ts';

/** Changes records of one stream, in its newest file and in those that are finished. */
export class StreamRewriter {
  readonly #place: StreamPlace;
  readonly #reader: StreamReader;
  readonly #examine: (fileNumber: number) => void;

  /** @param examine - Looks at a file that seems to be damaged. */
  constructor(place: StreamPlace, reader: StreamReader, examine: (fileNumber: number) => void) {
    this.#place = place;
    this.#reader = reader;
    this.#examine = examine;
  }

  /**
   * Changes records of one partition, in whichever files they are; those of one file in one transaction.
   *
   * @throws An exception of node:sqlite: then those of some files may be changed and others not.
   */
  rewrite(partition: number, records: readonly Rewrite[], newest: StreamWriter): readonly RewriteOutcome[] {
    this.#reader.refresh();
    const outcomes: RewriteOutcome[] = [];
    for (const [number, part] of this.#byFile(partition, records)) {
      const gone = (): readonly RewriteOutcome[] => part.map(() => 'gone');
      outcomes.push(...(number === undefined ? gone() : (this.#inFile(number, partition, part, newest) ?? gone())));
    }
    return outcomes;
  }

  /**
   * Empties the write-ahead logs that there are, one with each step. False where it is as it was: a reader is in the way, or the disk is
   * full.
   *
   * @param newest - The newest file, as long as it is open.
   */
  *emptyWriteAheadLogs(newest: () => StreamWriter | undefined): Generator<boolean> {
    const { directory, stream } = this.#place;
    for (const number of listFiles(directory, stream).numbers) {
      if (writeAheadOctets(filePath(directory, stream, number)) > 0) yield this.#emptyOne(number, newest());
    }
  }

  /** Records that are together in one file; undefined: in none. */
  #byFile(partition: number, records: readonly Rewrite[]): readonly (readonly [number | undefined, Rewrite[]])[] {
    const parts: (readonly [number | undefined, Rewrite[]])[] = [];
    for (const record of records) {
      const number = this.#reader.fileHolding(partition, record.offset);
      const last = parts.at(-1);
      if (last !== undefined && last[0] === number) last[1].push(record);
      else parts.push([number, [record]]);
    }
    return parts;
  }

  /** Undefined where the file is damaged. */
  #inFile(
    number: number,
    partition: number,
    records: readonly Rewrite[],
    newest: StreamWriter,
  ): readonly RewriteOutcome[] | undefined {
    try {
      if (newest.fileNumber === number) return newest.rewrite(partition, records);
      return this.#withFile(number, (database) => rewriteBlocks(database, partition, records));
    } catch (error) {
      if (storageFaultOf(error) !== 'damaged') throw error;
      this.#examine(number);
      return undefined;
    }
  }

  #emptyOne(number: number, newest: StreamWriter | undefined): boolean {
    try {
      return newest?.fileNumber === number ? newest.emptyWriteAheadLog() : this.#withFile(number, emptyWriteAheadLog);
    } catch (error) {
      if (storageFaultOf(error) === 'damaged') this.#examine(number);
      return false;
    }
  }

  #withFile<T>(number: number, work: (database: DatabaseSync) => T): T {
    const { directory, stream, durable } = this.#place;
    const database = openToWrite(filePath(directory, stream, number), durable);
    try {
      return work(database);
    } finally {
      database.close();
    }
  }
}
