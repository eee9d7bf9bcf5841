import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { databaseFaultOf, orClose } from './database.ts';

/** Name of the file whose lock makes a process the owner of a directory. */
export const LOCK_FILE = 'owner.lock';

/**
 * Takes the lock of a directory; undefined if another process, or another log of this one, has it. The kernel gives it
 * back when the process ends, however it ends, so there is no stale lock.
 */
export function takeOwnerLock(directory: string): Disposable | undefined {
  const database = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
  try {
    // A transaction that never ends: SQLite's locks are the kernel's, and known within one process as well.
    orClose(database, () => database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE'));
  } catch (error) {
    if (databaseFaultOf(error) === 'locked') return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}
