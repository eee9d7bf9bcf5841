import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { streams } from '../../log/event-log.ts';
import {
  type LogProcess,
  type LogProcessOptions,
  RETENTION_MS_DEFAULT,
  runLogProcess,
} from '../../log/io/log-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const BEGIN_MS = 1_750_000_000_000;

async function run(directory: string, options: Partial<LogProcessOptions> = {}): Promise<LogProcess> {
  const opened = await runLogProcess({
    directory,
    socketPath: join(directory, 'log.sock'),
    site: 'site',
    gate: 'log',
    durable: 'os',
    partitionCount: 1,
    ...options,
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  onTestFinished(() => opened.value[Symbol.asyncDispose]());
  return opened.value;
}

/** Records that each stream holds once time has passed. */
async function countsAfter(ms: number, options: Partial<LogProcessOptions> = {}): Promise<Record<string, number>> {
  const directory = temporaryDirectory();
  const first = await run(directory, { now: () => BEGIN_MS });
  for (const stream of streams) await first.log.append([{ stream, key: 'k', payload: '1' }]);
  await first[Symbol.asyncDispose]();
  const second = await run(directory, { now: () => BEGIN_MS + ms, ...options });
  const counts: Record<string, number> = {};
  for (const stream of streams) counts[stream] = (await second.log.read(stream, 0, 0, 10)).records.length;
  return counts;
}

test('each stream is kept for its own time', async () => {
  for (const until of streams) {
    const keptFor = RETENTION_MS_DEFAULT[until];
    for (const [ms, isOver] of [
      [keptFor, false],
      [keptFor + 1, true],
    ] as const) {
      const counts = await countsAfter(ms);
      expect(counts[until]).toBe(isOver ? 0 : 1);
    }
  }
});

test('retention is configured by stream', async () => {
  const retentionMs = { 'postern.events': 1000 };
  expect(await countsAfter(1001, { retentionMs })).toEqual({
    'postern.events': 0,
    'postern.evidence': 1,
    'postern.decisions': 1,
    'postern.snapshots': 1,
  });
});

test('a log that cannot be served is not kept open', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'x'.repeat(200));
  const failed = await runLogProcess({ directory, socketPath, site: 'site', gate: 'log' });
  expect(failed).toEqual({ ok: false, error: { kind: 'path-too-long', path: socketPath } });
  await run(directory, { partitionCount: 4 });
});
