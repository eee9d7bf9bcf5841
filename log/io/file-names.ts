import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Stream } from '../event-log.ts';

/** Damaged files of one stream that are kept for a person to look at; older ones go. */
export const DAMAGED_FILES_MAX = 3;

const shortNameOf = (stream: Stream): string => stream.slice('postern.'.length);

/** Path of one file of a stream. Numbers go up and are never used again. */
export const filePath = (directory: string, stream: Stream, number: number): string =>
  join(directory, `${shortNameOf(stream)}-${String(number).padStart(8, '0')}.sqlite`);

interface Listing {
  /** Numbers of the files, ascending. */
  readonly numbers: readonly number[];
  /** Numbers of files set aside, ascending. */
  readonly damagedNumbers: readonly number[];
}

/** The files of a stream. */
export function listFiles(directory: string, stream: Stream): Listing {
  const pattern = new RegExp(`^${shortNameOf(stream)}-(\\d{8,10})\\.sqlite(\\.damaged-\\d+)?$`);
  const numbers: number[] = [];
  const damagedNumbers: number[] = [];
  for (const name of readdirSync(directory)) {
    const match = pattern.exec(name);
    if (match !== null) (match[2] === undefined ? numbers : damagedNumbers).push(Number(match[1]));
  }
  return { numbers: numbers.sort(ascending), damagedNumbers: damagedNumbers.sort(ascending) };
}

const ascending = (a: number, b: number): number => a - b;

/** What belongs to a database: the file, its write-ahead log, the index of that, the journal of one just made. */
const suffixes = ['', '-wal', '-shm', '-journal'] as const;

/** Removes a database. A reader that has it open goes on reading. */
export function removeFile(path: string): void {
  for (const suffix of suffixes) rmSync(`${path}${suffix}`, { force: true });
}

/** Octets of a database on disk; 0 where there is none. */
export function fileOctets(path: string): number {
  let octets = 0;
  for (const suffix of suffixes) octets += statSync(`${path}${suffix}`, { throwIfNoEntry: false })?.size ?? 0;
  return octets;
}

/** Octets of the write-ahead log of a database; 0 where there is none. */
export const writeAheadOctets = (path: string): number => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;

/** Renames a damaged database to `*.damaged-<n>` and tells the new path; the oldest of too many go. */
export function setAside(path: string): string {
  let number = 1;
  while (existsSync(`${path}.damaged-${number}`)) number += 1;
  const aside = `${path}.damaged-${number}`;
  for (const suffix of suffixes)
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${aside}${suffix}`);
  return aside;
}

/** Removes the oldest damaged files of a stream beyond {@link DAMAGED_FILES_MAX}. */
export function removeOldDamaged(directory: string, stream: Stream): void {
  const pattern = new RegExp(`^${shortNameOf(stream)}-\\d{8,10}\\.sqlite\\.damaged-\\d+$`);
  const names = readdirSync(directory).filter((name) => pattern.test(name));
  for (const name of names.sort().slice(0, Math.max(0, names.length - DAMAGED_FILES_MAX))) {
    removeFile(join(directory, name));
  }
}

/** Octets of everything in a directory of a log. */
export function directoryOctets(directory: string): number {
  let octets = 0;
  for (const name of readdirSync(directory)) {
    octets += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return octets;
}
