import { expect, test } from 'vitest';
import { encodeEvent } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import { Forgetter } from '../../events/forgetter.ts';
import { uuidV7 } from '../../lib/uuid-v7.ts';
import { openMemoryLog } from '../../log/io/memory-log.ts';
import { rowsOf as batchRows, tableOf, unreadableRow } from '../../store/batch.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { forgetInHistory, type HistoryForgetting, TEXTS_MAX } from '../../store/io/history-forgetter.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { personalColumns } from '../../store/personal-columns.ts';
import { aDecision } from '../support/decisions.ts';
import { aCommand, aMail, everyEvent } from '../support/events.ts';
import { aForgetting } from '../support/forgetting.ts';
import { rowsOf, TestJournal, wronglyDerived } from '../support/store.ts';
import { testStores } from '../support/test-stores.ts';

const newStore = testStores();

const hash = { from: 'a'.repeat(32), to: 'b'.repeat(32) };
const forgetting = aForgetting({ accounts: [hash, { from: 'anna', to: 'forgotten-account' }] });
const never = new AbortController().signal;

const forget = (database: StoreDatabase, more: Partial<HistoryForgetting> = {}) =>
  forgetInHistory({
    database,
    forgetter: new Forgetter(forgetting),
    isDryRun: false,
    signal: never,
    onColumn: () => undefined,
    ...more,
  });

/** Texts that name her in every way, and some that do not. */
const texts = [
  'anna@example.com',
  'Anna@Example.com',
  '<anna+x@example.com>... User unknown',
  'to=anna@example.com, anna@example.com',
  '"anna"@example.com',
  '"an\\na"@example.com',
  'rfc822;anna+40example.com',
  'http://x.example/?id=anna%40example.com',
  'SRS0=HH=TT=example.com=anna@fwd.example',
  'h:00112233445566aa@example.com',
  'joanna@example.com',
  'anna@example.com.evil.test',
  "it's \\ `anna@example.com` \\'; DROP TABLE events; --",
  'ä anna@example.com',
  'anna',
  '',
];

const sessionOf = (index: number): string => uuidV7(1_750_000_000_000 + index, new Uint8Array(10).fill(index & 0xff));

/** Every event with every text in each of its fields that may hold one, each in a session of its own. */
function someEvents(): readonly MailEvent[] {
  const events = texts.flatMap((text): readonly MailEvent[] => [
    aCommand({ forwardPath: text, heloName: text, parameters: [['ORCPT', text], ['X'], ['AUTH', text]] }),
    aCommand({ reversePath: text, argument: text, mechanism: text, reply: { code: 550, text, from: 'upstream' } }),
    aCommand({ reply: { code: 550, enhanced: '5.1.1', text: `${text} no such user`, from: 'gate' } }),
    aMail({ reversePath: text, reply: { code: 250, text: `ok ${text}`, from: 'upstream' } }),
    ...everyEvent.flatMap((event): readonly MailEvent[] => {
      switch (event.type) {
        case 'auth-attempt':
          return [text, hash.from].map((account) => ({ ...event, account }));
        case 'tls-started':
          return [{ ...event, sni: text }];
        case 'upstream-failed':
          return [{ ...event, reason: text, stage: text }];
        case 'anomaly':
          return [{ ...event, note: text, octetsHex: Buffer.from(text).toString('hex') }];
        case 'config-changed':
          return [{ ...event, faults: ['x', text, ''] }];
        case 'operator-acted':
          return [{ ...event, value: text, by: text, reason: text }];
        default:
          return [];
      }
    }),
  ]);
  return events.map((event, index) =>
    'sid' in event ? { ...event, sid: sessionOf(index), at: event.at + index } : event,
  );
}

/** Fills a store with what becomes of lines. */
async function filled(change: (line: string) => string): Promise<StoreDatabase> {
  const database = await newStore();
  const lines = someEvents().map((event) => change(encodeEvent(event)));
  const events = lines.map((payload, offset) => ({ offset, payload }));
  const decisions = [
    ...texts.map((text, index) => aDecision({ id: `d${index}`, at: index, reason: text, by: text })),
    aDecision({ id: 'hash', at: 1, scope: 'account', value: hash.from }),
    aDecision({ id: 'account', at: 1, scope: 'account', value: 'anna' }),
    aDecision({ id: 'domain', at: 1, scope: 'domain', value: 'anna' }),
  ].map((decision, offset) => ({ offset, payload: change(encodeEvent(decision)) }));
  for (const [stream, records] of [
    ['postern.events', events],
    ['postern.decisions', decisions],
  ] as const) {
    const batch = { stream, partition: 0, epoch: 'e', first: 0, next: records.length };
    const inserted = await database.insert(tableOf[stream], batchRows(batch, records), `t-${stream}`);
    expect(inserted).toMatchObject({ ok: true });
  }
  const unreadable = events.map((record) => unreadableRow('postern.events', 0, record, 'unknown-type'));
  expect(await database.insert('unreadable', unreadable, 'u')).toMatchObject({ ok: true });
  return database;
}

