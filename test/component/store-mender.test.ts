import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { MailEvent } from '../../events/event.ts';
import { err, ok } from '../../lib/result.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { Batch } from '../../store/batch.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { derivedTables } from '../../store/derived.ts';
import { Mender } from '../../store/io/mender.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { retentionStatements } from '../../store/retention.ts';
import { inserting, logOf, someEvents } from '../support/clickhouse/past.ts';
import { aDecision } from '../support/decisions.ts';
import { rowsOf, TestJournal, wronglyDerived } from '../support/store.ts';
import { testStores } from '../support/test-stores.ts';

const events = someEvents(400);
const BATCH_RECORDS = 200;
const never = new AbortController().signal;
const mended = 'what the database lost of a batch when it was killed is put in';

const newStore = testStores();

interface Filled {
  readonly database: StoreDatabase;
  readonly log: EventLog;
  /** The last batch that was inserted. */
  readonly batch: Batch;
  /** All of events. */
  readonly batches: readonly Batch[];
  readonly told: string[];
  readonly mender: Mender;
}

/** A store with all of a log, whose parts stay as they were inserted. */
async function filled(given: readonly MailEvent[] = events, batchRecordsMax = BATCH_RECORDS): Promise<Filled> {
  const database = await newStore();
  const log = await logOf(given);
  const decision = { ...aDecision(), at: events[0]?.at ?? 0 };
  await log.append([{ stream: 'postern.decisions', key: 'k', payload: JSON.stringify(decision) }]);
  for (const table of ['events', 'decisions', ...derivedTables.map((each) => each.table)])
    expect(await database.command(`SYSTEM STOP MERGES ${table}`)).toEqual(ok(undefined));
  const batches: Batch[] = [];
  const told: string[] = [];
  const listener = {
    trouble: (what: string, details: object) => told.push(`${what} ${JSON.stringify(details)}`),
    stored: (batch: Batch) => batches.push(batch),
  };
  const writer = new StoreWriter({
    log,
    database,
    journal: new TestJournal(),
    batchRecordsMax,
    listener,
  });
  await writer.begin(never);
  await writer.catchUp(never);
  const batch = batches.findLast(({ stream }) => stream === 'postern.events');
  if (batch === undefined) throw new Error('there was no batch');
  return {
    database,
    log,
    batch,
    batches: batches.filter(({ stream }) => stream === 'postern.events'),
    told,
    mender: new Mender(database, listener),
  };
}

/** Takes out of a table what was put in last, as if it had never been in place. */
async function lose(database: StoreDatabase, table: string): Promise<void> {
  const [part] = await rowsOf<{ name: string }>(
    database,
    `SELECT name FROM system.parts WHERE database = currentDatabase() AND table = '${table}' AND active ORDER BY min_block_number DESC LIMIT 1`,
  );
  expect(await database.command(`ALTER TABLE ${table} DROP PART '${part?.name}'`)).toEqual(ok(undefined));
}

const recordsOf = async ({ log, batch }: Filled) =>
  (await log.read(batch.stream, batch.partition, batch.first, batch.next - batch.first)).records;

const countOf = async (database: StoreDatabase): Promise<unknown> =>
  rowsOf(database, 'SELECT count() AS count, uniqExact(logPartition, logOffset) AS places FROM events');
const all = [{ count: events.length, places: events.length }];

test('every view of the schema is among those that are looked after', () => {
  const folder = new URL('../../store/schema/', import.meta.url);
  const schema = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
  const views = [...schema.join('\n').matchAll(/CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+)/g)];
  expect(derivedTables.map(({ view, table }) => [view, table]).toSorted()).toEqual(
    views.map(([, view, table]) => [view, table]).toSorted(),
  );
});

test.each(['events', ...derivedTables.map(({ table }) => table)])(
  'what is missing of a batch in %s is put in, and only there',
  async (table) => {
    const store = await filled();
    const { database, batch, told, mender } = store;
    expect(await wronglyDerived(database)).toEqual([]);
    await lose(database, table);
    expect([(await wronglyDerived(database)).length > 0, await countOf(database)]).not.toEqual([false, all]);
    expect(await mender.mend(batch, await recordsOf(store))).toEqual(ok(undefined));
    expect(await wronglyDerived(database)).toEqual([]);
    expect(await countOf(database)).toEqual(all);
    expect(told).toEqual([expect.stringMatching(new RegExp(`^${mended} .*"table":"${table}"`))]);
  },
);

test('where nothing is missing nothing is put in, however often it is looked', async () => {
  const store = await filled();
  for (let times = 0; times < 2; times += 1)
    expect(await store.mender.mend(store.batch, await recordsOf(store))).toEqual(ok(undefined));
  expect(await wronglyDerived(store.database)).toEqual([]);
  expect(await countOf(store.database)).toEqual(all);
  expect(store.told).toEqual([]);
  expect(await rowsOf(store.database, "SELECT name FROM system.tables WHERE name = 'mending'")).toEqual([]);
});

test('what is missing of other batches is told, and left to a rebuild', async () => {
  const store = await filled();
  expect(await store.database.command('TRUNCATE TABLE sources_by_hour')).toEqual(ok(undefined));
  expect(await store.mender.mend(store.batch, await recordsOf(store))).toEqual(ok(undefined));
  expect(store.told).toEqual([expect.stringMatching(/--rebuild.*"table":"sources_by_hour"/)]);
});

