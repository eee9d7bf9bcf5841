import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import type { Config } from '../../cli/config/schema.ts';
import { prepare } from '../../cli/io/open-store.ts';
import { alertRules } from '../../dashboards/alerts.ts';
import { dashboards } from '../../dashboards/all.ts';
import { expandMacros } from '../../dashboards/macros.ts';
import { Forgetter } from '../../events/forgetter.ts';
import { ok } from '../../lib/result.ts';
import type { Batch } from '../../store/batch.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { ROWS_MAX } from '../../store/history.ts';
import { openClickHouse } from '../../store/io/clickhouse-database.ts';
import { ClickHouseHistory } from '../../store/io/clickhouse-history.ts';
import { forgetInHistory } from '../../store/io/history-forgetter.ts';
import { Mender } from '../../store/io/mender.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { ACTS, fillWhileKilling, KILLS, SEED } from '../support/clickhouse/killing.ts';
import { linesOf, logOf, someEvents } from '../support/clickhouse/past.ts';
import {
  ClickHouseServer,
  composePasswords,
  describeClickHouse,
  usersOfCompose,
} from '../support/clickhouse/server.ts';
import { aDecision } from '../support/decisions.ts';
import { aCommand, aMail, everyEvent } from '../support/events.ts';
import { aForgetting } from '../support/forgetting.ts';
import { configFileOf, configIn } from '../support/packaging.ts';
import { Postern, postern, until } from '../support/postern.ts';
import { Site } from '../support/site.ts';
import { TestJournal, wronglyDerived } from '../support/store.ts';

const HOUR_MS = 3_600_000;
/** Half a century: times of ClickHouse end in 2106. */
const KEPT_DAYS = 18_000;

const never = new AbortController().signal;
const passwordOf = {
  postern_store: composePasswords.CLICKHOUSE_STORE_PASSWORD,
  postern_reader: composePasswords.CLICKHOUSE_READER_PASSWORD,
  grafana: composePasswords.CLICKHOUSE_GRAFANA_PASSWORD,
} as const;
type User = keyof typeof passwordOf;

const options = { users: usersOfCompose(), environment: composePasswords };

