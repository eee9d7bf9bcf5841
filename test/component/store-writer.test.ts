import { expect, test } from 'vitest';
import { encodeEvent, partitionKeyOf } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import { ok } from '../../lib/result.ts';
import type { EventLog, LogRecord } from '../../log/event-log.ts';
import { openMemoryLog } from '../../log/io/memory-log.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { type Act, deeds, eventsOf } from '../support/acts.ts';
import { aDecision } from '../support/decisions.ts';
import { until } from '../support/postern.ts';
import { rowsOf, TestJournal, wronglyDerived } from '../support/store.ts';
import { testStores } from '../support/test-stores.ts';

const newStore = testStores();

/** What some sources do, all kinds of deeds; and a control event, which is in every partition. */
function someEvents(count: number): readonly MailEvent[] {
  const acts: Act[] = Array.from({ length: count }, (_, index) => ({
    ip: index % 5 === 0 ? `2001:db8:${index % 7}::1` : `198.51.${index % 6}.${index % 10}`,
    deed: deeds[index % deeds.length] ?? 'guess',
    afterMs: 1000 * (index % 40),
  }));
  return eventsOf(acts);
}

const recordOf = (event: MailEvent): LogRecord => ({
  stream: 'postern.events',
  key: partitionKeyOf(event) ?? '',
  payload: encodeEvent(event),
});
const started: LogRecord = {
  stream: 'postern.events',
  key: '',
  everyPartition: true,
  payload:
    '{"v":1,"type":"gate-started","at":1767225600000,"site":"s","gate":"g","version":"1","configHash":"h","listeners":["mx"]}',
};

async function append(log: EventLog, records: readonly LogRecord[]): Promise<void> {
  for (let from = 0; from < records.length; from += 200)
    expect(await log.append(records.slice(from, from + 200))).toMatchObject({ ok: true });
}

async function logOf(records: readonly LogRecord[]): Promise<EventLog> {
  const log = openMemoryLog();
  await append(log, records);
  return log;
}

interface Writing {
  readonly log: EventLog;
  readonly database: StoreDatabase;
  readonly journal?: TestJournal;
  readonly troubles?: string[];
}

function writerOf(
  { log, database, journal = new TestJournal(), troubles = [] }: Writing,
  batchRecordsMax = 200,
): StoreWriter {
  return new StoreWriter({
    log,
    database,
    journal,
    batchRecordsMax,
    listener: { trouble: (what, details) => troubles.push(`${what} ${JSON.stringify(details)}`) },
  });
}

