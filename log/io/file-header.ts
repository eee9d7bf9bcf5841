import type { DatabaseSync } from 'node:sqlite';
import { type Offset, type Stream, streams } from '../event-log.ts';
import { PARTITION_COUNT_MAX } from '../partition.ts';

/** Layout of a file; a program that finds a higher one does not touch it. */
export const FORMAT = 1;

/** What a file is told at its birth and keeps. */
export interface FileHeader {
  readonly stream: Stream;
  readonly number: number;
  readonly createdAtMs: number;
  /** First offset of each partition in this file. */
  readonly bases: readonly Offset[];
}

const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
  CREATE TABLE base (partition INTEGER PRIMARY KEY, first INTEGER NOT NULL) STRICT;
  CREATE TABLE producer (id TEXT PRIMARY KEY, at INTEGER NOT NULL, recent TEXT NOT NULL) STRICT, WITHOUT ROWID;`;

const partitionSchema = (partition: number): string => `
  CREATE TABLE block_${partition} (
    first INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    at INTEGER NOT NULL,
    lines BLOB NOT NULL
  ) STRICT;`;

const headerColumns = {
  meta: ['name', 'value'],
  base: ['partition', 'first'],
  producer: ['id', 'at', 'recent'],
} as const;
const blockColumns = ['first', 'count', 'at', 'lines'] as const;

/** Octets that a disk has changed may leave a layout that SQLite takes, and in which a column has another name. */
function hasColumns(database: DatabaseSync, table: string, columns: readonly string[]): boolean {
  const found = database.prepare('SELECT name FROM pragma_table_info(?) ORDER BY cid').all(table);
  return found.map((row) => String(row['name'])).join() === columns.join();
}

/** Lays out an empty file. */
export function writeHeader(database: DatabaseSync, header: FileHeader): void {
  database.exec(schema);
  const base = database.prepare('INSERT INTO base VALUES (?, ?)');
  for (const [partition, first] of header.bases.entries()) {
    database.exec(partitionSchema(partition));
    base.run(partition, first);
  }
  const meta = database.prepare('INSERT INTO meta VALUES (?, ?)');
  meta.run('format', FORMAT);
  meta.run('stream', header.stream);
  meta.run('number', header.number);
  meta.run('createdAtMs', header.createdAtMs);
}

/** Reads the header of a file; a higher format as its number; undefined if the file is none of ours. */
export function readHeader(database: DatabaseSync): FileHeader | number | undefined {
  if (!hasColumns(database, 'meta', headerColumns.meta)) return undefined;
  const meta = new Map(
    database
      .prepare('SELECT name, value FROM meta')
      .all()
      .map((row) => [String(row['name']), row['value']]),
  );
  const format = meta.get('format');
  if (typeof format === 'number' && format > FORMAT) return format;
  const isLaidOut = Object.entries(headerColumns).every(([table, columns]) => hasColumns(database, table, columns));
  if (!isLaidOut) return undefined;
  const stream = streams.find((known) => known === meta.get('stream'));
  const number = meta.get('number');
  const createdAtMs = meta.get('createdAtMs');
  const bases = database
    .prepare('SELECT first FROM base ORDER BY partition')
    .all()
    .map((row) => Number(row['first']));
  if (stream === undefined || typeof number !== 'number' || typeof createdAtMs !== 'number') return undefined;
  if (bases.length === 0 || bases.length > PARTITION_COUNT_MAX) return undefined;
  if (bases.some((_, partition) => !hasColumns(database, `block_${partition}`, blockColumns))) return undefined;
  return { stream, number, createdAtMs, bases };
}

/** A value of the last block of a partition; undefined while there is none. */
export function lastOf(database: DatabaseSync, partition: number, value: 'first + count' | 'at'): number | undefined {
  const row = database.prepare(`SELECT ${value} AS value FROM block_${partition} ORDER BY first DESC LIMIT 1`).get();
  return row === undefined ? undefined : Number(row['value']);
}

/** When the last record of a file was appended, milliseconds; undefined while it is empty. */
export function lastAtMsOf(database: DatabaseSync, { bases }: FileHeader): number | undefined {
  const last = Math.max(...[...bases.keys()].map((partition) => lastOf(database, partition, 'at') ?? -1));
  return last === -1 ? undefined : last;
}