async function aServer(): Promise<ClickHouseServer> {
  const server = await ClickHouseServer.start(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const packaged = configIn(configFileOf('store'));
/** Events of tests have times of their own, and rows that are too old are not taken at all. */
const lasting: Config = {
  ...packaged,
  store: { ...packaged.store, eventsKeptDays: KEPT_DAYS, summariesKeptDays: KEPT_DAYS },
};

/** The database, open as the store opens it, with its schema. */
async function storeOn({ url }: ClickHouseServer, config = lasting): Promise<StoreDatabase> {
  const login = { url, username: 'postern_store', password: passwordOf.postern_store };
  const opened = await openClickHouse(login, 'postern');
  if (!opened.ok) throw new Error(opened.error.message);
  onTestFinished(() => opened.value[Symbol.asyncDispose]());
  expect(await prepare(opened.value, config)).toEqual(ok(undefined));
  return opened.value;
}

/** What a user is told, over HTTP as any client asks. */
async function asUser(
  { url }: ClickHouseServer,
  user: User,
  sql: string,
  password: string = passwordOf[user],
): Promise<string> {
  const answer = await fetch(`${url}/?database=postern`, {
    method: 'POST',
    body: sql,
    headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
  });
  return answer.text();
}

async function insert(database: StoreDatabase, table: string, lines: readonly string[], token: string): Promise<void> {
  expect(await database.insert(table, lines, token)).toEqual(ok(undefined));
}

describeClickHouse('a server of ClickHouse', () => {
  test('the store makes its schema, and keeps events as long as it is told to', async () => {
    const server = await aServer();
    const database = await storeOn(server, packaged);
    // A release that comes later does it once more.
    expect(await prepare(database, packaged)).toEqual(ok(undefined));
    const { eventsKeptDays } = packaged.store;
    const [table] = await server.rows<{ definition: string }>(
      "SELECT create_table_query AS definition FROM system.tables WHERE database = 'postern' AND name = 'events'",
    );
    expect(table?.definition).toContain(`TTL toDateTime(at) + toIntervalDay(${eventsKeptDays})`);
    const tooOld = Date.now() - (eventsKeptDays + 1) * 24 * HOUR_MS;
    await insert(database, 'events', linesOf([aCommand({ at: Date.now() }), aMail({ at: tooOld })]), 'one');
    expect(await server.query('SELECT type FROM postern.events')).toBe('command\n');
    expect(await server.query('SELECT sum(events) FROM postern.traffic_by_minute')).toBe('2\n');
  });

  test('each user may do what it is for, and nothing else', async () => {
    const server = await aServer();
    const database = await storeOn(server);
    await server.query('CREATE DATABASE other');
    await server.query('CREATE TABLE other.secrets (a Int8) ENGINE = MergeTree ORDER BY a');
    await insert(database, 'events', linesOf([aCommand({ at: Date.now() })]), 'one');
    const nobodys = [
      'CREATE DATABASE mine',
      'DROP DATABASE postern',
      'SELECT * FROM other.secrets',
      'SELECT * FROM system.users',
      'SELECT * FROM system.query_log',
      "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a Int8')",
      "SELECT * FROM file('/etc/passwd', 'LineAsString')",
      "INSERT INTO FUNCTION file('x') SELECT 1",
      "CREATE USER somebody IDENTIFIED BY 'x'",
      'SYSTEM SHUTDOWN',
      'ALTER TABLE events DELETE WHERE 1',
      'TRUNCATE TABLE events',
    ];
    const readersNeither = [
      "INSERT INTO store_identity VALUES ('mine')",
      'DROP TABLE events',
      'CREATE TABLE mine (a Int8) ENGINE = Memory',
      "ALTER TABLE events UPDATE heloName = '' WHERE 1",
      'ALTER TABLE events MODIFY TTL toDateTime(at) + INTERVAL 1 DAY',
      'SYSTEM SYNC REPLICA events',
      'KILL MUTATION WHERE 1',
    ];
    const told: string[] = [];
    const refusal = /ACCESS_DENIED|UNKNOWN_TABLE|UNKNOWN_DATABASE/;
    for (const [user, statements] of [
      ['postern_store', nobodys],
      ['postern_reader', [...nobodys, ...readersNeither]],
      ['grafana', [...nobodys, ...readersNeither]],
    ] as const) {
      expect(await asUser(server, user, 'SELECT count() FROM events')).toBe('1\n');
      for (const statement of statements) {
        const answer = await asUser(server, user, statement);
        if (!refusal.test(answer)) told.push(`${user}: ${statement}: ${answer}`);
      }
    }
    expect(told).toEqual([]);
    expect(await server.query('SELECT count() FROM postern.events')).toBe('1\n');
    for (const user of ['postern_store', 'postern_reader', 'grafana'] as const)
      for (const password of ['', 'wrong', passwordOf[user].toUpperCase()])
        expect(await asUser(server, user, 'SELECT 1', password)).toMatch(/AUTHENTICATION_FAILED/);
  });

  test('a question of a reader costs no more than its profile says, whatever it asks for', async () => {
    const server = await aServer();
    await storeOn(server);
    for (const user of ['postern_reader', 'grafana'] as const) {
      for (const setting of ['max_memory_usage = 2000000000', 'max_memory_usage = 0', 'max_threads = 16'])
        expect(await asUser(server, user, `SELECT 1 SETTINGS ${setting}`)).toMatch(/SETTING_CONSTRAINT_VIOLATION/);
      expect(await asUser(server, user, 'SELECT 1 SETTINGS max_execution_time = 100, max_threads = 1')).toBe('1\n');
      expect(await asUser(server, user, 'SELECT length(groupArray(number)) FROM numbers(1000000000)')).toMatch(
        /MEMORY_LIMIT_EXCEEDED/,
      );
    }
  });

  test('the same token twice changes nothing, after a kill neither', async () => {
    const server = await aServer();
    const database = await storeOn(server);
    const lines = linesOf(someEvents(200));
    const count = async (): Promise<number> => {
      // Sums would say it as well, since a scan has each event as often as it is there.
      expect(await wronglyDerived(database)).toEqual([]);
      return Number(await server.query('SELECT count() FROM postern.events'));
    };
    for (const isKilled of [false, false, true, true]) {
      if (isKilled) {
        await server.kill();
        await server.restart();
      }
      await insert(database, 'events', lines, 'the token');
      expect(await count()).toBe(lines.length);
    }
    await insert(database, 'events', lines, 'another token');
    expect(await count()).toBe(2 * lines.length);
  });

  test('what a kill took out of a table is put in with the rights of the store', async () => {
    const server = await aServer();
    const database = await storeOn(server);
    const events = someEvents(200);
    const log = await logOf(events);
    const batches: Batch[] = [];
    const told: string[] = [];
    const listener = {
      trouble: (_: string, details: object) => told.push(JSON.stringify(details)),
      stored: (batch: Batch) => batches.push(batch),
    };
    const writer = new StoreWriter({ log, database, journal: new TestJournal(), listener });
    await writer.begin(never);
    await writer.catchUp(never);
    for (const table of ['events', 'latency_by_minute']) await server.query(`TRUNCATE TABLE postern.${table}`);
    for (const batch of batches) {
      const { records } = await log.read(batch.stream, batch.partition, batch.first, batch.next - batch.first);
      expect(await new Mender(database, listener).mend(batch, records)).toEqual(ok(undefined));
    }
    expect(told.toSorted()).toEqual(
      [0, 1].flatMap((partition) =>
        ['events', 'latency_by_minute'].map((table) =>
          expect.stringMatching(new RegExp(`"partition":${partition},.*"table":"${table}"`)),
        ),
      ),
    );
    expect(await server.query('SELECT count() FROM postern.events')).toBe(`${events.length}\n`);
    expect(await wronglyDerived(database)).toEqual([]);
  });

  test(
    'a server that is killed in the middle of inserts has every event once, and all that is derived with it',
    async () => {
      const server = await aServer();
      const database = await storeOn(server);
      const events = someEvents(ACTS);
      const { kills, told } = await fillWhileKilling(database, [server], await logOf(events));
      const seed = `CLICKHOUSE_SEED=${SEED}, ${told.filter((what) => what.startsWith('what the database lost')).length} tables mended`;
      expect(kills, seed).toHaveLength(KILLS);
      expect(kills, seed).toContain(false);
      const counted = await server.query('SELECT count(), uniqExact(logPartition, logOffset) FROM postern.events');
      expect(counted, seed).toBe(`${events.length}\t${events.length}\n`);
      expect(await wronglyDerived(database), seed).toEqual([]);
      if (KILLS > 20) console.log(seed);
    },
    120_000 + KILLS * 6000,
  );

  test('the console asks as a reader, within limits; it says that the server is away, and asks again when it is back', async () => {
    const server = await aServer();
    const database = await storeOn(server);
    const at = Date.now();
    await insert(database, 'events', linesOf([aCommand({ heloName: 'ä', at })]), 'one');
    const historyWith = (password: string): ClickHouseHistory => {
      const login = { url: server.url, username: 'postern_reader', password, database: 'postern' };
      const history = new ClickHouseHistory(() => ok(login));
      onTestFinished(() => history[Symbol.asyncDispose]());
      return history;
    };
    const history = historyWith(passwordOf.postern_reader);
    const answer = {
      ok: true,
      value: {
        columns: [
          { name: 'heloName', type: 'String' },
          { name: 'at', type: "DateTime64(3, 'UTC')" },
          { name: 'count', type: 'UInt64' },
        ],
        rows: [['ä', new Date(at).toISOString(), 1]],
        isCut: false,
      },
    };
    const ask = () =>
      history.ask('SELECT heloName, at, count() AS count FROM events WHERE verb = {verb:String} GROUP BY ALL', {
        verb: 'RCPT',
      });
    expect(await ask()).toEqual(answer);
    const cut = await history.ask('SELECT number FROM numbers(1000000)');
    expect(cut.ok && [cut.value.rows.length, cut.value.isCut]).toEqual([ROWS_MAX, true]);
    for (const [statement, reason] of [
      ['SELECT * FROM system.users', /Not enough privileges/],
      [
        'SELECT length(groupArray(number)) FROM numbers(1000000000) SETTINGS max_memory_usage = 0',
        /memory limit exceeded/,
      ],
      ['SELECT 1) FORMAT CSV --', /Syntax error/],
    ] as const)
      expect(await history.ask(statement)).toEqual({
        ok: false,
        error: { kind: 'refused', text: expect.stringMatching(reason) },
      });
    const stranger = historyWith('wrong');
    expect(await stranger.ask('SELECT 1')).toEqual({
      ok: false,
      error: { kind: 'away', text: expect.stringContaining('does not take our password') },
    });

    await server.kill();
    expect(await history.isThere()).toBe(false);
    expect(await ask()).toEqual({
      ok: false,
      error: { kind: 'away', text: expect.stringContaining('does not answer') },
    });
    await server.restart();
    expect(await ask()).toEqual(answer);
    expect(await history.isThere()).toBe(true);
    // Away in the middle of an answer.
    const asked = history.ask('SELECT sum(cityHash64(number)) FROM numbers(100000000000)');
    await setTimeout(500);
    await server.kill();
    expect(await asked).toMatchObject({ ok: false, error: { kind: 'away' } });
  });

  test('a question that takes too long is ended', async () => {
    const server = await aServer();
    await storeOn(server);
    const login = { url: server.url, username: 'postern_reader', password: passwordOf.postern_reader };
    await using history = new ClickHouseHistory(() => ok({ ...login, database: 'postern' }));
    const begunMs = performance.now();
    const statement = 'SELECT sum(cityHash64(number)) FROM numbers(100000000000) SETTINGS max_execution_time = 1000';
    expect(await history.ask(statement)).toEqual({
      ok: false,
      error: { kind: 'refused', text: expect.stringMatching(/Timeout exceeded/) },
    });
    expect(performance.now() - begunMs).toBeLessThan(30_000);
  });

  test('the store forgets whom it is told to, and no statement that the server keeps names the person', async () => {
    const server = await aServer();
    const database = await storeOn(server);
    const events = [
      aCommand({ at: Date.now(), forwardPath: 'anna@example.com' }),
      aCommand({ at: Date.now(), forwardPath: 'otto@example.com', seq: 1 }),
      aMail({ at: Date.now(), reversePath: 'anna@example.com', seq: 2 }),
    ];
    await insert(database, 'events', linesOf(events), 'one');
    const forget = () =>
      forgetInHistory({
        database,
        forgetter: new Forgetter(aForgetting()),
        isDryRun: false,
        signal: never,
        onColumn: () => undefined,
      });
    expect(await forget()).toMatchObject(ok({ events: 2, mails: 1 }));
    expect(await server.rows('SELECT forwardPath, reversePath FROM postern.events ORDER BY logOffset')).toEqual([
      { forwardPath: 'forgotten-qwertyuiopasdfgh@example.com', reversePath: '' },
      { forwardPath: 'otto@example.com', reversePath: '' },
      { forwardPath: '', reversePath: 'forgotten-qwertyuiopasdfgh@example.com' },
    ]);
    const mutations = await server.query("SELECT command, is_done FROM system.mutations WHERE database = 'postern'");
    expect(mutations).toMatch(/UPDATE/);
    expect(mutations).not.toMatch(/anna/i);
    expect(await server.query("SELECT name FROM system.tables WHERE name = 'forgetting'")).toBe('');
    expect(await wronglyDerived(database)).toEqual([]);
    expect(await forget()).toEqual(ok({}));
  });

  test('postern store waits for a server that is away, fills it, and ends when it is told to; it fills it anew', async () => {
    const server = await ClickHouseServer.prepare(options);
    onTestFinished(() => server[Symbol.asyncDispose]());
    const site = await Site.open();
    await site.start();
    for (let count = 0; count < 3; count += 1) expect(await site.send()).toBe(250);
    const file = join(site.folder, 'store.yaml');
    const password = { env: 'CLICKHOUSE_STORE_PASSWORD' };
    const store = { kind: 'clickhouse', url: server.url, username: 'postern_store', password };
    writeFileSync(file, stringify({ ...site.config, store }));
    const args = ['--config', file];
    const running = new Postern(['store', ...args], { env: composePasswords });
    const { fault } = await running.line('the ClickHouse server cannot be used yet');
    expect(fault).toMatch(new RegExp(`^${server.url}: .*ECONNREFUSED`));
    await server.restart();
    await running.line('the store keeps the history');
    expect(await site.send()).toBe(250);
    const mails = async () =>
      Number(await server.query("SELECT count() FROM postern.mails WHERE outcome = 'accepted'"));
    const arrived = (count: number) =>
      until(
        async () => ((await mails()) === count ? true : undefined),
        () => `${count} messages in the history:\n${running.stderr}`,
      );
    await arrived(4);
    await server.kill();
    expect(await site.send()).toBe(250);
    await running.line('the store does not take events; they wait in the log, as long as it keeps them');
    await server.restart();
    await arrived(5);
    expect(await site.process.stop()).toBe(0);
    const events = await site.events();
    await until(
      async () =>
        Number(await server.query('SELECT count() FROM postern.events')) === events.length ? true : undefined,
      () => 'every event',
    );
    expect(await running.stop()).toBe(0);

    const rebuilt = await postern(['store', '--rebuild', ...args], { env: composePasswords });
    expect([rebuilt.code, rebuilt.stderr]).toEqual([0, '']);
    expect(Number(await server.query('SELECT count() FROM postern.events'))).toBe(events.length);
    expect(await wronglyDerived(await storeOn(server))).toEqual([]);
  });

  test('a password that the server does not take is told by postern store, without the password', async () => {
    const server = await aServer();
    const site = await Site.open();
    await site.start();
    const file = join(site.folder, 'store.yaml');
    const store = { kind: 'clickhouse', url: server.url, username: 'postern_store', password: { env: 'WRONG' } };
    writeFileSync(file, stringify({ ...site.config, store }));
    const running = new Postern(['store', '--config', file], { env: { WRONG: 'not-the-right-one' } });
    const { fault } = await running.line('the ClickHouse server cannot be used yet');
    expect(fault).toMatch(/postern_store: Authentication failed/);
    expect(running.stderr).not.toContain('not-the-right-one');
    expect(await running.stop()).toBe(0);
  });

  test('every statement of the dashboards runs as Grafana asks it', async () => {
    const server = await aServer();
    const database = await storeOn(server);
    const now = Date.now();
    const events = [...someEvents(600), ...everyEvent.map((event) => ({ ...event, at: now }))];
    await insert(database, 'events', linesOf(events), 'events');
    const decision = aDecision({ at: now, until: now + HOUR_MS });
    await insert(database, 'decisions', [JSON.stringify({ ...decision, logPartition: 0, logOffset: 0 })], 'decisions');
    const [probe] = await server.rows<{ sid: string; ip: string }>(
      "SELECT sid, replaceOne(toString(ip), '::ffff:', '') AS ip FROM postern.sessions LIMIT 1",
    );
    const range = { fromMs: now - 24 * HOUR_MS, toMs: now + 1000, intervalMs: 60_000 };
    let answered = 0;
    for (const { panels, variables, uid } of dashboards) {
      for (const values of [{}, { sid: probe?.sid ?? '', ip: probe?.ip ?? '', gate: 'gate-1', listener: 'mx' }]) {
        for (const { id, sql, columns } of panels) {
          const statement = expandMacros(sql, { ...range, values });
          if (!statement.ok) throw new Error(statement.error);
          const answer = await asUser(server, 'grafana', `SELECT * FROM (${statement.value}) FORMAT JSONCompact`);
          expect(answer, `${uid} ${id}`).toMatch(/^\{/);
          const { meta, rows } = JSON.parse(answer) as { meta: { name: string; type: string }[]; rows: number };
          expect(meta, `${uid} ${id}`).toEqual(columns.map(({ name, type }) => ({ name, type })));
          if (rows > 0) answered += 1;
        }
      }
      for (const variable of variables) {
        if (variable.kind !== 'choice') continue;
        const statement = expandMacros(variable.sql, { ...range, values: {} });
        if (!statement.ok) throw new Error(statement.error);
        expect(await asUser(server, 'grafana', statement.value)).not.toMatch(/^Code: /);
      }
    }
    expect(answered).toBeGreaterThan(50);
    for (const { sql, uid } of alertRules) {
      const answer = await asUser(server, 'grafana', `SELECT * FROM (${sql}) FORMAT JSONCompact`);
      expect(JSON.parse(answer), uid).toMatchObject({ rows: 1 });
    }
  });
});
