import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { statementsIn } from '../../store/migrations.ts';
import { type Definition, missingDefinitions, replicatedStatement, unreplicated } from '../../store/replication.ts';

const folder = new URL('../../store/schema/', import.meta.url);
const schema = readdirSync(folder).flatMap((name) => statementsIn(readFileSync(new URL(name, folder), 'utf8')));

const table = (rest: string): string => `CREATE TABLE IF NOT EXISTS mails (a UInt8)\n${rest}`;

test.each([
  [
    'ENGINE = MergeTree ORDER BY a',
    "ENGINE = ReplicatedMergeTree('/clickhouse/postern/site_1/mails', '{replica}') ORDER BY a",
  ],
  [
    'ENGINE = ReplacingMergeTree(at)\nORDER BY a',
    "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/postern/site_1/mails', '{replica}', at)\nORDER BY a",
  ],
  [
    'ENGINE = SummingMergeTree\nSETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1',
    "ENGINE = ReplicatedSummingMergeTree('/clickhouse/postern/site_1/mails', '{replica}')\nSETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 31536000, ttl_only_drop_parts = 1",
  ],
])('%s is made with a path in Keeper', (own, copied) => {
  expect(replicatedStatement(table(own), 'site_1')).toBe(table(copied));
});

test('every table of the schema is replicated, and nothing else is changed', () => {
  const changed = schema.filter((statement) => replicatedStatement(statement, 'postern') !== statement);
  expect(changed).toEqual(schema.filter((statement) => statement.startsWith('CREATE TABLE')));
  expect(changed.length).toBeGreaterThan(8);
  for (const statement of changed.map((each) => replicatedStatement(each, 'postern'))) {
    expect(statement).toMatch(
      /\bENGINE = Replicated\w*MergeTree\('\/clickhouse\/postern\/postern\/\w+', '\{replica\}'/,
    );
    expect(statement).not.toContain('non_replicated');
    expect(statement).toContain('replicated_deduplication_window_seconds');
  }
});

test('the steps that a server has done are its own', () => {
  const steps = 'CREATE TABLE IF NOT EXISTS schema_steps (number UInt16) ENGINE = MergeTree ORDER BY number';
  expect(replicatedStatement(steps, 'postern')).toBe(steps);
});

const events: Definition = {
  name: 'events',
  engine: 'ReplicatedMergeTree',
  statement: 'CREATE TABLE p.events (a UInt8)',
};
const view = (query: string): Definition => ({
  name: 'sums_from_events',
  engine: 'MaterializedView',
  statement: `CREATE MATERIALIZED VIEW p.sums_from_events TO p.sums AS ${query}`,
});

test('an empty server gets every table and view', () => {
  expect(missingDefinitions([events, view('SELECT 1')], [], true)).toEqual([
    'CREATE TABLE IF NOT EXISTS p.events (a UInt8)',
    'CREATE MATERIALIZED VIEW IF NOT EXISTS p.sums_from_events TO p.sums AS SELECT 1',
  ]);
});

test('with new steps views are made anew, each in one go, and a table is left to the replication', () => {
  const older = { ...events, statement: 'CREATE TABLE p.events (a UInt8, b UInt8)' };
  expect(missingDefinitions([events, view('SELECT 2')], [older, view('SELECT 1')], true)).toEqual([
    'CREATE OR REPLACE MATERIALIZED VIEW p.sums_from_events TO p.sums AS SELECT 2',
  ]);
});

test('without new steps nothing that is there is touched, however a server writes it', () => {
  expect(missingDefinitions([events, view('SELECT 1')], [events, view('SELECT  1')], false)).toEqual([]);
  expect(missingDefinitions([events, view('SELECT 1')], [events], false)).toHaveLength(1);
});

test('tables of one server alone are found, but for those that are meant to be', () => {
  const own: Definition = { ...events, name: 'schema_steps', engine: 'MergeTree' };
  const old: Definition = { ...events, name: 'mails', engine: 'SummingMergeTree' };
  expect(unreplicated([events, own, view('SELECT 1'), old])).toEqual(['mails']);
});
