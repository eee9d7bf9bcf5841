import { setTimeout } from 'node:timers/promises';
import { Random } from '../../../evaluation/traffic/random.ts';
import type { EventLog } from '../../../log/event-log.ts';
import type { StoreDatabase } from '../../../store/database.ts';
import { StoreWriter } from '../../../store/io/writer.ts';
import { TestJournal } from '../store.ts';
import { inserting } from './past.ts';
import type { ClickHouseServer } from './server.ts';

/** How often a server is killed; more on request. */
export const KILLS = Number(process.env['CLICKHOUSE_KILLS'] ?? 12);
/** Of the moments at which it is killed; one that failed is named. */
export const SEED = Number(
  process.env['CLICKHOUSE_SEED'] ?? (process.env['CI'] === undefined ? Date.now() % 1_000_000 : 1),
);
/** Acts whose events make more batches than there are kills. */
export const ACTS = Math.max(4000, 60 * KILLS);
const BATCH_RECORDS = 500;

/** What came of it. */
export interface Killed {
  /** Of each kill: was the insert, in whose middle it was meant to be, acknowledged all the same? */
  readonly kills: readonly boolean[];
  /** What the writer told of. */
  readonly told: readonly string[];
}

/** Fills a database from a log, as a store does, while servers are killed in the middle of inserts, and the store with them at times. */
export async function fillWhileKilling(
  database: StoreDatabase,
  servers: readonly ClickHouseServer[],
  log: EventLog,
): Promise<Killed> {
  const random = new Random(SEED);
  const journal = new TestJournal();
  const kills: boolean[] = [];
  const told: string[] = [];
  let stop = new AbortController();
  let restarted = Promise.resolve();
  let areUp = true;
  // How long the last insert took that nothing befell.
  let insertMs = 50;
  const killLater = (): void => {
    areUp = false;
    const server = random.pick(servers);
    // More often before the events are there than while the other tables follow, which takes longer.
    const [afterMs, awayMs, endsToo] = [
      random.fraction() ** 2 * 1.1 * insertMs,
      random.below(1000),
      random.chance(0.4),
    ];
    restarted = setTimeout(afterMs)
      .then(() => server.kill())
      .then(() => (endsToo ? stop.abort() : undefined))
      .then(() => setTimeout(awayMs))
      .then(() => server.restart())
      .then(() => {
        areUp = true;
      });
  };
  const dying = inserting(database, async (table, lines, token) => {
    // Others go on while one is away, or wait for it.
    if (random.chance(0.5)) await restarted;
    const isKilling = table === 'events' && kills.length < KILLS && areUp;
    if (isKilling) killLater();
    const begunMs = performance.now();
    const inserted = await database.insert(table, lines, token);
    if (isKilling) kills.push(inserted.ok);
    else if (inserted.ok) insertMs = performance.now() - begunMs;
    return inserted;
  });
  for (let isDone = false; !isDone; ) {
    stop = new AbortController();
    const listener = { trouble: (what: string) => told.push(what) };
    const writer = new StoreWriter({ log, database: dying, journal, batchRecordsMax: BATCH_RECORDS, listener });
    await writer.begin(stop.signal);
    await writer.catchUp(stop.signal);
    await restarted;
    isDone = !stop.signal.aborted;
  }
  return { kills, told };
}