const stored = ['events', 'sessions', 'mails', 'decisions', 'unreadable'];
const allRows = async (database: StoreDatabase): Promise<Record<string, readonly unknown[]>> => {
  const rows: Record<string, readonly unknown[]> = {};
  for (const table of stored) rows[table] = await rowsOf(database, `SELECT * FROM ${table} ORDER BY ALL`);
  return rows;
};
/** Rows of a table in an order that does not depend on what was replaced. */
const sorted = (rows: readonly unknown[] = []): readonly string[] => rows.map((row) => JSON.stringify(row)).sort();

test('the history forgets what a line of the log forgets, in every column, and nothing else', async () => {
  const line = new Forgetter(forgetting);
  const before = await filled((each) => each);
  const expected = await allRows(await filled((each) => line.line(each)));
  const was = await allRows(before);
  const told: (readonly [number, number])[] = [];
  const changed = await forget(before, { onColumn: (done, total) => void told.push([done, total]) });
  const is = await allRows(before);
  for (const table of stored.filter((each) => each !== 'unreadable')) {
    expect(sorted(is[table])).toEqual(sorted(expected[table]));
    expect(sorted(is[table])).not.toEqual(sorted(was[table]));
  }
  expect(changed).toMatchObject({ ok: true });
  if (!changed.ok) return;
  for (const table of stored) {
    const differing = was[table]?.filter((row) => !sorted(is[table]).includes(JSON.stringify(row)));
    expect(changed.value[table]).toBe(differing?.length);
  }
  expect(JSON.stringify(is['unreadable'])).not.toMatch(/[^a-z]anna(?:\+x)?(?:@|%40|\+40)example\.com(?!\.evil)/i);
  expect(await wronglyDerived(before)).toEqual([]);
  expect(told.at(-1)).toEqual([personalColumns.length, personalColumns.length]);
  expect(await forget(before)).toEqual({ ok: true, value: {} });
});

test('nothing of it is left in the statements and tables of the database; sums are as before', async () => {
  const database = await filled((line) => line);
  const sums = ['traffic_by_minute', 'verdicts_by_minute', 'sources_by_hour'];
  const before = await Promise.all(sums.map((table) => rowsOf(database, `SELECT * FROM ${table} ORDER BY ALL`)));
  expect(await forget(database)).toMatchObject({ ok: true });
  expect(await Promise.all(sums.map((table) => rowsOf(database, `SELECT * FROM ${table} ORDER BY ALL`)))).toEqual(
    before,
  );
  const mutations = await rowsOf<{ command: string }>(
    database,
    'SELECT command FROM system.mutations WHERE database = currentDatabase()',
  );
  expect(mutations.length).toBeGreaterThan(2);
  expect(JSON.stringify(mutations)).not.toMatch(/anna/i);
  expect(
    await rowsOf(database, "SELECT name FROM system.tables WHERE database = currentDatabase() AND name = 'forgetting'"),
  ).toEqual([]);
});

test('a dry run counts the same rows and changes none', async () => {
  const database = await filled((line) => line);
  const was = await allRows(database);
  const counted = await forget(database, { isDryRun: true });
  expect(await allRows(database)).toEqual(was);
  expect(await forget(database)).toEqual(counted);
  expect(counted).toMatchObject({ ok: true, value: { events: expect.any(Number), decisions: expect.any(Number) } });
});

test('more texts than one mutation takes are replaced by several', async () => {
  const database = await newStore();
  const count = TEXTS_MAX + 3000;
  const lines = Array.from({ length: count }, (_, index) =>
    encodeEvent({
      ...aCommand({ reply: { code: 550, text: `<anna@example.com> unknown ${index}`, from: 'upstream' } }),
      sid: sessionOf(index),
    }),
  );
  const rows = batchRows(
    { stream: 'postern.events', partition: 0, epoch: 'e', first: 0, next: count },
    lines.map((payload, offset) => ({ offset, payload })),
  );
  expect(await database.insert('events', rows, 't')).toMatchObject({ ok: true });
  expect(await forget(database)).toEqual({ ok: true, value: { events: count } });
  expect(
    await rowsOf(database, "SELECT count() AS count, countIf(position(reply.text, 'anna') > 0) AS left FROM events"),
  ).toEqual([{ count, left: 0 }]);
});

