import { Buffer } from 'node:buffer';
import type { DatabaseSync } from 'node:sqlite';
import type { Offset } from '../event-log.ts';
import type { Rewrite, RewriteOutcome } from '../rewriting.ts';
import { storageFaultOf } from './database.ts';

/** One block while records of it are changed. */
interface Block {
  readonly first: Offset;
  readonly payloads: string[];
  isChanged: boolean;
}

/**
 * Changes records of one partition of a file in one transaction, block by block. What they were is in the write-ahead log at most
 * afterwards (`openToWrite`).
 *
 * @throws An exception of node:sqlite: then nothing was changed.
 */
export function rewriteBlocks(
  database: DatabaseSync,
  partition: number,
  records: readonly Rewrite[],
): readonly RewriteOutcome[] {
  database.exec('BEGIN IMMEDIATE');
  try {
    const outcomes = new Blocks(database, partition).rewrite(records);
    database.exec('COMMIT');
    return outcomes;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Brings everything from the write-ahead log into the file and empties it.
 *
 * @returns False where a reader is in the way: it is as it was, and read as before.
 */
export function emptyWriteAheadLog(database: DatabaseSync): boolean {
  try {
    const row = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    return row?.['busy'] === 0;
  } catch (error) {
    if (storageFaultOf(error) === 'locked') return false;
    throw error;
  }
}

class Blocks {
  private readonly database: DatabaseSync;
  private readonly partition: number;
  private block: Block | undefined;

  constructor(database: DatabaseSync, partition: number) {
    this.database = database;
    this.partition = partition;
  }

  rewrite(records: readonly Rewrite[]): readonly RewriteOutcome[] {
    const outcomes = records.map((record) => this.one(record));
    this.put();
    return outcomes;
  }

  private one({ offset, before, after }: Rewrite): RewriteOutcome {
    const block = this.holding(offset);
    const now = block?.payloads[offset - block.first];
    if (block === undefined || now === undefined) return 'gone';
    if (now !== before) return now === after ? 'rewritten' : 'other';
    block.payloads[offset - block.first] = after;
    block.isChanged = true;
    return 'rewritten';
  }

  /** The block of a record; undefined where there is none, or one of which nobody can tell which record is which. */
  private holding(offset: Offset): Block | undefined {
    const { block } = this;
    if (block !== undefined && offset >= block.first && offset < block.first + block.payloads.length) return block;
    this.put();
    const row = this.database
      .prepare(`SELECT first, count, lines FROM block_${this.partition} WHERE first <= ? ORDER BY first DESC LIMIT 1`)
      .get(offset);
    const { first, count, lines } = row ?? {};
    if (typeof first !== 'number' || typeof count !== 'number' || !(lines instanceof Uint8Array)) return undefined;
    const payloads = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength).toString('utf8').split('\n');
    if (payloads.length !== count || offset >= first + count) return undefined;
    this.block = { first, payloads, isChanged: false };
    return this.block;
  }

  private put(): void {
    const { block } = this;
    this.block = undefined;
    if (block?.isChanged !== true) return;
    this.database
      .prepare(`UPDATE block_${this.partition} SET lines = ? WHERE first = ?`)
      .run(Buffer.from(block.payloads.join('\n'), 'utf8'), block.first);
  }
}
