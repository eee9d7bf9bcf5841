import { rmSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import type { EventLog } from '../../log/event-log.ts';
import { allPlaces } from '../../store/batch.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { placesIn } from '../config/places.ts';
import type { Configured } from '../io/config-file.ts';
import { openLogOrTell } from '../io/open-log.ts';
import { openStore, prepare } from '../io/open-store.ts';
import { settleUnprivileged } from '../io/part.ts';
import { Progress } from '../io/progress.ts';
import { storeJournal } from '../io/store-journal.ts';

/**
 * Empties the database and fills it from the log.
 *
 * @param discardsOlder - Also where the log does not reach back as far as the history, which is lost then.
 * @returns One line where it cannot be done.
 */
export async function rebuild(
  { config, folder }: Configured,
  discardsOlder: boolean,
): Promise<Result<undefined, string>> {
  const settled = settleUnprivileged(config);
  if (!settled.ok) return settled;
  const places = placesIn(config.dataDirectory);
  await using log = await openLogOrTell(config.dataDirectory);
  if (log === undefined) return err('there is nothing to fill it from');
  const opened = await openStore(config, folder, places);
  if (!opened.ok) return opened;
  await using database = opened.value;
  const older = discardsOlder ? 0 : await olderThanLog(database, log);
  if (older > 0)
    return err(`${older} events of the history are not in the log any more and would be lost: --discard-older does it`);
  rmSync(places.storeJournal, { force: true });
  const emptied = await empty(database, config.store.database);
  if (!emptied.ok) return emptied;
  const ready = await prepare(database, config);
  if (!ready.ok) return ready;
  const count = await fill(database, log, places.storeJournal);
  process.stdout.write(`${count} records of the log are in the store\n`);
  return ok(undefined);
}

/** Events of the database that the log does not have: as many as it has more than the log. */
async function olderThanLog(database: StoreDatabase, log: EventLog): Promise<number> {
  const found = await database.query<{ partition: number; count: string }>(
    'SELECT logPartition AS partition, count() AS count FROM events GROUP BY logPartition',
  );
  const counts = new Map(found.ok ? found.value.map(({ partition, count }) => [partition, Number(count)]) : []);
  let older = 0;
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    const { first, next } = await log.bounds('postern.events', partition);
    older += Math.max(0, (counts.get(partition) ?? 0) - (next - first));
  }
  return older;
}

/** Every table goes, and comes back empty with the schema. */
async function empty(database: StoreDatabase, name: string): Promise<Result<undefined, string>> {
  const tables = await database.query<{ name: string }>(
    'SELECT name FROM system.tables WHERE database = {name:String} ORDER BY engine != {view:String}, name',
    { name, view: 'MaterializedView' },
  );
  if (!tables.ok) return err(tables.error.message);
  for (const table of tables.value) {
    const dropped = await database.command(`DROP TABLE IF EXISTS ${table.name} SYNC`);
    if (!dropped.ok) return err(dropped.error.message);
  }
  return ok(undefined);
}

async function fill(database: StoreDatabase, log: EventLog, journalFile: string): Promise<number> {
  using progress = new Progress('rebuilding the store');
  const never = new AbortController().signal;
  for (const { stream, partition } of allPlaces(log.partitionCount)) {
    const { first, next } = await log.bounds(stream, partition);
    progress.expect(next - first);
  }
  let done = 0;
  const writer = new StoreWriter({
    log,
    database,
    journal: storeJournal(journalFile),
    listener: { trouble: (what, details) => process.stderr.write(`${what}: ${JSON.stringify(details)}\n`) },
  });
  await writer.begin(never);
  await writer.catchUp(never, (count) => {
    done += count;
    progress.advance(count);
  });
  return done;
}
