import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { err, ok } from '../../lib/result.ts';
import { type Countries, readCountries } from '../../store/countries.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { CountryKeeper } from '../../store/io/country-keeper.ts';
import { retentionStatements } from '../../store/retention.ts';
import { inCountry, mmdbOf } from '../support/mmdb.ts';
import { openTestStore, rowsOf } from '../support/store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** As long as a walk is under way the next slice is so near, milliseconds. */
const UNDER_WAY_MS = 1000;
const nowMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;

const directory = mkdtempSync(join(tmpdir(), 'postern-countries-'));
let database: StoreDatabase;
let troubles: string[];
let keeper: CountryKeeper;
const stores: StoreDatabase[] = [];

const keeperOf = (store: StoreDatabase, sliceRows?: number): CountryKeeper =>
  new CountryKeeper(store, { trouble: (what) => troubles.push(what) }, sliceRows);

beforeEach(async () => {
  database = await openTestStore(directory, `test_${stores.length}`);
  stores.push(database);
  troubles = [];
  keeper = keeperOf(database);
});
afterAll(async () => {
  for (const store of stores) await store[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function countriesOf(networks: Readonly<Record<string, string>>): Countries {
  const records = Object.entries(networks).map(([network, code]) => [network, inCountry(code)] as const);
  const countries = readCountries(mmdbOf({ networks: Object.fromEntries(records) }));
  if (!countries.ok) throw new Error(countries.error);
  return countries.value;
}
const some = countriesOf({ '198.51.100.0/24': 'DE', '203.0.113.0/24': 'BR', '2001:db8::/32': 'SE' });

/** Sources that were there in an hour. */
async function come(ips: readonly string[], atMs = nowMs): Promise<void> {
  const lines = ips.map((ip) =>
    JSON.stringify({ hour: atMs / 1000, ip: ip.includes(':') ? ip : `::ffff:${ip}`, sessions: 1 }),
  );
  const inserted = await database.insert('sources_by_hour', lines, randomUUID());
  expect(inserted).toEqual(ok(undefined));
}

/** Steps until there is nothing more to do. @returns How many. */
async function settle(atMs = nowMs): Promise<number> {
  for (let steps = 1; ; steps += 1) if ((await keeper.step(atMs)) > UNDER_WAY_MS) return steps;
}

async function kept(): Promise<Readonly<Record<string, string>>> {
  const rows = await rowsOf<{ address: string; code: string }>(
    database,
    "SELECT replaceOne(toString(ip), '::ffff:', '') AS address, argMax(country, at) AS code FROM countries_of_sources GROUP BY ip ORDER BY ip",
  );
  return Object.fromEntries(rows.map(({ address, code }) => [address, code]));
}

const writes = async (): Promise<number> => {
  const [row] = await rowsOf<{ count: string }>(
    database,
    // Rows that were replaced go when ClickHouse finds the time.
    "SELECT sum(rows) AS count FROM system.parts WHERE database = currentDatabase() AND active AND table = 'countries_of_sources'",
  );
  return Number(row?.count);
};

test('sources get their country, or an empty one where the file has none; nothing is written twice', async () => {
  await database.command('SYSTEM STOP MERGES countries_of_sources');
  keeper.use(some);
  await come(['198.51.100.7', '203.0.113.9', '192.0.2.1', '2001:db8::1']);
  await come(['198.51.100.7'], nowMs - HOUR_MS);
  await settle();
  expect(await kept()).toEqual({ '192.0.2.1': '', '198.51.100.7': 'DE', '203.0.113.9': 'BR', '2001:db8::1': 'SE' });
  expect(await writes()).toBe(4);
  // Another process after this one.
  keeper = keeperOf(database);
  keeper.use(some);
  await settle();
  expect(await writes()).toBe(4);
});

test('without a file nothing is asked and nothing is written', async () => {
  await come(['198.51.100.7']);
  keeper = keeperOf({ ...database, query: () => Promise.reject(new Error('asked')) });
  expect(await settle()).toBe(1);
  expect(await kept()).toEqual({});
});

test('another file takes effect on all sources that are kept', async () => {
  keeper.use(some);
  await come(['198.51.100.7', '203.0.113.9', '192.0.2.1'], nowMs - 100 * DAY_MS);
  await settle();
  keeper.use(countriesOf({ '198.51.100.0/24': 'AT', '192.0.2.0/24': 'US' }));
  await settle();
  expect(await kept()).toEqual({ '192.0.2.1': 'US', '198.51.100.7': 'AT', '203.0.113.9': '' });
});

test('no more than a slice is looked at in one go, also of one hour and of many', async () => {
  const addresses = Array.from({ length: 10 }, (_, index) => `198.51.100.${index}`);
  await come(addresses, nowMs - 50 * HOUR_MS);
  for (let hour = 40; hour < 45; hour += 1) await come(['203.0.113.1', '203.0.113.2'], nowMs - hour * HOUR_MS);
  keeper = keeperOf(database, 3);
  keeper.use(some);
  let before = 0;
  for (let waitMs = 0, steps = 0; waitMs <= UNDER_WAY_MS; steps += 1) {
    waitMs = await keeper.step(nowMs);
    const count = Object.keys(await kept()).length;
    expect(count - before).toBeLessThanOrEqual(3);
    before = count;
    expect(steps).toBeLessThan(12);
  }
  expect(before).toBe(12);
});

test('new sources are looked up within seconds while all of them are walked through', async () => {
  await come(
    Array.from({ length: 200 }, (_, index) => `198.51.100.${index}`),
    nowMs - 50 * HOUR_MS,
  );
  keeper = keeperOf(database, 5);
  keeper.use(some);
  for (let step = 0; step < 4; step += 1) await keeper.step(nowMs);
  await come(['203.0.113.9']);
  for (let step = 0; step < 4; step += 1) await keeper.step(nowMs + 10_000);
  expect(await kept()).toMatchObject({ '203.0.113.9': 'BR' });
  expect(Object.keys(await kept()).length).toBeLessThan(100);
});

test('more new sources than can be looked up in time do not keep the others waiting', async () => {
  await come(Array.from({ length: 100 }, (_, index) => `198.51.100.${index}`));
  await come(['203.0.113.9'], nowMs - 50 * HOUR_MS);
  keeper = keeperOf(database, 5);
  keeper.use(some);
  for (let step = 0; step < 4; step += 1) await keeper.step(nowMs + step * 10_000);
  expect(await kept()).toMatchObject({ '203.0.113.9': 'BR' });
});

test('what comes into the store hours late is found within an hour', async () => {
  keeper.use(some);
  await settle();
  await come(['198.51.100.7'], nowMs - 5 * HOUR_MS);
  await settle(nowMs + 30_000);
  expect(await kept()).toEqual({});
  await settle(nowMs + HOUR_MS);
  expect(await kept()).toEqual({ '198.51.100.7': 'DE' });
});

test('a row is written anew once its source was there a day later, so that it is kept as long as the sums', async () => {
  const lastHour = async (): Promise<number> => {
    const [row] = await rowsOf<{ hour: number }>(
      database,
      'SELECT toUnixTimestamp(max(hour)) AS hour FROM countries_of_sources',
    );
    return Number(row?.hour) * 1000;
  };
  keeper.use(some);
  await come(['198.51.100.7'], nowMs - 25 * HOUR_MS);
  await settle();
  await come(['198.51.100.7'], nowMs - 2 * HOUR_MS);
  await settle(nowMs + HOUR_MS);
  expect(await lastHour()).toBe(nowMs - 25 * HOUR_MS);
  await come(['198.51.100.7'], nowMs - HOUR_MS);
  await settle(nowMs + 2 * HOUR_MS);
  expect(await lastHour()).toBe(nowMs - HOUR_MS);
});

test('a row goes with the sums of its source', async () => {
  for (const statement of retentionStatements({ eventsKeptDays: 10, summariesKeptDays: 30 }))
    expect(await database.command(statement)).toEqual(ok(undefined));
  keeper.use(some);
  await come(['198.51.100.7'], nowMs - 29 * DAY_MS);
  await come(['203.0.113.9'], nowMs - 31 * DAY_MS);
  await settle();
  expect(await database.command('OPTIMIZE TABLE countries_of_sources FINAL')).toEqual(ok(undefined));
  expect(await kept()).toEqual({ '198.51.100.7': 'DE' });
});

test('a database that does not answer is told of once, and asked again', async () => {
  await come(['198.51.100.7']);
  let isAway = true;
  const fault = err({ kind: 'unreachable', code: 0, message: 'nobody listens there' } as const);
  keeper = keeperOf({
    query: (sql, parameters) => (isAway ? Promise.resolve(fault) : database.query(sql, parameters)),
    insert: (...args) => database.insert(...args),
    command: (sql) => database.command(sql),
    settled: () => database.settled(),
    copies: () => database.copies(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  keeper.use(some);
  for (let step = 0; step < 3; step += 1) expect(await keeper.step(nowMs)).toBe(30_000);
  expect(troubles).toEqual(['countries of sources cannot be kept in the store']);
  isAway = false;
  await settle();
  expect(await kept()).toEqual({ '198.51.100.7': 'DE' });
});

test('a file that turns out to be damaged is told of and not used any more, until there is another', async () => {
  const broken: Countries = { ...some, countryOf: () => err('is damaged: no such offset') };
  await come(['198.51.100.7']);
  for (let round = 0; round < 2; round += 1) {
    keeper.use(broken);
    await settle();
    expect(keeper.hasCountries).toBe(false);
  }
  expect(troubles).toEqual(Array(2).fill('the file of countries is not used any more'));
  expect(await kept()).toEqual({});
  keeper.use(some);
  await settle();
  expect(await kept()).toEqual({ '198.51.100.7': 'DE' });
});
