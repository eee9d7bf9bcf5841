import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Offset, Stream } from '../event-log.ts';
import { isSound, openToRead, openToWrite, orClose, storageFaultOf } from './database.ts';
import { setAside } from './file-names.ts';

/** Name of the file with the number of partitions and what consumers have committed. */
export const OFFSETS_FILE = 'offsets.sqlite';

const schema = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS committed (
    stream TEXT NOT NULL,
    consumer TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (stream, consumer, partition)
  ) STRICT, WITHOUT ROWID;`;

/** What the consumer groups have committed, and how many partitions the log has. */
export class OffsetStore implements Disposable {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Opens it to write. One that is damaged is set aside: consumers then begin again, which does no harm.
   *
   * A commit that a power cut takes back means records handled twice, so it does not wait for the disk.
   */
  static open(directory: string, partitionCount: number): OffsetStore {
    const path = join(directory, OFFSETS_FILE);
    const sound = openSound(path);
    if (sound === undefined) setAside(path);
    const store = new OffsetStore(sound ?? openToWrite(path, 'os'));
    store.#database.exec(schema);
    store.#database.prepare("INSERT OR IGNORE INTO meta VALUES ('partitionCount', ?)").run(partitionCount);
    return store;
  }

  /** Opens it to read, beside the process that writes it; undefined while there is none. */
  static openToRead(directory: string): OffsetStore | undefined {
    const path = join(directory, OFFSETS_FILE);
    return existsSync(path) ? new OffsetStore(openToRead(path)) : undefined;
  }

  /** Partitions of the log. */
  get partitionCount(): number {
    return Number(this.#database.prepare("SELECT value FROM meta WHERE name = 'partitionCount'").get()?.['value'] ?? 0);
  }

  /** See {@link EventLog.commit}. */
  commit(group: string, stream: Stream, partition: number, offset: Offset): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?)')
      .run(stream, group, partition, offset);
  }

  /** See {@link EventLog.committed}. */
  committed(group: string, stream: Stream, partition: number): Offset {
    const row = this.#database
      .prepare('SELECT next FROM committed WHERE stream = ? AND consumer = ? AND partition = ?')
      .get(stream, group, partition);
    return Number(row?.['next'] ?? 0);
  }

  /** The highest offset that any group has committed. */
  highest(stream: Stream, partition: number): Offset {
    const row = this.#database
      .prepare('SELECT max(next) AS next FROM committed WHERE stream = ? AND partition = ?')
      .get(stream, partition);
    return Number(row?.['next'] ?? 0);
  }

  /** Have all groups of a stream finished what is before these ends? True where there is no group. */
  hasEveryGroupFinished(stream: Stream, ends: readonly Offset[]): boolean {
    const groups = this.#database.prepare('SELECT DISTINCT consumer FROM committed WHERE stream = ?').all(stream);
    return groups.every((row) =>
      ends.every((end, partition) => this.committed(String(row['consumer']), stream, partition) >= end),
    );
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function openSound(path: string): DatabaseSync | undefined {
  try {
    return orClose(openToWrite(path, 'os'), (database) => {
      if (isSound(database)) return database;
      database.close();
      return undefined;
    });
  } catch (error) {
    if (storageFaultOf(error) === 'damaged') return undefined;
    throw error;
  }
}
