import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Random } from '../../evaluation/traffic/random.ts';
import { Child } from '../support/child.ts';
import { until } from '../support/postern.ts';
import { openTestStore, rowsOf, wronglyDerived } from '../support/store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** How often the process is killed; more on request. */
const KILLS = Number(process.env['STORE_KILLS'] ?? 6);
const BATCHES = 20;
const EVENTS = 4000;

test(
  'a process that is killed at any moment while it forgets leaves nothing that the next one does not do, and no sum is changed',
  async () => {
    const directory = temporaryDirectory();
    const filled = await Child.start('store-fill.ts', [directory, String(BATCHES), String(EVENTS)]);
    await filled.kill();
    const random = new Random(5);
    let reached = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = await Child.start('store-forget.ts', [directory]);
      await sleep(random.below(2500));
      await child.kill();
      if (child.lines.some((line) => line.startsWith('column '))) reached += 1;
    }
    expect(reached).toBeGreaterThan(0);
    const last = await Child.start('store-forget.ts', [directory]);
    await until(
      () => (last.lines.includes('forgotten') ? true : undefined),
      () => last.lines.at(-1) ?? '',
    );
    await last.kill();
    const database = await openTestStore(directory, 'postern');
    onTestFinished(() => database[Symbol.asyncDispose]());
    expect(
      await rowsOf(
        database,
        `SELECT count() AS count, uniqExact(reply.text) AS texts, uniqExact(forwardPath) AS paths,
                countIf(position(forwardPath, 'anna') + position(reply.text, 'anna') > 0) AS hers FROM events`,
      ),
    ).toEqual([{ count: BATCHES * EVENTS, texts: BATCHES * EVENTS, paths: 1, hers: 0 }]);
    expect(
      await rowsOf(database, "SELECT name FROM system.tables WHERE database = 'postern' AND name = 'forgetting'"),
    ).toEqual([]);
    expect(await wronglyDerived(database)).toEqual([]);
  },
  60_000 + KILLS * 10_000,
);
