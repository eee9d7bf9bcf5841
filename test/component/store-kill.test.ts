import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Random } from '../../evaluation/traffic/random.ts';
import { encodeEvent, partitionKeyOf } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import { connectLog } from '../../log/io/log-client.ts';
import { type Act, deeds, eventsOf } from '../support/acts.ts';
import { Child } from '../support/child.ts';
import { until } from '../support/postern.ts';
import { openTestStore, rowsOf, wronglyDerived } from '../support/store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** How often the writer is killed; more on request. */
const KILLS = Number(process.env['STORE_KILLS'] ?? 6);
const BATCH_RECORDS = 400;
const ACTS = 4000;

function someEvents(): readonly MailEvent[] {
  const random = new Random(11);
  const acts: Act[] = Array.from({ length: ACTS }, () => ({
    ip: `198.51.${random.below(6)}.${random.below(10)}`,
    deed: deeds[random.below(deeds.length)] ?? 'guess',
    afterMs: random.below(20_000),
  }));
  return eventsOf(acts);
}

test(
  'a writer that is killed at any moment leaves every event in the store once, and all that is derived with it',
  async () => {
    const directory = temporaryDirectory();
    const socketPath = join(directory, 'log.sock');
    await Child.start('log-process.ts', [directory, socketPath, 'os']);
    const client = connectLog({ socketPath });
    onTestFinished(() => client[Symbol.asyncDispose]());
    const append = async (events: readonly MailEvent[]): Promise<void> => {
      for (let from = 0; from < events.length; from += 500) {
        const records = events.slice(from, from + 500).map((event) => ({
          stream: 'postern.events' as const,
          key: partitionKeyOf(event) ?? '',
          payload: encodeEvent(event),
        }));
        expect((await client.append(records)).ok).toBe(true);
      }
    };
    const store = join(directory, 'store');
    const args = [directory, socketPath, store, join(directory, 'journal.json'), String(BATCH_RECORDS)];
    const events = someEvents();
    const random = new Random(12);
    const share = Math.ceil(events.length / (KILLS + 1));
    let inserted = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const writer = await Child.start('store-writer.ts', args);
      await append(events.slice(kill * share, (kill + 1) * share));
      // Killed while it begins, while it inserts, or while it waits.
      await sleep(random.below(500));
      await writer.kill();
      inserted += writer.lines.filter((line) => line.startsWith('stored ')).length;
    }
    await append(events.slice(KILLS * share));
    const last = await Child.start('store-writer.ts', args);
    let stored = -1;
    await until(
      async () => {
        const before = stored;
        stored = last.lines.length;
        await sleep(2500);
        return before === stored && last.lines.includes('ready') ? true : undefined;
      },
      () => `the last writer to come to rest: ${last.lines.at(-1)}`,
    );
    await last.kill();
    expect(inserted).toBeGreaterThan(KILLS / 3);
    const database = await openTestStore(store, 'postern');
    onTestFinished(() => database[Symbol.asyncDispose]());
    expect(
      await rowsOf(database, 'SELECT count() AS count, uniqExact(logPartition, logOffset) AS places FROM events'),
    ).toEqual([{ count: events.length, places: events.length }]);
    expect(await wronglyDerived(database)).toEqual([]);
    expect(last.lines.filter((line) => line.startsWith('trouble'))).toEqual([]);
  },
  60_000 + KILLS * 6000,
);