test('a batch that was passed over as a whole after a crash is put in', async () => {
  const database = await newStore();
  const log = await logOf(events);
  const told: string[] = [];
  const journal = new TestJournal();
  let inserts = 0;
  // The second one is cut off, and passed over when it is done again.
  const killed = inserting(database, async (table, lines, token) => {
    if (table !== 'events') return database.insert(table, lines, token);
    inserts += 1;
    if (inserts === 2) return { ok: false, error: { kind: 'unreachable', code: 0, message: 'it was killed' } };
    return inserts === 3 ? ok(undefined) : database.insert(table, lines, token);
  });
  const writerOn = (on: StoreDatabase): StoreWriter =>
    new StoreWriter({
      log,
      database: on,
      journal,
      batchRecordsMax: BATCH_RECORDS,
      listener: { trouble: (what) => told.push(what) },
    });
  const writer = writerOn(killed);
  await writer.begin(never);
  await writer.catchUp(never);
  expect(await wronglyDerived(database)).toEqual([]);
  expect(await countOf(database)).toEqual(all);
  expect(told.filter((what) => what === mended).length).toBeGreaterThan(3);
});

test('a batch over the end of a month is looked after month by month', async () => {
  const first = events[0]?.at ?? 0;
  const last = events.at(-1)?.at ?? 0;
  // The end of January is in the middle of it.
  const shiftMs = Date.UTC(2026, 1, 1) - Math.round((first + last) / 2);
  const over = events.map((event) => ({ ...event, at: event.at + shiftMs }));
  const store = await filled(over, over.length);
  const { database, batch, mender, told } = store;
  for (const table of ['events', 'traffic_by_minute', 'verdicts_by_minute']) {
    expect(
      await database.command(`ALTER TABLE ${table} DROP PARTITION '${table === 'events' ? '2026-02-01' : '202602'}'`),
    ).toEqual(ok(undefined));
  }
  for (const each of store.batches)
    expect(await mender.mend(each, await recordsOf({ ...store, batch: each }))).toEqual(ok(undefined));
  expect(batch.next - batch.first).toBeGreaterThan(1000);
  expect(await countOf(database)).toEqual(all);
  // Sessions and hours count by what their events are of, and those were shifted.
  const wrong = await wronglyDerived(database);
  expect(wrong.filter((each) => /^(?:traffic|verdicts|mails|latency)/.test(each))).toEqual([]);
  expect(told.filter((line) => line.startsWith(mended))).toHaveLength(told.length);
});

test('what is kept no longer is not put in again and again', async () => {
  const store = await filled();
  for (const statement of retentionStatements({ eventsKeptDays: 1, summariesKeptDays: 3650 }))
    expect(await store.database.command(statement)).toEqual(ok(undefined));
  expect(await store.database.command('TRUNCATE TABLE events')).toEqual(ok(undefined));
  expect(await store.mender.mend(store.batch, await recordsOf(store))).toEqual(ok(undefined));
  expect(store.told).toEqual([]);
});

test('events of a later release are put in as they were, too', async () => {
  const later = events.map((event, index) =>
    index % 4 === 0 ? ({ ...event, type: 'of-a-later-release' } as unknown as MailEvent) : event,
  );
  const store = await filled(later);
  await lose(store.database, 'events');
  expect(await store.mender.mend(store.batch, await recordsOf(store))).toEqual(ok(undefined));
  expect(await countOf(store.database)).toEqual(all);
  expect(await wronglyDerived(store.database)).toEqual([]);
});

test('nothing of a batch stays in the table for mending where it cannot be done', async () => {
  const store = await filled();
  const refusing: StoreDatabase = Object.assign(Object.create(store.database) as StoreDatabase, {
    command: (sql: string) =>
      sql.includes('MOVE PARTITION')
        ? Promise.resolve(err({ kind: 'refused', code: 497, message: 'Not enough privileges' }))
        : store.database.command(sql),
  });
  await lose(store.database, 'events');
  const told: string[] = [];
  const mender = new Mender(refusing, { trouble: (what, details) => told.push(`${what} ${JSON.stringify(details)}`) });
  expect(await mender.mend(store.batch, await recordsOf(store))).toEqual(ok(undefined));
  expect(told).toEqual([expect.stringMatching(/cannot be told.*Not enough privileges/)]);
  const left = "SELECT name FROM system.tables WHERE database = currentDatabase() AND name = 'mending'";
  expect(await rowsOf(store.database, left)).toEqual([]);
});

test('a decision that was passed over is put in', async () => {
  const store = await filled();
  await lose(store.database, 'decisions');
  const place = { stream: 'postern.decisions', partition: 0 } as const;
  const partitions = await Promise.all(
    [0, 1].map(async (partition) => ({
      partition,
      records: (await store.log.read(place.stream, partition, 0, 10)).records,
    })),
  );
  const { partition = 0, records = [] } = partitions.find((each) => each.records.length > 0) ?? {};
  const batch = { ...place, partition, epoch: 'e', first: 0, next: 1 };
  expect(await store.mender.mend(batch, records)).toEqual(ok(undefined));
  expect(await rowsOf(store.database, 'SELECT count() AS count FROM decisions')).toEqual([{ count: 1 }]);
  expect(store.told).toEqual([expect.stringMatching(/"table":"decisions"/)]);
});
