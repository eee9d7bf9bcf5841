import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DISK_OCTETS_MAX_FLOOR, fileOctetsMaxOf } from '../../log/disk-budget.ts';
import type { LogRecord } from '../../log/event-log.ts';
import { PAGE_OCTETS_MAX } from '../../log/io/file-reader.ts';
import { serveLog } from '../../log/io/log-server.ts';
import { FILE_AGE_MS_MAX, type SqliteLog } from '../../log/io/sqlite-log.ts';
import { openSqliteLogReader, type SqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import { FILES_OPEN_MAX, PAGE_RECORDS_MAX } from '../../log/io/stream-reader.ts';
import { partitionOf } from '../../log/partition.ts';
import { openTestLog, type TestClock } from '../support/sqlite-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const diskOctetsMax = DISK_OCTETS_MAX_FLOOR;
const partition = partitionOf('k', 4);
const record = (n: number): LogRecord => ({
  stream: 'postern.events',
  key: 'k',
  payload: JSON.stringify({ n, stuffing: 'x'.repeat(50_000) }),
});
/** Records of which one file is full. */
const RECORDS_A_FILE = Math.ceil(fileOctetsMaxOf(diskOctetsMax) / 50_000);
const numberOf = (payload: string | undefined): number => JSON.parse(payload ?? '{}').n;

interface Opened {
  readonly log: SqliteLog;
  readonly reader: SqliteLogReader;
  readonly clock: TestClock;
  readonly files: () => string[];
}

/** A log whose files are small, by its owner and by a reader as in another process. */
async function opened(): Promise<Opened> {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const { log, clock } = await openTestLog(directory, { diskOctetsMax });
  const served = await serveLog({ log, socketPath });
  if (!served.ok) throw new Error(JSON.stringify(served.error));
  onTestFinished(() => served.value[Symbol.asyncDispose]());
  const reader = await openSqliteLogReader({ directory, socketPath });
  if (!reader.ok) throw new Error(reader.error);
  onTestFinished(() => reader.value[Symbol.asyncDispose]());
  const files = (): string[] => readdirSync(directory).filter((name) => /^events-\d+\.sqlite$/.test(name));
  return { log, reader: reader.value, clock, files };
}

/** Appends until there are so many files, and tells how many records there are. */
async function fill(log: SqliteLog, files: () => string[], count: number, from = 0): Promise<number> {
  let n = from;
  for (; files().length < count || n < from + RECORDS_A_FILE; n += 1) {
    const outcome = await log.append([record(n)]);
    if (!outcome.ok) throw new Error(outcome.error);
  }
  return n;
}

test('a follower in another process goes from file to file without a hole', async () => {
  const { log, reader, files } = await opened();
  const controller = new AbortController();
  const numbers: number[] = [];
  const following = (async () => {
    for await (const { records } of reader.follow('postern.events', partition, 0, controller.signal)) {
      numbers.push(...records.map(({ payload }) => numberOf(payload)));
    }
  })();
  const count = await fill(log, files, 6);
  await expect.poll(() => numbers.length).toBe(count);
  controller.abort();
  await following;
  expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n));
});

test('any offset is found, in more files than a reader keeps open', async () => {
  const { log, reader, files } = await opened();
  const count = await fill(log, files, FILES_OPEN_MAX + 3);
  for (let n = 0; n < 200; n += 1) {
    const from = (n * 7919) % count;
    for (const source of [log, reader]) {
      const { records, nextOffset } = await source.read('postern.events', partition, from, 1);
      expect([records[0]?.offset, numberOf(records[0]?.payload), nextOffset]).toEqual([from, from, from + 1]);
    }
  }
});

test('a reader that slept while every file it knew was trimmed goes on with what is left', async () => {
  const { log, reader, clock, files } = await opened();
  const before = await fill(log, files, 3);
  expect((await reader.read('postern.events', partition, before - 1, 10)).records).toHaveLength(1);
  clock.nowMs += 1000;
  await log.trim(clock.nowMs);
  const after = await fill(log, files, 3, before);
  clock.nowMs += 1000;
  await log.trim(clock.nowMs);
  await log.append([record(after)]);
  expect(await reader.read('postern.events', partition, before, 10)).toMatchObject({ nextOffset: after + 1 });
  expect(await reader.bounds('postern.events', partition)).toEqual({ first: after, next: after + 1 });
  expect((await reader.read('postern.events', partition, 0, 10)).records.map(({ offset }) => offset)).toEqual([after]);
});

test('only files whose records are all older go, and what is kept is whole', async () => {
  const { log, clock, files } = await opened();
  const first = await fill(log, files, 2);
  clock.nowMs += 1000;
  const boundaryMs = clock.nowMs;
  const second = await fill(log, files, 4, first);
  const removed = await log.trim(boundaryMs);
  expect(removed).toBeGreaterThan(0);
  expect(removed).toBeLessThan(first);
  const bounds = await log.bounds('postern.events', partition);
  expect(bounds).toEqual({ first: removed, next: second });
  const { records } = await log.read('postern.events', partition, 0, 10);
  expect(records[0]?.offset).toBe(removed);
});

test('a file ends with its age, unless nothing is in it', async () => {
  const { log, clock, files } = await opened();
  await log.append([record(0)]);
  clock.nowMs += FILE_AGE_MS_MAX['postern.events'] - 1;
  await log.append([record(1)]);
  expect(files()).toHaveLength(1);
  clock.nowMs += 1;
  await log.append([record(2)]);
  expect(files()).toHaveLength(2);
  clock.nowMs += 10;
  await log.trim(clock.nowMs);
  expect(files()).toHaveLength(1);
  clock.nowMs += 10 * FILE_AGE_MS_MAX['postern.events'];
  await log.append([record(3)]);
  expect(files()).toHaveLength(1);
});

test('a clock that is set back changes neither order nor retention', async () => {
  const { log, clock } = await opened();
  await log.append([record(0)]);
  const laterMs = clock.nowMs;
  clock.nowMs -= 3_600_000;
  await log.append([record(1)]);
  expect(await log.trim(laterMs)).toBe(0);
  expect((await log.read('postern.events', partition, 0, 10)).records.map(({ payload }) => numberOf(payload))).toEqual([
    0, 1,
  ]);
});

test('a page ends at its bounds, whatever is asked for', async () => {
  const { log } = await openTestLog(temporaryDirectory());
  const small = Array.from({ length: 4000 }, () => ({ stream: 'postern.events', key: 'k', payload: '1' }) as const);
  for (let n = 0; n < 3; n += 1) await log.append(small);
  expect((await log.read('postern.events', partition, 0, 1_000_000)).records).toHaveLength(PAGE_RECORDS_MAX);
  const large = { stream: 'postern.decisions', key: 'k', payload: 'x'.repeat(1_000_000) } as const;
  for (let n = 0; n < 8; n += 1) await log.append([large]);
  const { records } = await log.read('postern.decisions', partition, 0, 100);
  expect(records).toHaveLength(Math.ceil(PAGE_OCTETS_MAX / 1_000_000));
});