test('it stops when it is told to, and is done as a whole the next time', async () => {
  const database = await filled((line) => line);
  const stopping = new AbortController();
  const stopped = await forget(database, {
    signal: stopping.signal,
    onColumn: (done) => {
      if (done === 3) stopping.abort();
    },
  });
  expect(stopped).toMatchObject({ ok: false, error: { kind: 'stopped' } });
  expect(await forget(database)).toMatchObject({ ok: true });
  expect(JSON.stringify(await allRows(database))).not.toMatch(/[^a-z]anna@example\.com(?!\.evil)/i);
});

test('what the writer has read already goes into the store without the person', async () => {
  const database = await newStore();
  const log = openMemoryLog({ partitionCount: 1 });
  const append = async (heloName: string): Promise<void> => {
    await log.append([{ stream: 'postern.events', key: 'k', payload: encodeEvent(aCommand({ heloName })) }]);
  };
  const journal = new TestJournal();
  const writer = new StoreWriter({ log, database, journal, listener: { trouble: () => undefined } });
  await writer.begin(never);
  await append('anna@example.com');
  const forgetter = new Forgetter(forgetting);
  const stop = new AbortController();
  const ran = writer.run(stop.signal);
  // It has the record in its hands, and waits for more of them.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await writer.changeRead((line) => forgetter.line(line));
  // Later mail is no matter of an earlier wish.
  await append('ANNA@example.com');
  await expect
    .poll(
      async () =>
        (await rowsOf<{ heloName: string }>(database, 'SELECT heloName FROM events ORDER BY logOffset')).map(
          (row) => row.heloName,
        ),
      { timeout: 10_000 },
    )
    .toEqual(['forgotten-qwertyuiopasdfgh@example.com', 'ANNA@example.com']);
  stop.abort();
  await ran;
});

/** Columns of text that can name nobody: words of ours, names of the configuration, domains and network addresses, hashes of bodies. */
const impersonal: Readonly<Record<string, readonly string[]>> = {
  events: [
    ...['type', 'site', 'gate', 'listener', 'role', 'sourceClass', 'observed', 'verb', 'verdict', 'outcome', 'leg'],
    ...[
      'version',
      'cipher',
      'alpn',
      'phase',
      'domains',
      'bodySha256',
      'kind',
      'severity',
      'closedBy',
      'rule',
      'action',
    ],
    ...['configHash', 'listeners', 'act', 'counts', 'originLog'],
  ],
  sessions: ['site', 'gate', 'listener', 'role', 'sourceClass', 'rules', 'outcome', 'closedBy', 'closingRule'],
  mails: ['site', 'gate', 'listener', 'domains', 'outcome', 'bodySha256'],
  decisions: [
    ...['type', 'site', 'id', 'scope', 'roles', 'origin', 'scenario', 'action', 'configHash', 'standing', 'ledger'],
    ...['counter', 'facts', 'held', 'originLog'],
  ],
  unreadable: ['stream'],
  traffic_by_minute: ['gate', 'listener', 'type', 'verb', 'outcome'],
  verdicts_by_minute: ['gate', 'listener', 'action', 'rule'],
  latency_by_minute: ['gate', 'verb'],
  countries_of_sources: ['country'],
};

test('every column of the schema that holds text is looked at, or is known to name nobody', async () => {
  const database = await newStore();
  const columns = await rowsOf<{ table: string; name: string }>(
    database,
    `SELECT table, name FROM system.columns WHERE database = currentDatabase() AND position(type, 'String') > 0
     AND table NOT IN ('schema_steps', 'store_identity') AND NOT endsWith(table, '_from_events')`,
  );
  const looked = personalColumns.map(({ table, column }) => `${table}.${column.replaceAll('`', '')}`);
  const known = Object.entries(impersonal).flatMap(([table, names]) => names.map((name) => `${table}.${name}`));
  expect(columns.map(({ table, name }) => `${table}.${name}`).sort()).toEqual([...looked, ...known].sort());
});
