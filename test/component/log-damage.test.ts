import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DISK_OCTETS_MAX_FLOOR, fileOctetsMaxOf } from '../../log/disk-budget.ts';
import type { LogRecord, Offset } from '../../log/event-log.ts';
import { DAMAGED_FILES_MAX } from '../../log/io/file-names.ts';
import { openSqliteLog, type SqliteLog } from '../../log/io/sqlite-log.ts';
import { OFFSET_JUMP } from '../../log/io/stream-writer.ts';
import { partitionOf } from '../../log/partition.ts';
import { readPartition } from '../support/log-reading.ts';
import { openTestLog } from '../support/sqlite-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const partition = partitionOf('k', 4);
const diskOctetsMax = DISK_OCTETS_MAX_FLOOR;

const record = (n: number, octets = 0): LogRecord => ({
  stream: 'postern.events',
  key: 'k',
  payload: JSON.stringify({ type: 'mail', n, stuffing: 'x'.repeat(octets) }),
});

async function append(log: SqliteLog, records: readonly LogRecord[]): Promise<readonly Offset[]> {
  const outcome = await log.append(records);
  if (!outcome.ok) throw new Error(outcome.error);
  return outcome.value;
}

/** Appends records until the events have one file more. */
async function fillFile(log: SqliteLog, from: number): Promise<number> {
  const records = Math.ceil(fileOctetsMaxOf(diskOctetsMax) / 100_000);
  for (let n = 0; n < records; n += 1) await append(log, [record(from + n, 100_000)]);
  await append(log, [record(from + records)]);
  return from + records + 1;
}

const filesOf = (directory: string, pattern: RegExp): string[] =>
  readdirSync(directory)
    .filter((name) => pattern.test(name))
    .sort();

/** First offset of the partition in a file. */
function baseOf(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const row = database.prepare('SELECT first FROM base WHERE partition = ?').get(partition);
  database.close();
  return Number(row?.['first']);
}

interface Found {
  readonly numbers: readonly number[];
  readonly gaps: readonly Record<string, unknown>[];
}

async function find(log: Pick<SqliteLog, 'read'>): Promise<Found> {
  const events = (await readPartition(log, partition)).map(({ payload }) => JSON.parse(payload));
  return {
    numbers: events.filter(({ type }) => type === 'mail').map(({ n }) => n),
    gaps: events.filter(({ type }) => type === 'log-gap'),
  };
}

const damages: readonly (readonly [string, (path: string) => void])[] = [
  ['garbage', (path) => writeFileSync(path, Buffer.alloc(50_000, 'garbage '))],
  ['an empty file', (path) => truncateSync(path, 0)],
  ['cut off', (path) => truncateSync(path, 20_000)],
  [
    'flipped octets',
    (path) => {
      const octets = readFileSync(path);
      for (let at = 0; at < octets.length; at += 4096) {
        // The header of every page.
        for (let index = 0; index < 12; index += 1) octets[at + 100 + index] = 0xff;
        for (let index = 0; index < 12; index += 1) octets[at + index] = at === 0 ? (octets[index] ?? 0) : 0xff;
      }
      writeFileSync(path, octets);
    },
  ],
  [
    'another database',
    (path) => {
      rmSync(path);
      const database = new DatabaseSync(path);
      database.exec('CREATE TABLE somebody_elses (x)');
      database.close();
    },
  ],
];

describe.each(damages)('%s in place of the newest file', (_name, damage) => {
  test('is set aside with a gap when the log is opened; offsets go on above', async () => {
    const directory = temporaryDirectory();
    const { log } = await openTestLog(directory);
    const [last] = (
      await append(
        log,
        Array.from({ length: 200 }, (_, n) => record(n, 300)),
      )
    ).slice(-1);
    await log[Symbol.asyncDispose]();
    damage(join(directory, 'events-00000001.sqlite'));

    const { log: reopened } = await openTestLog(directory);
    expect(filesOf(directory, /^events.*damaged/)).toContain('events-00000001.sqlite.damaged-1');
    const [next] = await append(reopened, [record(1000)]);
    expect(next).toBeGreaterThan(last ?? 0);
    const { numbers, gaps } = await find(reopened);
    expect(numbers).toEqual([1000]);
    expect(gaps).toMatchObject([{ reason: 'damaged-file', counts: {}, site: 'site', gate: 'log' }]);
  });

  test('leaves the files before it as they were, and offsets go on behind one file at most', async () => {
    const directory = temporaryDirectory();
    const { log } = await openTestLog(directory, { diskOctetsMax });
    const count = await fillFile(log, 0);
    await log[Symbol.asyncDispose]();
    const second = baseOf(join(directory, 'events-00000002.sqlite'));
    damage(join(directory, 'events-00000002.sqlite'));

    const { log: reopened } = await openTestLog(directory, { diskOctetsMax });
    const [next = 0] = await append(reopened, [record(count)]);
    expect(next).toBeGreaterThanOrEqual(count);
    expect(next).toBeLessThan(second + OFFSET_JUMP + 2);
    const { numbers, gaps } = await find(reopened);
    expect(numbers).toEqual([...Array.from({ length: second }, (_, n) => n), count]);
    expect(gaps).toHaveLength(1);
  });
});

