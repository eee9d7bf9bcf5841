import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { orClose, storageFaultOf } from './database.ts';
import { removeFile } from './file-names.ts';

/** Name of the file whose lock makes a process the owner of a directory. */
export const LOCK_FILE = 'owner.lock';

/**
 * Takes the lock of a directory; undefined if another process, or another log of this one, has it. The kernel gives it
 * back when the process ends, however it ends, so there is no stale lock.
 */
export function takeOwnerLock(directory: string): Disposable | undefined {
  const path = join(directory, LOCK_FILE);
  const taken = tryLock(path);
  if (taken !== 'damaged') return taken;
  // Nobody can hold the lock of a file that is no database.
  removeFile(path);
  const again = tryLock(path);
  return again === 'damaged' ? undefined : again;
}

function tryLock(path: string): Disposable | 'damaged' | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // A transaction that never ends: SQLite's locks are the kernel's, and known within one process as well.
    orClose(database, () => database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE'));
  } catch (error) {
    const fault = storageFaultOf(error);
    if (fault === 'locked') return undefined;
    if (fault === 'damaged') return 'damaged';
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}
