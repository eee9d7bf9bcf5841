import { DatabaseSync } from 'node:sqlite';

/** How long a statement waits for the lock of another process. Readers hold none for longer than a page takes. */
export const LOCK_TIMEOUT_MS = 250;
/** Pages of the write-ahead log after which SQLite copies it into the file: at most 8 MiB, some 20 ms every 8 MiB. */
export const CHECKPOINT_PAGES = 2000;
/** Octets that a write-ahead log keeps on disk after it was copied, should one commit have made it larger. */
export const WRITE_AHEAD_OCTETS_KEPT = 16_777_216;

/** `fsync`: what was acknowledged survives a power cut. `os`: it survives `kill -9`, not a power cut. */
export type Durability = 'fsync' | 'os';

/** What a failed statement or call means for the file. */
export type StorageFault = 'full' | 'damaged' | 'locked' | 'missing' | 'other';

// Primary result codes, https://sqlite.org/rescode.html
const resultCodes: ReadonlyMap<number, StorageFault> = new Map([
  [5, 'locked'],
  [6, 'locked'],
  [11, 'damaged'],
  [13, 'full'],
  [14, 'missing'],
  [26, 'damaged'],
]);
/** A read beyond the end of the file (extended code SQLITE_IOERR_SHORT_READ): somebody has cut it off. Other errors of the disk may pass. */
const SHORT_READ = 522;
/** What SQLite says, with a code that it has for faults of statements too, where the header names a schema format that there is not. */
const STRANGE_SCHEMA = 'unsupported file format';
const systemCodes: ReadonlyMap<string, StorageFault> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['ENOENT', 'missing'],
]);

/** Reads an exception of node:sqlite or node:fs; anything else is a fault of this program and is thrown again. */
export function storageFaultOf(thrown: unknown): StorageFault {
  if (!(thrown instanceof Error)) throw thrown;
  // An integer in the file that is none of ours.
  if ('code' in thrown && thrown.code === 'ERR_OUT_OF_RANGE') return 'damaged';
  if ('errcode' in thrown && typeof thrown.errcode === 'number') {
    const isOfTheFile = thrown.errcode === SHORT_READ || thrown.message === STRANGE_SCHEMA;
    return isOfTheFile ? 'damaged' : (resultCodes.get(thrown.errcode & 0xff) ?? 'other');
  }
  if (!('syscall' in thrown && 'code' in thrown)) throw thrown;
  return systemCodes.get(String(thrown.code)) ?? 'other';
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

/**
 * Opens a file to write; the write-ahead log lets others read meanwhile. Zeros are written over what is not needed any more, always:
 * pages that were divided while the file grew would hold records that are changed later.
 */
export function openToWrite(path: string, durable: Durability): DatabaseSync {
  return orClose(new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MS }), (database) => {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durable === 'fsync' ? 'FULL' : 'NORMAL'};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${WRITE_AHEAD_OCTETS_KEPT};
      PRAGMA cell_size_check = ON;
      PRAGMA secure_delete = ON;
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
    if (storageFaultOf(error) === 'damaged') return false;
    throw error;
  }
}