test('a damaged older file is passed over by its reader, set aside, and its gap is exact', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory, { diskOctetsMax });
  const starts: number[] = [0];
  for (let file = 0; file < 3; file += 1) starts.push(await fillFile(log, starts.at(-1) ?? 0));
  await log[Symbol.asyncDispose]();
  const names = filesOf(directory, /^events-\d+\.sqlite$/);
  expect(names).toHaveLength(4);
  const { log: before } = await openTestLog(directory, { diskOctetsMax });
  const all = (await find(before)).numbers;
  await before[Symbol.asyncDispose]();
  writeFileSync(join(directory, names[1] ?? ''), Buffer.alloc(100_000, 'garbage '));

  const { log: reopened } = await openTestLog(directory, { diskOctetsMax });
  const found = (await find(reopened)).numbers;
  const lost = all.length - found.length;
  expect(lost).toBeGreaterThan(10);
  expect(found).toEqual(all.filter((n) => found.includes(n)));
  await expect
    .poll(async () => (await find(reopened)).gaps)
    .toMatchObject([{ reason: 'damaged-file', counts: { unknown: lost } }]);
  expect(filesOf(directory, /^events.*damaged-\d+$/)).toEqual([`${names[1]}.damaged-1`]);
  expect((await find(reopened)).numbers).toEqual(found);
  expect(reopened.status.damageCount).toBe(1);
});

test('a file that is damaged while it is written is replaced, and nothing acknowledged after that is lost', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  const path = join(directory, 'events-00000001.sqlite');
  // More than the write-ahead log holds, so that there is something to damage.
  for (let n = 0; n < 100; n += 1) await append(log, [record(n, 60_000)]);
  writeFileSync(path, Buffer.alloc(statSync(path).size, 0xff), { flag: 'r+' });
  log.examine('postern.events', 1);
  const [next] = await append(log, [record(1000)]);
  expect(next).toBeGreaterThanOrEqual(100);
  await expect
    .poll(async () => (await find(log)).gaps)
    .toMatchObject([{ reason: 'damaged-file', counts: { unknown: 100 } }]);
  expect((await find(log)).numbers).toContain(1000);
  await log[Symbol.asyncDispose]();
  const { log: reopened } = await openTestLog(directory);
  expect((await find(reopened)).numbers).toContain(1000);
});

test('a sound file that a reader suspects stays where it is', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory, { diskOctetsMax });
  await fillFile(log, 0);
  log.examine('postern.events', 1);
  log.examine('postern.events', 2);
  log.examine('postern.events', 99);
  expect(filesOf(directory, /damaged/)).toEqual([]);
  expect(log.status.damageCount).toBe(0);
});

test('damaged files are kept for a person to look at, but not without end', async () => {
  const directory = temporaryDirectory();
  const offsets: number[] = [];
  for (let turn = 1; turn <= DAMAGED_FILES_MAX + 2; turn += 1) {
    const { log } = await openTestLog(directory);
    offsets.push(...(await append(log, [record(turn)])));
    await log[Symbol.asyncDispose]();
    writeFileSync(join(directory, `events-${String(turn).padStart(8, '0')}.sqlite`), 'garbage');
  }
  await openTestLog(directory);
  expect(filesOf(directory, /^events.*damaged-\d+$/)).toHaveLength(DAMAGED_FILES_MAX);
  expect(new Set(offsets).size).toBe(offsets.length);
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
});

test('offsets that a consumer has seen are not used again even if every file was removed', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  await append(log, [record(0), record(1), record(2)]);
  await log.commit('g', 'postern.events', partition, 3);
  await log[Symbol.asyncDispose]();
  for (const name of filesOf(directory, /^events-/)) rmSync(join(directory, name));
  const { log: reopened } = await openTestLog(directory);
  expect(await append(reopened, [record(3)])).toEqual([3]);
});

test('consumers begin again when what they committed is damaged', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  await append(log, [record(0)]);
  await log.commit('g', 'postern.events', partition, 1);
  await log[Symbol.asyncDispose]();
  writeFileSync(join(directory, 'offsets.sqlite'), 'garbage');
  const { log: reopened } = await openTestLog(directory);
  expect(await reopened.committed('g', 'postern.events', partition)).toBe(0);
  expect((await find(reopened)).numbers).toEqual([0]);
  expect(filesOf(directory, /^offsets/)).toContain('offsets.sqlite.damaged-1');
});

