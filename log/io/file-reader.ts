import { Buffer } from 'node:buffer';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Offset, StoredRecord } from '../event-log.ts';
import { openToRead, orClose } from './database.ts';
import { type FileHeader, lastAtMsOf, lastOf, readHeader } from './file-header.ts';

/** Octets after which a page ends: a reader holds its transaction for some milliseconds only. */
export const PAGE_OCTETS_MAX = 4_194_304;

/** One block as it is read: first offset, number of records, lines. */
interface Block {
  readonly first: Offset;
  readonly count: number;
  readonly lines: Uint8Array;
}

/** One file of a stream, open to read, in this or another process than its writer's. */
export class FileReader {
  readonly header: FileHeader;
  readonly #database: DatabaseSync;
  readonly #selects: (StatementSync | undefined)[] = [];

  private constructor(database: DatabaseSync, header: FileHeader) {
    this.#database = database;
    this.header = header;
  }

  /** Opens a file; undefined if it is none of ours. An exception is one of node:sqlite. */
  static open(path: string): FileReader | undefined {
    return orClose(openToRead(path), (database) => {
      const header = readHeader(database);
      if (typeof header === 'object') return new FileReader(database, header);
      database.close();
      return undefined;
    });
  }

  /** At most `limit` records from `from` on, or as many as {@link PAGE_OCTETS_MAX} octets. */
  read(partition: number, from: Offset, limit: number): readonly StoredRecord[] {
    const records: StoredRecord[] = [];
    let octets = 0;
    for (const { first, count, lines } of this.#blocks(partition, from)) {
      const payloads = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength).toString('utf8').split('\n');
      // Its octets were altered on disk: which record is which cannot be told any more.
      if (payloads.length !== count) continue;
      for (let index = Math.max(0, from - first); index < count && records.length < limit; index += 1) {
        records.push({ offset: first + index, payload: payloads[index] ?? '' });
      }
      octets += lines.byteLength;
      if (records.length >= limit || octets >= PAGE_OCTETS_MAX) break;
    }
    return records;
  }

  /** The offset after the last record of a partition. */
  endOf(partition: number): Offset {
    return lastOf(this.#database, partition, 'first + count') ?? this.header.bases[partition] ?? 0;
  }

  /** When its last record was appended, milliseconds; undefined while it is empty. */
  lastAtMs(): number | undefined {
    return lastAtMsOf(this.#database, this.header);
  }

  close(): void {
    this.#database.close();
  }

  *#blocks(partition: number, from: Offset): Generator<Block> {
    let select = this.#selects[partition];
    if (select === undefined) {
      // The block that holds `from` begins at or before it.
      select = this.#database.prepare(`
        SELECT first, count, lines FROM block_${partition}
        WHERE first >= coalesce((SELECT max(first) FROM block_${partition} WHERE first <= ?), 0) ORDER BY first`);
      this.#selects[partition] = select;
    }
    for (const row of select.iterate(from)) {
      const { first, count, lines } = row;
      if (typeof first === 'number' && typeof count === 'number' && lines instanceof Uint8Array) {
        yield { first, count, lines };
      }
    }
  }
}
