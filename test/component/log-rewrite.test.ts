import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { EventLog } from '../../log/event-log.ts';
import { connectLog } from '../../log/io/log-client.ts';
import { serveLog } from '../../log/io/log-server.ts';
import { openSqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import type { Rewriter } from '../../log/rewriting.ts';
import { Child } from '../support/child.ts';
import { readPartition } from '../support/log-reading.ts';
import { openTestLog } from '../support/sqlite-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const stream = 'postern.events';
/** Longer than a page of SQLite, so that a block has pages of its own. */
const FILLING = 'f'.repeat(3000);
const line = (who: string, n: number): string => JSON.stringify({ n, who, filling: FILLING });
const before = line('anna@example.com', 1);
const after = line('forgotten@example.com', 1);

/** Names of files of a directory that hold a text. */
const filesHolding = (directory: string, text: string): readonly string[] =>
  readdirSync(directory).filter((name) => {
    const path = join(directory, name);
    return statSync(path).isFile() && readFileSync(path).includes(text);
  });

/** One partition; records 0 to 2 in a file that is finished, 3 to 5 in the newest. */
async function openedLog() {
  const directory = temporaryDirectory();
  const { log, clock } = await openTestLog(directory, { partitionCount: 1 });
  const append = async (...payloads: string[]): Promise<void> => {
    expect((await log.append(payloads.map((payload) => ({ stream, key: 'k', payload })))).ok).toBe(true);
  };
  await append(line('x', 0), before, line('x', 2));
  clock.nowMs += 3_600_001;
  await append(line('x', 3), before);
  await append(line('x', 5));
  return { directory, log, append };
}

interface Opened {
  readonly directory: string;
  readonly log: EventLog & Rewriter;
  readonly append: (...payloads: string[]) => Promise<void>;
}

async function throughSocket(): Promise<Opened> {
  const { directory, log: owned, append } = await openedLog();
  const socketPath = join(directory, 'log.sock');
  const served = await serveLog({ log: owned, socketPath });
  if (!served.ok) throw new Error(JSON.stringify(served.error));
  onTestFinished(() => served.value[Symbol.asyncDispose]());
  const reader = await openSqliteLogReader({ directory, socketPath });
  if (!reader.ok) throw new Error(reader.error);
  onTestFinished(() => reader.value[Symbol.asyncDispose]());
  return { directory, log: reader.value, append };
}

const ways: readonly (readonly [string, () => Promise<Opened>])[] = [
  ['by its owner', openedLog],
  ['through the socket', throughSocket],
];

test.each(ways)(
  '%s records become others where they are, in every file, and nothing else changes',
  async (_way, open) => {
    const { directory, log, append } = await open();
    const was = await readPartition(log, 0);
    expect(readdirSync(directory).filter((name) => /^events-\d+\.sqlite$/.test(name))).toHaveLength(2);
    const outcomes = await log.rewrite({
      stream,
      partition: 0,
      records: [1, 4].map((offset) => ({ offset, before, after })),
    });
    expect(outcomes).toEqual(['rewritten', 'rewritten']);
    expect(await readPartition(log, 0)).toEqual(
      was.map(({ offset, payload }) => ({ offset, payload: payload === before ? after : payload })),
    );
    await append(line('x', 6));
    expect((await readPartition(log, 0)).at(-1)).toEqual({ offset: 6, payload: line('x', 6) });
  },
);

test.each(ways)('%s nothing of the octets before is left in the files', async (_way, open) => {
  const { directory, log } = await open();
  expect(filesHolding(directory, 'anna@example.com').length).toBeGreaterThanOrEqual(2);
  await log.rewrite({ stream, partition: 0, records: [1, 4].map((offset) => ({ offset, before, after })) });
  expect(await log.scrub()).toBe(0);
  expect(filesHolding(directory, 'anna@example.com')).toEqual([]);
  expect(filesHolding(directory, 'forgotten@example.com')).toHaveLength(2);
});

test.each(ways)(
  '%s what is something else, or gone, stays and is told; what is so already is no harm',
  async (_way, open) => {
    const { log } = await open();
    const outcomes = async (records: readonly { offset: number; before: string; after: string }[]) =>
      log.rewrite({ stream, partition: 0, records });
    expect(
      await outcomes([
        { offset: 0, before, after },
        { offset: 1, before, after },
        { offset: 6, before, after },
        { offset: 2 ** 40, before, after },
      ]),
    ).toEqual(['other', 'rewritten', 'gone', 'gone']);
    expect(await outcomes([{ offset: 1, before, after }])).toEqual(['rewritten']);
    const kept = await readPartition(log, 0);
    expect(kept.map(({ payload }) => payload)).toEqual([
      line('x', 0),
      after,
      line('x', 2),
      line('x', 3),
      before,
      line('x', 5),
    ]);
    await log.trim(1_750_000_000_001);
    expect(await outcomes([{ offset: 1, before: after, after: before }])).toEqual(['gone']);
    expect((await readPartition(log, 0)).map(({ offset }) => offset)).toEqual([3, 4, 5]);
  },
);

test('a file that somebody reads at this moment is told, and can be scrubbed afterwards', async () => {
  const { directory, log } = await openedLog();
  const reader = new DatabaseSync(join(directory, 'events-00000002.sqlite'), { readOnly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM block_0').get();
  await log.rewrite({ stream, partition: 0, records: [{ offset: 4, before, after }] });
  expect(await log.scrub()).toBe(1);
  reader.close();
  expect(await log.scrub()).toBe(0);
  expect(filesHolding(directory, '"n":1,"who":"anna')).toEqual(['events-00000001.sqlite']);
});

test('a rewriting that was answered outlives a kill of the log process', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const first = await Child.start('log-process.ts', [directory, socketPath, 'os']);
  const client = connectLog({ socketPath });
  onTestFinished(() => client[Symbol.asyncDispose]());
  expect((await client.append([{ stream, key: 'k', payload: before }])).ok).toBe(true);
  const reader = await openSqliteLogReader({ directory, socketPath });
  if (!reader.ok) throw new Error(reader.error);
  await using log = reader.value;
  const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
  const pages = await Promise.all(partitions.map((partition) => readPartition(log, partition)));
  const partition = pages.findIndex((records) => records.length > 0);
  expect(await client.rewrite({ stream, partition, records: [{ offset: 0, before, after }] })).toEqual(['rewritten']);
  await first.kill();
  await Child.start('log-process.ts', [directory, socketPath, 'os']);
  // What was not answered is sent again to whoever serves the log next.
  expect(await client.scrub()).toBe(0);
  expect(await readPartition(log, partition)).toEqual([{ offset: 0, payload: after }]);
  expect(filesHolding(directory, 'anna@example.com')).toEqual([]);
});

test('appends go on between rewritings', async () => {
  const { log } = await throughSocket();
  const appended = Array.from({ length: 20 }, (_, n) => log.append([{ stream, key: 'k', payload: line('y', n) }]));
  const rewritten = [1, 4].map((offset) => log.rewrite({ stream, partition: 0, records: [{ offset, before, after }] }));
  for (const outcome of await Promise.all(appended)) expect(outcome.ok).toBe(true);
  expect(await Promise.all(rewritten)).toEqual([['rewritten'], ['rewritten']]);
  expect((await readPartition(log, 0)).filter(({ payload }) => payload === after)).toHaveLength(2);
  expect(await readPartition(log, 0)).toHaveLength(26);
});