/** A database that inserts in a way of its own. */
const inserting = (database: StoreDatabase, insert: StoreDatabase['insert']): StoreDatabase => ({
  command: (sql) => database.command(sql),
  query: (sql, parameters) => database.query(sql, parameters),
  insert,
  settled: () => database.settled(),
  copies: () => database.copies(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});
const away = { ok: false, error: { kind: 'unreachable', code: 0, message: 'connection refused' } } as const;

const never = new AbortController().signal;

async function written(writing: Writing, batchRecordsMax?: number): Promise<StoreWriter> {
  const writer = writerOf(writing, batchRecordsMax);
  await writer.begin(never);
  await writer.catchUp(never);
  return writer;
}

const countOf = async (database: StoreDatabase, table = 'events'): Promise<number> =>
  Number((await rowsOf<{ count: string }>(database, `SELECT count() AS count FROM ${table}`))[0]?.count);

test('every event is there once, with all its fields, and what is derived says what a scan says', async () => {
  const database = await newStore();
  const events = someEvents(400);
  const decided = encodeEvent(
    aDecision({ ledger: [{ sid: 's', seq: 1, at: 5, weight: 3, what: 'w' }], facts: { sum: 7 } }),
  );
  const log = await logOf([...events.map(recordOf), started]);
  await append(log, [{ stream: 'postern.decisions', key: 'x', payload: decided }]);
  await written({ log, database });
  expect(await countOf(database)).toBe(events.length + 1);
  expect(await wronglyDerived(database)).toEqual([]);
  expect(await rowsOf(database, 'SELECT type, listeners, ip FROM events WHERE listeners != []')).toEqual([
    { type: 'gate-started', listeners: ['mx'], ip: '::' },
  ]);
  expect(await rowsOf(database, 'SELECT id, action, ledger, facts FROM decisions')).toEqual([
    {
      id: '0123456789abcdef',
      action: 'refuse',
      ledger: [{ sid: 's', seq: 1, at: '1970-01-01 00:00:00.005', weight: 3, what: 'w' }],
      facts: { sum: 7 },
    },
  ]);
  const command = events.find((event) => event.type === 'command' && event.verdict.rule !== undefined);
  if (command?.type !== 'command') throw new Error('there is no verdict with a rule');
  const [row] = await rowsOf(
    database,
    `SELECT toUnixTimestamp64Milli(at) AS at, verb, verdict, reply.code AS code, latencyUs FROM events
     WHERE sid = '${command.sid}' AND seq = ${command.seq}`,
  );
  expect(row).toMatchObject({
    at: command.at,
    verb: command.verb,
    verdict: { action: command.verdict.action, rule: command.verdict.rule },
    code: command.reply?.code,
    latencyUs: command.latencyUs,
  });
});

test('a batch that may be in the store already is inserted once more, and is there once', async () => {
  const database = await newStore();
  const journal = new TestJournal();
  const log = await logOf(someEvents(300).map(recordOf));
  await written({ log, database, journal });
  const count = await countOf(database);
  // As after a crash between the insert and what follows: the journal still says that the batch is to be inserted.
  const before = journal.all.findLast(({ places }) => places.some(({ next, batchEnd }) => batchEnd > next));
  if (before === undefined) throw new Error('no batch was written down');
  journal.kept = before;
  await written({ log, database, journal });
  expect(await countOf(database)).toBe(count);
  expect(await wronglyDerived(database)).toEqual([]);
});

test('a batch that was written down and never inserted is inserted by the next writer', async () => {
  const database = await newStore();
  const journal = new TestJournal();
  const events = someEvents(300);
  const log = await logOf(events.map(recordOf));
  let inserts = 0;
  const dying = inserting(database, (table, lines, token) => {
    if (table === 'events') inserts += 1;
    return inserts > 3 ? Promise.reject(new Error('killed')) : database.insert(table, lines, token);
  });
  await expect(written({ log, database: dying, journal }, 50)).rejects.toThrow('killed');
  expect(await countOf(database)).toBe(150);
  // Batches are cut elsewhere now; the one that was written down keeps its ends.
  await written({ log, database, journal }, 70);
  expect(await countOf(database)).toBe(events.length);
  expect(await wronglyDerived(database)).toEqual([]);
});

test('a new store is filled from the start, whatever the journal of another says', async () => {
  const journal = new TestJournal();
  const events = someEvents(100);
  const log = await logOf(events.map(recordOf));
  await written({ log, database: await newStore(), journal });
  const database = await newStore();
  await written({ log, database, journal });
  expect(await countOf(database)).toBe(events.length);
});

test('without its journal it goes on behind what the database has', async () => {
  const database = await newStore();
  const events = someEvents(200).map(recordOf);
  const log = await logOf(events.slice(0, 300));
  await written({ log, database });
  await append(log, events.slice(300));
  await written({ log, database });
  expect(await countOf(database)).toBe(events.length);
  expect(await wronglyDerived(database)).toEqual([]);
});

test('lines that cannot be read are set aside with their place, told, and hold up nothing', async () => {
  const database = await newStore();
  const events = someEvents(60).map(recordOf);
  const key = events[0]?.key ?? '';
  const [first] = someEvents(1);
  const strange = { ...first, sid: 'no uuid' } as MailEvent;
  const bad = ['no json', '{"v":1}', '{"v":7,"type":"command"}'].map((payload) => ({
    ...started,
    everyPartition: false,
    key,
    payload,
  }));
  const log = await logOf([...events.slice(0, 20), ...bad, { ...recordOf(strange), key }, ...events.slice(20)]);
  const troubles: string[] = [];
  await written({ log, database, troubles });
  await written({ log, database, troubles });
  expect(await countOf(database)).toBe(events.length);
  const aside = await rowsOf<{ reason: string }>(database, 'SELECT reason, line FROM unreadable ORDER BY logOffset');
  expect(aside.map(({ reason }) => reason)).toEqual([
    'not-json',
    'not-an-event',
    'unknown-version',
    expect.stringMatching(/UUID/),
  ]);
  expect(troubles.filter((told) => told.includes('set aside')).map((told) => told.slice(-11))).toEqual([
    '{"count":3}',
    '{"count":1}',
  ]);
  expect(await wronglyDerived(database)).toEqual([]);
});

test('records that left the log before they were stored are told', async () => {
  const database = await newStore();
  const journal = new TestJournal();
  const log = await logOf(someEvents(50).map(recordOf));
  await written({ log, database, journal });
  const troubles: string[] = [];
  const trimmed = changed(log, {
    bounds: async (...place) => {
      const { next } = await log.bounds(...place);
      return { first: next + 5, next: next + 5 };
    },
  });
  await writerOf({ log: trimmed, database, journal, troubles }).begin(never);
  expect(troubles.length).toBeGreaterThan(0);
  expect(troubles[0]).toMatch(/^records left the log before they were in the store .*"missing":\d/);
});

test('what is appended is there within two seconds, and what was read is stored when it is asked to stop', async () => {
  const database = await newStore();
  const events = someEvents(30).map(recordOf);
  const log = await logOf(events);
  const stop = new AbortController();
  const writer = writerOf({ log, database }, 20_000);
  await writer.begin(stop.signal);
  const running = writer.run(stop.signal);
  const begunMs = performance.now();
  await until(
    async () => ((await countOf(database)) === events.length ? true : undefined),
    () => 'the events',
  );
  expect(performance.now() - begunMs).toBeLessThan(2500);
  await append(log, someEvents(31).slice(-3).map(recordOf));
  await new Promise((resolve) => setTimeout(resolve, 200));
  stop.abort();
  await running;
  expect(await countOf(database)).toBe(events.length + 3);
});

test('a database that is away is told once and waited for; a stop ends the wait, and nothing is lost', async () => {
  const database = await newStore();
  const events = someEvents(20).map(recordOf);
  const log = await logOf(events);
  const journal = new TestJournal();
  const troubles: string[] = [];
  let isAway = true;
  const flaky = inserting(database, (table, lines, token) =>
    isAway && table === 'events' ? Promise.resolve(away) : database.insert(table, lines, token),
  );
  const stop = new AbortController();
  const writer = writerOf({ log, database: flaky, journal, troubles });
  await writer.begin(stop.signal);
  const running = writer.catchUp(stop.signal);
  await until(
    async () => (troubles.length > 0 ? true : undefined),
    () => 'the trouble',
  );
  stop.abort();
  await running;
  expect(troubles).toHaveLength(1);
  expect(await countOf(database)).toBe(0);
  isAway = false;
  await written({ log, database, journal });
  expect(await countOf(database)).toBe(events.length);
});

test('what waits for a database that is away when it is asked to stop is inserted by the next writer, all of it', async () => {
  const database = await newStore();
  const events = someEvents(60).map(recordOf);
  const log = await logOf(events);
  const journal = new TestJournal();
  const troubles: string[] = [];
  const gone = inserting(database, (table, lines, token) =>
    table === 'events' ? Promise.resolve(away) : database.insert(table, lines, token),
  );
  const stop = new AbortController();
  const writer = writerOf({ log, database: gone, journal, troubles }, 20_000);
  await writer.begin(stop.signal);
  const running = writer.run(stop.signal);
  await until(
    async () => (troubles.length > 0 ? true : undefined),
    () => 'the trouble',
  );
  stop.abort();
  await running;
  await written({ log, database, journal });
  expect(await countOf(database)).toBe(events.length);
});

test('after an orderly stop nothing stands in the journal as if it were to be inserted', async () => {
  const database = await newStore();
  const journal = new TestJournal();
  await written({ log: await logOf(someEvents(20).map(recordOf)), database, journal });
  expect(journal.kept?.places.filter(({ next, batchEnd }) => next !== batchEnd)).toEqual([]);
});

/** A log that is another one in some of its methods. */
const changed = (log: EventLog, methods: Partial<EventLog>): EventLog => ({
  partitionCount: log.partitionCount,
  append: (records) => log.append(records),
  read: (...from) => log.read(...from),
  follow: (...from) => log.follow(...from),
  bounds: (...place) => log.bounds(...place),
  commit: (...until) => log.commit(...until),
  committed: (...place) => log.committed(...place),
  trim: (...before) => log.trim(...before),
  [Symbol.asyncDispose]: () => Promise.resolve(),
  ...methods,
});

test('the same log with a shorter end is not read once more; what comes in place of what it lost is', async () => {
  const database = await newStore();
  const journal = new TestJournal();
  const events = someEvents(80).map(recordOf);
  const log = await logOf(events);
  await written({ log, database, journal });
  const places = journal.kept?.places ?? [];
  const longest = places.reduce((one, other) => (other.next > one.next ? other : one));
  const cut = longest.next - 3;
  const isCut = (stream: string, partition: number): boolean =>
    stream === longest.stream && partition === longest.partition;
  const shorter = changed(log, {
    bounds: async (stream, partition) => {
      const bounds = await log.bounds(stream, partition);
      return isCut(stream, partition) ? { ...bounds, next: cut } : bounds;
    },
  });
  const troubles: string[] = [];
  await written({ log: shorter, database, journal, troubles });
  expect(troubles).toEqual([]);
  expect(await countOf(database)).toBe(events.length);
  // Three other events take the offsets of those that it lost.
  await written({ log, database, journal });
  expect(await countOf(database)).toBe(events.length + 3);
});

test('a log whose end is a gap is caught up with, and ends', async () => {
  const database = await newStore();
  const events = someEvents(20).map(recordOf);
  const log = await logOf(events);
  const gap = changed(log, {
    bounds: async (...place) => {
      const { first, next } = await log.bounds(...place);
      return { first, next: next + 2 ** 30 };
    },
  });
  await written({ log: gap, database });
  expect(await countOf(database)).toBe(events.length);
});

test('records that leave the log while the writer is behind are told', async () => {
  const database = await newStore();
  const log = await logOf(someEvents(40).map(recordOf));
  const troubles: string[] = [];
  const stop = new AbortController();
  const jumping = changed(log, {
    async *follow(stream, partition, from, signal) {
      for await (const page of log.follow(stream, partition, from, signal))
        yield { ...page, records: page.records.slice(5) };
    },
  });
  const writer = writerOf({ log: jumping, database, troubles });
  await writer.begin(stop.signal);
  const running = writer.run(stop.signal);
  await until(
    async () => (troubles.length > 0 ? true : undefined),
    () => 'the trouble',
  );
  stop.abort();
  await running;
  expect(troubles[0]).toMatch(/^records left the log before they were in the store .*"missing":5\}$/);
});

test('an insert that comes again with other lines is not taken, and says so to nobody: its token is its content', async () => {
  const database = await newStore();
  const [one = '', two = ''] = someEvents(2).map(
    (event) => `{"logPartition":0,"logOffset":1,${encodeEvent(event).slice(1)}`,
  );
  expect(await database.insert('events', [one], 't')).toEqual(ok(undefined));
  expect(await database.insert('events', [two], 't')).toEqual(ok(undefined));
  expect(await countOf(database)).toBe(1);
});
