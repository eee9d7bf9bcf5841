import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  ClickHouseLogLevel,
  createClient,
} from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepare } from '../../cli/io/open-store.ts';
import { dashboards } from '../../dashboards/all.ts';
import { expandMacros } from '../../dashboards/macros.ts';
import { Forgetter } from '../../events/forgetter.ts';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { StoreDatabase, StoreFault } from '../../store/database.ts';
import { chdb } from '../../store/io/chdb.ts';
import { forgetInHistory } from '../../store/io/history-forgetter.ts';
import { aCommand } from '../support/events.ts';
import { aForgetting } from '../support/forgetting.ts';
import { configFileOf, configIn, textOf } from '../support/packaging.ts';

/** Are the rights that docker-compose.yml gives at ClickHouse enough, and no more? As roles of the embedded engine, which has one user. */
const users = textOf('packaging/compose/clickhouse/users.xml');
const grantsOf = (user: string): string => new RegExp(`<${user}>[^]*?(<grants>[^]*?</grants>)`).exec(users)?.[1] ?? '';
const roles = ['postern_store', 'postern_reader', 'grafana'] as const;

const accessOf = (path: string): string => `<clickhouse>
  <user_directories><users_xml><path>${path}</path></users_xml></user_directories>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <roles>${roles.map((role) => `<${role}>${grantsOf(role)}</${role}>`).join('')}</roles>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT ${roles.join(', ')}</query></grants>
    </default>
  </users>
</clickhouse>`;

const directory = mkdtempSync(join(tmpdir(), 'postern-rights-'));
let client: ClickHouseClient;

async function tried<T>(work: () => Promise<T>): Promise<Result<T, StoreFault>> {
  try {
    return ok(await work());
  } catch (error) {
    return err({ kind: 'refused', code: 0, message: messageOf(error) });
  }
}

const database: StoreDatabase = {
  command: (sql) =>
    tried(async () => {
      await client.command({ query: sql });
      return undefined;
    }),
  query: <Row>(sql: string, parameters = {}) =>
    tried(async () =>
      (await client.query({ query: sql, format: 'JSONEachRow', query_params: { ...parameters } })).json<Row>(),
    ),
  insert: (table, lines, token) =>
    database.command(
      `INSERT INTO ${table} SETTINGS insert_deduplication_token = '${token}' FORMAT JSONEachRow\n${lines.join('\n')}`,
    ),
  settled: async () => ok(database),
  copies: async () => ok([database]),
  [Symbol.asyncDispose]: () => client.close(),
};

/** What came of each statement, as a role. */
async function as(role: (typeof roles)[number], ...statements: readonly string[]): Promise<readonly string[]> {
  const told: string[] = [];
  for (const statement of [`SET ROLE ${role}`, ...statements]) {
    const done = await database.command(statement);
    told.push(
      done.ok ? 'done' : (/Not enough privileges|.*/.exec(done.error.message.replace(/^default: /, ''))?.[0] ?? ''),
    );
  }
  return told.slice(1);
}

const refused = 'Not enough privileges';

beforeAll(async () => {
  if (!chdb.ok) throw new Error(chdb.error);
  const { Session, createChdbConnection } = chdb.value;
  const file = join(directory, 'access.xml');
  writeFileSync(file, accessOf(file));
  // The first connection of the process decides what the engine's users may do.
  const first = new Session(directory, { connectionArgs: [`--config-file=${file}`] });
  const connection = createChdbConnection({ path: directory }) as unknown as NonNullable<
    ClickHouseClientConfigOptions['connection']
  >;
  client = createClient({ connection, log: { level: ClickHouseLogLevel.OFF } });
  first.close();
});
afterAll(async () => {
  await client.close();
  rmSync(directory, { recursive: true, force: true });
});

test('the store makes its database and tables, keeps to how long they are kept, and fills them', async () => {
  expect(await as('postern_store', 'CREATE DATABASE IF NOT EXISTS postern', 'USE postern')).toEqual(['done', 'done']);
  const prepared = await prepare(database, configIn(configFileOf('store')));
  expect(prepared).toEqual(ok(undefined));
  // A release that comes later does it once more.
  expect(await prepare(database, configIn(configFileOf('store')))).toEqual(ok(undefined));
  const event = { ...aCommand({ at: Date.now() }), logPartition: 0, logOffset: 1 };
  expect(await database.insert('events', [JSON.stringify(event)], 'one')).toEqual(ok(undefined));
  const derived = await database.query('SELECT sum(events) AS events FROM traffic_by_minute');
  expect(derived).toEqual(ok([{ events: 1 }]));
});

test('the store forgets whom it is told to', async () => {
  const event = { ...aCommand({ at: Date.now(), forwardPath: 'anna@example.com' }), logPartition: 0, logOffset: 2 };
  expect(await database.insert('events', [JSON.stringify(event)], 'two')).toEqual(ok(undefined));
  const forgotten = await forgetInHistory({
    database,
    forgetter: new Forgetter(aForgetting()),
    isDryRun: false,
    signal: new AbortController().signal,
    onColumn: () => undefined,
  });
  expect(forgotten).toMatchObject(ok({ events: 1 }));
  // What it does with one that cannot be done.
  expect(await as('postern_store', "KILL MUTATION WHERE database = 'postern' SYNC")).toEqual(['done']);
});

test('the store empties its database for a rebuild', async () => {
  const names = await database.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = 'postern' ORDER BY engine != 'MaterializedView', name`,
  );
  if (!names.ok) throw new Error(names.error.message);
  expect(names.value.length).toBeGreaterThan(10);
  const drops = names.value.map(({ name }) => `DROP TABLE IF EXISTS ${name} SYNC SETTINGS max_table_size_to_drop = 0`);
  expect(new Set(await as('postern_store', ...drops))).toEqual(new Set(['done']));
  expect(await prepare(database, configIn(configFileOf('store')))).toEqual(ok(undefined));
});

test('the store has no right to anything else', async () => {
  const told = await as(
    'postern_store',
    'CREATE DATABASE other',
    'DROP DATABASE postern',
    'ALTER TABLE events DELETE WHERE 1',
    'ALTER TABLE events DROP COLUMN ip',
    'CREATE USER somebody',
    "SELECT * FROM url('http://127.0.0.1:1/')",
    "INSERT INTO FUNCTION file('x') SELECT 1",
  );
  expect(new Set(told)).toEqual(new Set([refused]));
});

test.each(['postern_reader', 'grafana'] as const)('%s reads every panel, and does nothing else', async (reader) => {
  const range = { fromMs: Date.now() - 3_600_000, toMs: Date.now(), intervalMs: 60_000, values: {} };
  const panels = dashboards.flatMap(({ panels: all }) => all.map(({ sql }) => expandMacros(sql, range)));
  const statements = panels.flatMap((each) => (each.ok ? [`SELECT * FROM (${each.value})`] : []));
  expect(statements.length).toBeGreaterThan(40);
  expect(new Set(await as(reader, ...statements))).toEqual(new Set(['done']));
  const told = await as(
    reader,
    "INSERT INTO store_identity VALUES ('mine')",
    'DROP TABLE events',
    'CREATE TABLE mine (a Int8) ENGINE = Memory',
    'ALTER TABLE events MODIFY TTL toDateTime(at) + INTERVAL 1 DAY',
    "SELECT * FROM url('http://127.0.0.1:1/')",
    'SELECT * FROM system.users',
    'TRUNCATE TABLE events',
  );
  expect(new Set(told)).toEqual(new Set([refused]));
});
