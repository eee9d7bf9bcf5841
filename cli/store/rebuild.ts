import { rmSync } from 'node:fs';
import { decodeEvent } from '../../events/codec.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { EventLog } from '../../log/event-log.ts';
import { allPlaces } from '../../store/batch.ts';
import type { StoreDatabase } from '../../store/database.ts';
import type { WriterListener } from '../../store/io/inserter.ts';
import { schemaNames } from '../../store/io/migrate.ts';
import { StoreUnavailable } from '../../store/io/positions.ts';
import type { ReplicaListener } from '../../store/io/replicated-database.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { placesIn } from '../config/places.ts';
import type { Configured } from '../io/config-file.ts';
import { openWholeLogOrTell } from '../io/open-log.ts';
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
export async function rebuild(configured: Configured, discardsOlder: boolean): Promise<Result<undefined, string>> {
  const { config, folder } = configured;
  const settled = settleUnprivileged(config);
  if (!settled.ok) return settled;
  const places = placesIn(config.dataDirectory);
  await using log = await openWholeLogOrTell(configured);
  if (log === undefined) return err('there is nothing to fill it from');
  const opened = await openStore(config, folder, places, lines);
  if (!opened.ok) return opened;
  await using database = opened.value;
  // A copy that was left would bring it all back.
  const copies = await database.copies();
  if (!copies.ok) return err(copies.error.message);
  const older = discardsOlder ? ok(0) : await olderThanLog(database, log);
  if (!older.ok) return older;
  if (older.value > 0)
    return err(
      `${older.value} events, sessions and decisions of the history are older than the log and would be lost: --discard-older does it`,
    );
  const emptied = await emptyAll(copies.value);
  if (!emptied.ok) return emptied;
  rmSync(places.storeJournal, { force: true });
  const ready = await prepare(database, config);
  if (!ready.ok) return ready;
  const count = await fill(database, log, places.storeJournal);
  if (!count.ok) return count;
  process.stdout.write(`${count.value} records of the log are in the store\n`);
  return ok(undefined);
}

const line = (what: string, details: object): void => {
  process.stderr.write(`${what}: ${JSON.stringify(details)}\n`);
};
const lines: ReplicaListener & WriterListener = { trouble: line, well: line };

/** What the database has from before the first record that the log has. @returns One line where it cannot be told. */
async function olderThanLog(database: StoreDatabase, log: EventLog): Promise<Result<number, string>> {
  const since = await beginningOf(log);
  // A copy that lags behind has less than there is.
  const settled = await database.settled();
  if (!settled.ok) return err(settled.error.message);
  let count = 0;
  for (const statement of [
    'SELECT count() AS count FROM events WHERE at < {since:DateTime64(3)}',
    'SELECT count() AS count FROM (SELECT min(startedAt) AS began FROM sessions GROUP BY day, sid) WHERE began < {since:DateTime64(3)}',
    'SELECT count() AS count FROM decisions WHERE at < {since:DateTime64(3)}',
  ]) {
    const found = await settled.value.query<{ count: string }>(statement, { since: since / 1000 });
    if (!found.ok) return err(found.error.message);
    count += Number(found.value[0]?.count ?? 0);
  }
  return ok(count);
}

/** Time of the first event in the log, milliseconds since 1970-01-01 UTC; now for an empty one. */
async function beginningOf(log: EventLog): Promise<number> {
  let beginsMs = Date.now();
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    const { first } = await log.bounds('postern.events', partition);
    const { records } = await log.read('postern.events', partition, first, 1);
    const event = records[0] === undefined ? undefined : decodeEvent(records[0].payload);
    if (event?.ok === true) beginsMs = Math.min(beginsMs, event.value.at);
  }
  return beginsMs;
}

async function emptyAll(copies: readonly StoreDatabase[]): Promise<Result<undefined, string>> {
  for (const copy of copies) {
    const emptied = await empty(copy);
    if (!emptied.ok) return err(`the history is empty in part, so do it again: ${emptied.error}`);
  }
  return ok(undefined);
}

/** Every table goes, and comes back empty with the schema: what is done of that goes first, so that it can be cut off anywhere. */
async function empty(database: StoreDatabase): Promise<Result<undefined, string>> {
  const tables = await database.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = currentDatabase()
     ORDER BY name != {steps:String}, engine != {view:String}, name`,
    { steps: 'schema_steps', view: 'MaterializedView' },
  );
  if (!tables.ok) return err(tables.error.message);
  for (const { name } of tables.value) {
    if (!schemaNames.has(name)) continue;
    const dropped = await database.command(`DROP TABLE IF EXISTS ${name} SYNC SETTINGS max_table_size_to_drop = 0`);
    if (!dropped.ok) return err(dropped.error.message);
  }
  return ok(undefined);
}

async function fill(database: StoreDatabase, log: EventLog, journalFile: string): Promise<Result<number, string>> {
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
    listener: lines,
  });
  try {
    await writer.begin(never);
  } catch (error) {
    if (error instanceof StoreUnavailable) return err(error.message);
    throw error;
  }
  await writer.catchUp(never, (count) => {
    done += count;
    progress.advance(count);
  });
  return ok(done);
}