test('rubbish in place of the lock keeps nobody out', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'owner.lock'), Buffer.alloc(5000, 'garbage '));
  const { log } = await openTestLog(directory);
  await append(log, [record(0)]);
  await expect(openTestLog(directory)).rejects.toThrow('owned');
});

test('a file of a newer format is left alone', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  await log[Symbol.asyncDispose]();
  const path = join(directory, 'events-00000001.sqlite');
  const database = new DatabaseSync(path);
  database.exec("UPDATE meta SET value = 99 WHERE name = 'format'");
  database.close();
  const opened = await openSqliteLog({ directory, site: 'site', gate: 'log' });
  expect(opened).toEqual({ ok: false, error: { kind: 'format', path, found: 99 } });
  expect(filesOf(directory, /damaged/)).toEqual([]);
});

test.each(['block_3', 'producer', 'base', 'meta'])(
  'a file in which a column of %s has another name is set aside',
  async (table) => {
    const directory = temporaryDirectory();
    const { log } = await openTestLog(directory);
    await log[Symbol.asyncDispose]();
    const path = join(directory, 'decisions-00000001.sqlite');
    const file = readFileSync(path);
    const begin = file.indexOf(`CREATE TABLE ${table} (`);
    const column = { block_3: 'count', producer: 'recent', base: 'first', meta: 'value' }[table] ?? '';
    file.set(Buffer.from('zzzzz'), file.indexOf(column, begin));
    writeFileSync(path, file);
    const { log: reopened } = await openTestLog(directory);
    await append(reopened, [record(0)]);
    expect(filesOf(directory, /decisions.*damaged/)).toHaveLength(1);
  },
);

test('a log keeps its number of partitions', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  await log[Symbol.asyncDispose]();
  const other = await openSqliteLog({ directory, site: 'site', gate: 'log', partitionCount: 5 });
  expect(other).toEqual({ ok: false, error: { kind: 'partition-count', found: 4 } });
  const same = await openSqliteLog({ directory, site: 'site', gate: 'log' });
  expect(same.ok && same.value.partitionCount).toBe(4);
  if (same.ok) await same.value[Symbol.asyncDispose]();
});

test('whatever octets of whichever file are altered, the log opens, takes records and can be read', async () => {
  const sound = temporaryDirectory();
  const { log } = await openTestLog(sound, { diskOctetsMax });
  await fillFile(log, 0);
  await log.commit('g', 'postern.events', partition, 5);
  await log[Symbol.asyncDispose]();
  const names = filesOf(sound, /\.sqlite$/);
  const anyDamage = fc.record({
    name: fc.constantFrom(...names),
    // Most of what matters is in the first pages.
    at: fc.oneof(fc.nat({ max: 12_287 }), fc.nat({ max: 3_000_000 })),
    octets: fc.uint8Array({ minLength: 1, maxLength: 60 }),
    isCut: fc.boolean(),
  });
  // Found by it before: a column with another name, a schema format that there is not, a file cut off between its pages.
  const zero = Uint8Array.of(0);
  const found: [{ name: string; at: number; octets: Uint8Array<ArrayBuffer>; isCut: boolean }[]][] = [
    [[{ name: 'decisions-00000001.sqlite', at: 3155, octets: Uint8Array.of(65, 48, 48, 65, 48), isCut: false }]],
    [[{ name: 'decisions-00000001.sqlite', at: 47, octets: Uint8Array.of(5), isCut: false }]],
    [
      [
        { name: 'events-00000002.sqlite', at: 684_033, octets: zero, isCut: true },
        { name: 'decisions-00000001.sqlite', at: 0, octets: zero, isCut: false },
      ],
    ],
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(anyDamage, { minLength: 1, maxLength: 3 }), async (altered) => {
      const directory = mkdtempSync(join(tmpdir(), 'postern-'));
      cpSync(sound, directory, { recursive: true });
      for (const { name, at, octets, isCut } of altered) {
        const file = readFileSync(join(directory, name));
        const start = at % Math.max(1, file.length);
        file.set(octets.subarray(0, file.length - start), start);
        writeFileSync(join(directory, name), isCut ? file.subarray(0, start) : file);
      }
      const opened = await openSqliteLog({
        directory,
        site: 'site',
        gate: 'log',
        partitionCount: 4,
        durable: 'os',
        diskOctetsMax,
      });
      // A version that was altered is that of a newer release.
      if (!opened.ok) expect(opened.error.kind).toBe('format');
      else {
        const [offset = -1] = await append(opened.value, [record(1_000_000)]);
        const records = await readPartition(opened.value, partition);
        expect(records.find((found) => found.offset === offset)?.payload).toBe(record(1_000_000).payload);
        await opened.value.trim(Number.MAX_SAFE_INTEGER);
        await opened.value[Symbol.asyncDispose]();
      }
      rmSync(directory, { recursive: true, force: true });
    }),
    { numRuns: 40, examples: found },
  );
});
