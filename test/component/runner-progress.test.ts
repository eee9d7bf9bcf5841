import { afterEach, expect, test, vi } from 'vitest';
import { FileSnapshots } from '../../analyzers/io/file-snapshots.ts';
import { PROGRESS_EVERY_MS, Runner } from '../../analyzers/io/runner.ts';
import { FOLLOW_RECORDS_MAX } from '../../log/io/follow.ts';
import { type MemoryLog, openMemoryLog } from '../../log/io/memory-log.ts';
import type { ReaderProgress } from '../../log/progress.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { watchSettings } from '../support/watch.ts';

afterEach(() => vi.restoreAllMocks());

const PAGES = 4;

/** Runs over what the log has. @returns Where the watch of the events was each time it was told. */
async function offsetsTold(log: MemoryLog): Promise<readonly number[]> {
  const told: (readonly ReaderProgress[])[] = [];
  const { next } = await log.bounds('postern.events', 0);
  const runner = new Runner({
    log,
    snapshots: new FileSnapshots(temporaryDirectory()),
    settings: watchSettings(),
    siteDetectors: [],
    stateHash: 'h',
    listener: {
      decided: () => undefined,
      alerted: () => undefined,
      trouble: () => undefined,
      progressed: (watches) => {
        told.push(watches);
        if (watches[0]?.nextOffset === next) runner.stop();
      },
    },
  });
  await runner.run();
  expect(told.every((watches) => watches.map(({ name }) => name).join() === 'events-0,site')).toBe(true);
  return told.map(([events]) => events?.nextOffset ?? -1);
}

async function fullLog(): Promise<MemoryLog> {
  const log = openMemoryLog({ partitionCount: 1 });
  for (let count = 0; count < PAGES * FOLLOW_RECORDS_MAX; count += 500) {
    await log.append(
      Array.from({ length: 500 }, () => ({ stream: 'postern.events', key: 'k', payload: '{}' }) as const),
    );
  }
  return log;
}

test('analyzers with pages and pages to read tell how far they are all the same, each second', async () => {
  const log = await fullLog();
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += PROGRESS_EVERY_MS / 2));
  const told = await offsetsTold(log);
  expect(told[0]).toBe(0);
  expect(told.some((offset) => offset > 0 && offset < PAGES * FOLLOW_RECORDS_MAX)).toBe(true);
});

test('within a second it is told once', async () => {
  const told = await offsetsTold(await fullLog());
  expect(told).toEqual([0, PAGES * FOLLOW_RECORDS_MAX]);
});
