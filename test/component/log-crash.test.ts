import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { connectLog } from '../../log/io/log-client.ts';
import { openSqliteLogReader, type SqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import { createRecorder } from '../../proxy/io/recorder.ts';
import { Child } from '../support/child.ts';
import { aCommand } from '../support/events.ts';
import { readAll } from '../support/log-reading.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function openReader(directory: string, socketPath: string): Promise<SqliteLogReader> {
  const opened = await openSqliteLogReader({ directory, socketPath });
  if (!opened.ok) throw new Error(opened.error);
  onTestFinished(() => opened.value[Symbol.asyncDispose]());
  return opened.value;
}

/** The numbers `n` of the records of one writer, in the order of the log. */
const numbersOf = (payloads: readonly string[][], writer: string): number[] =>
  payloads
    .flat()
    .map((payload) => JSON.parse(payload))
    .filter(({ w }) => w === writer)
    .map(({ n }) => Number(n));

test('a writer that is killed leaves everything acknowledged in the log, once', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const owner = await Child.start('log-process.ts', [directory, socketPath, 'fsync']);
  expect(owner.lines).toEqual(['ready']);
  const names = ['a', 'b', 'c', 'd'];
  const acked = await Promise.all(
    names.map(async (name) => {
      const writer = await Child.start('log-writer.ts', [socketPath, name]);
      await expect.poll(() => writer.lines.length, { timeout: 10_000 }).toBeGreaterThan(50);
      await sleep(Math.random() * 400);
      await writer.kill();
      return writer.lines.filter((line) => line.startsWith('acked ')).map((line) => Number(line.slice(6)));
    }),
  );
  const payloads = await readAll(await openReader(directory, socketPath));
  for (const [index, name] of names.entries()) {
    const numbers = numbersOf(payloads, name);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => n));
    expect(new Set(numbers).isSupersetOf(new Set(acked[index]))).toBe(true);
  }
});

test.each(['fsync', 'os'] as const)(
  'a log process that is killed under load has everything acknowledged, once, and its clients go on (%s)',
  async (durable) => {
    const directory = temporaryDirectory();
    const socketPath = join(directory, 'log.sock');
    const client = connectLog({ socketPath });
    onTestFinished(() => client[Symbol.asyncDispose]());
    let isOver = false;
    let next = 0;
    const ackedOffsets = new Map<number, number>();
    const write = async (): Promise<void> => {
      while (!isOver) {
        const n = next;
        next += 1;
        const outcome = await client.append([
          { stream: 'postern.events', key: 'w', payload: JSON.stringify({ w: 'w', n }) },
        ]);
        if (!outcome.ok) throw new Error(outcome.error);
        ackedOffsets.set(n, outcome.value[0] ?? -1);
      }
    };
    const writers = Array.from({ length: 12 }, write);
    for (let kill = 0; kill < 4; kill += 1) {
      const owner = await Child.start('log-process.ts', [directory, socketPath, durable]);
      expect(owner.lines).toEqual(['ready']);
      const before = ackedOffsets.size;
      await expect.poll(() => ackedOffsets.size, { timeout: 10_000 }).toBeGreaterThan(before + 100);
      await sleep(Math.random() * 300);
      await owner.kill();
    }
    // Without its owner the log can still be read.
    const reader = await openReader(directory, socketPath);
    const acknowledged = new Set(ackedOffsets.keys());
    expect(new Set(numbersOf(await readAll(reader), 'w')).isSupersetOf(acknowledged)).toBe(true);
    await Child.start('log-process.ts', [directory, socketPath, durable]);
    isOver = true;
    await Promise.all(writers);
    const payloads = await readAll(reader);
    const numbers = numbersOf(payloads, 'w');
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: next }, (_, n) => n));
    expect(ackedOffsets.size).toBe(next);
    // Where the log said they are, also when it had said so before it was killed and the answer was lost.
    for (const [n, offset] of ackedOffsets) expect(numbers[offset]).toBe(n);
  },
);

test('a recorder keeps the order of a session while the log process is killed', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const client = connectLog({ socketPath });
  onTestFinished(() => client[Symbol.asyncDispose]());
  const recorder = createRecorder({ client, site: 'site', gate: 'gate-1', flushTimeoutMs: 10_000 });
  let seq = 0;
  const timer = setInterval(() => {
    for (let n = 0; n < 20; n += 1) {
      recorder.record(aCommand({ seq }));
      seq += 1;
    }
  }, 2);
  onTestFinished(() => clearInterval(timer));
  for (let kill = 0; kill < 3; kill += 1) {
    const owner = await Child.start('log-process.ts', [directory, socketPath, 'fsync']);
    await sleep(150 + Math.random() * 250);
    await owner.kill();
  }
  const last = await Child.start('log-process.ts', [directory, socketPath, 'fsync']);
  expect(last.lines).toEqual(['ready']);
  clearInterval(timer);
  await recorder.flush();
  expect(recorder.counters).toEqual({ recorded: seq, acknowledged: seq, dropped: 0, queued: 0 });
  const payloads = await readAll(await openReader(directory, socketPath));
  const seqs = payloads.flat().map((payload) => JSON.parse(payload).seq);
  expect(seqs).toEqual(Array.from({ length: seq }, (_, n) => n));
});

test('a frozen log process makes the recorder fail until it goes on', { timeout: 20_000 }, async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const owner = await Child.start('log-process.ts', [directory, socketPath, 'os']);
  const client = connectLog({ socketPath });
  onTestFinished(() => client[Symbol.asyncDispose]());
  const recorder = createRecorder({ client, site: 'site', gate: 'gate-1' });
  recorder.record(aCommand());
  await recorder.flush();
  expect(recorder.failing).toBeUndefined();
  owner.signal('SIGSTOP');
  recorder.record(aCommand());
  await expect.poll(() => recorder.failing, { timeout: 8000, interval: 100 }).toBe('unreachable');
  owner.signal('SIGCONT');
  await expect.poll(() => recorder.failing).toBeUndefined();
  expect(recorder.counters).toMatchObject({ acknowledged: 2, dropped: 0 });
});
