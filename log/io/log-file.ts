import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { assert } from '../../lib/assert.ts';
import type { BatchGroup } from '../batch.ts';
import type { Offset } from '../event-log.ts';
import { ProducerBook, type ProducerEntry, parseBatches } from '../producer-book.ts';
import type { Rewrite, RewriteOutcome } from '../rewriting.ts';
import { emptyWriteAheadLog, rewriteBlocks } from './block-rewriter.ts';
import { type Durability, isSound, openToWrite, orClose, storageFaultOf } from './database.ts';
import { type FileHeader, lastAtMsOf, lastOf, readHeader, writeHeader } from './file-header.ts';
import { removeFile } from './file-names.ts';

/** What goes on from one file to the next. */
export interface Carried {
  readonly producers: ProducerBook;
  /** Events dropped and not yet told of in a `log-gap`, as text of the owner. */
  readonly gap: string | undefined;
}

/** Why an existing file cannot be used. */
export type FileFault = { readonly fault: 'damaged' } | { readonly fault: 'format'; readonly found: number };

/**
 * One file of a stream, open to append: a SQLite database with one table a partition. A row of it is a block: the records
 * of one batch for that partition, as lines, from the offset `first` on.
 */
export class LogFile {
  readonly path: string;
  readonly header: FileHeader;
  readonly producers = new ProducerBook();
  readonly #database: DatabaseSync;
  readonly #inserts: (StatementSync | undefined)[] = [];
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #saveProducer: StatementSync;
  #nexts: Offset[];
  #gap: string | undefined;

  private constructor(path: string, database: DatabaseSync, header: FileHeader) {
    this.path = path;
    this.header = header;
    this.#database = database;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#saveProducer = prepareSaveProducer(database);
    this.#nexts = header.bases.map((base, partition) => lastOf(database, partition, 'first + count') ?? base);
    for (const row of database.prepare('SELECT id, at, recent FROM producer ORDER BY at').all()) {
      const recent = parseBatches(String(row['recent']));
      // Altered on disk; a batch of that producer which was not acknowledged may then be appended again.
      if (recent !== undefined) this.producers.set(String(row['id']), { atMs: Number(row['at']), recent });
    }
    const gap = database.prepare("SELECT value FROM meta WHERE name = 'gap'").get()?.['value'];
    this.#gap = typeof gap === 'string' ? gap : undefined;
  }

  /** Makes a file and opens it. It appears under its name only when it is complete. */
  static create(path: string, header: FileHeader, carried: Carried, durable: Durability): LogFile {
    const draft = `${path}.new`;
    removeFile(draft);
    try {
      writeDraft(draft, header, carried, durable);
      renameSync(draft, path);
    } catch (error) {
      removeFile(draft);
      throw error;
    }
    if (durable === 'fsync') syncDirectory(dirname(path));
    return new LogFile(path, openToWrite(path, durable), header);
  }

  /** Opens an existing file after checking it; an exception is anything but damage. */
  static open(path: string, durable: Durability): LogFile | FileFault {
    try {
      return orClose(openToWrite(path, durable), (database) => {
        const opened = LogFile.#check(path, database);
        if (!(opened instanceof LogFile)) database.close();
        return opened;
      });
    } catch (error) {
      if (storageFaultOf(error) === 'damaged') return { fault: 'damaged' };
      throw error;
    }
  }

  static #check(path: string, database: DatabaseSync): LogFile | FileFault {
    if (!isSound(database)) return { fault: 'damaged' };
    const header = readHeader(database);
    if (header === undefined) return { fault: 'damaged' };
    return typeof header === 'number' ? { fault: 'format', found: header } : new LogFile(path, database, header);
  }

  /** Next offset of each partition. */
  get nexts(): readonly Offset[] {
    return this.#nexts;
  }

  /** See {@link Carried.gap}. */
  get gap(): string | undefined {
    return this.#gap;
  }

  /** No record has been appended to it. */
  get isEmpty(): boolean {
    return this.#nexts.every((next, partition) => next === this.header.bases[partition]);
  }

  /** Runs `work` in one transaction; after an exception the file and this object are as before. */
  transaction<T>(work: () => T): T {
    const nexts = [...this.#nexts];
    const gap = this.#gap;
    try {
      this.#begin.run();
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      this.#nexts = nexts;
      this.#gap = gap;
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Appends one block and tells its first offset. Only inside a {@link LogFile.transaction}. */
  append({ partition, count, lines }: BatchGroup, atMs: number): Offset {
    const first = this.#nexts[partition];
    assert(first !== undefined, 'the partition is one of this log');
    let insert = this.#inserts[partition];
    if (insert === undefined) {
      insert = this.#database.prepare(`INSERT INTO block_${partition} VALUES (?, ?, ?, ?)`);
      this.#inserts[partition] = insert;
    }
    insert.run(first, count, atMs, lines);
    this.#nexts[partition] = first + count;
    return first;
  }

  /** Only inside a {@link LogFile.transaction}; `producers` is for the caller to update after it. */
  saveProducer(producer: string, entry: ProducerEntry): void {
    saveProducer(this.#saveProducer, producer, entry);
  }

  /** Only inside a {@link LogFile.transaction}. */
  saveGap(gap: string | undefined): void {
    if (gap === this.#gap) return;
    saveGap(this.#database, gap);
    this.#gap = gap;
  }

  /** See {@link rewriteBlocks}. */
  rewrite(partition: number, records: readonly Rewrite[]): readonly RewriteOutcome[] {
    return rewriteBlocks(this.#database, partition, records);
  }

  /** See {@link emptyWriteAheadLog}. */
  emptyWriteAheadLog(): boolean {
    return emptyWriteAheadLog(this.#database);
  }

  /** When its last record was appended, milliseconds; undefined while it is empty. */
  lastAtMs(): number | undefined {
    return lastAtMsOf(this.#database, this.header);
  }

  /** Is its structure sound? */
  isSound(): boolean {
    return isSound(this.#database);
  }

  /** Nothing more will be appended: everything goes from the write-ahead log into the file. */
  seal(): void {
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch (error) {
      // A reader is in the way, or the disk is full: the write-ahead log stays beside the file and is read with it.
      storageFaultOf(error);
    }
    this.#database.close();
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function writeDraft(path: string, header: FileHeader, carried: Carried, durable: Durability): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA synchronous = ${durable === 'fsync' ? 'FULL' : 'OFF'}; BEGIN;`);
    writeHeader(database, header);
    if (carried.gap !== undefined) saveGap(database, carried.gap);
    const save = prepareSaveProducer(database);
    for (const [id, entry] of carried.producers.entries) saveProducer(save, id, entry);
    database.exec('COMMIT; PRAGMA journal_mode = WAL;');
  } finally {
    database.close();
  }
}

const prepareSaveProducer = (database: DatabaseSync): StatementSync =>
  database.prepare('INSERT OR REPLACE INTO producer VALUES (?, ?, ?)');

function saveProducer(statement: StatementSync, producer: string, { atMs, recent }: ProducerEntry): void {
  statement.run(producer, atMs, JSON.stringify(recent));
}

function saveGap(database: DatabaseSync, gap: string | undefined): void {
  database.prepare("INSERT OR REPLACE INTO meta VALUES ('gap', ?)").run(gap ?? null);
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
