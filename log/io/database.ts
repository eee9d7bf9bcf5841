import { DatabaseSync } from 'node:sqlite';

/** How long a statement waits for the lock of another process. Readers hold none for longer than a page takes. */
const LOCK_TIMEOUT_MS = 250;
/** Pages of the write-ahead log after which SQLite copies it into the file: at most 4 MiB, some milliseconds. */
const CHECKPOINT_PAGES = 1000;

/** `fsync`: what was acknowledged survives a power cut. `os`: it survives `kill -9`, not a power cut. */
export type Durability = 'fsync' | 'os';

/** What a failed statement means for the file. */
export type DatabaseFault = 'full' | 'damaged' | 'locked' | 'missing' | 'other';

// Primary result codes, https://sqlite.org/rescode.html
const faults: ReadonlyMap<number, DatabaseFault> = new Map([
  [5, 'locked'],
  [6, 'locked'],
  [11, 'damaged'],
  [13, 'full'],
  [14, 'missing'],
  [26, 'damaged'],
]);

/** Reads an exception of node:sqlite; anything else is a fault of this program and is thrown again. */
export function databaseFaultOf(thrown: unknown): DatabaseFault {
  if (!(thrown instanceof Error) || !('errcode' in thrown) || typeof thrown.errcode !== 'number') throw thrown;
  return faults.get(thrown.errcode & 0xff) ?? 'other';
}

/** Does something with a database just opened, and closes it if that throws. */
export function orClose<T>(database: DatabaseSync, work: (database: DatabaseSync) => T): T {
  try {
    return work(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens a file to write; the write-ahead log lets others read meanwhile. */
export function openToWrite(path: string, durable: Durability): DatabaseSync {
  return orClose(new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MS }), (database) => {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durable === 'fsync' ? 'FULL' : 'NORMAL'};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA cell_size_check = ON;
      PRAGMA trusted_schema = OFF;
    `);
    return database;
  });
}

/** Opens a file that another connection or process may be writing. */
export function openToRead(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: LOCK_TIMEOUT_MS });
}

/** Is the structure of the file sound? An exception other than damage is thrown. */
export function isSound(database: DatabaseSync): boolean {
  try {
    const row = database.prepare('PRAGMA quick_check(1)').get();
    return row?.['quick_check'] === 'ok';
  } catch (error) {
    if (databaseFaultOf(error) === 'damaged') return false;
    throw error;
  }
}
