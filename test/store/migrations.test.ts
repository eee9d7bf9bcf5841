import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decisionSchemas } from '../../events/decision.ts';
import { eventSchemas } from '../../events/event.ts';
import { migrationsIn, pendingOf, statementsIn } from '../../store/migrations.ts';

const hashOf = (text: string): string => `hash of ${text}`;
const step = (name: string, text = 'SELECT 1;') => ({ name, text });

test('statements end with a semicolon at the end of a line; comments are none', () => {
  expect(statementsIn("-- a; b\nSELECT ';' AS x;\n\nSELECT\n  2 -- why\n;\n  -- end\n")).toEqual([
    "SELECT ';' AS x",
    'SELECT\n  2 -- why',
  ]);
  expect(statementsIn('')).toEqual([]);
});

test('steps are numbered without a hole', () => {
  expect(migrationsIn([step('0002-b.sql'), step('0001-a.sql')], hashOf)).toMatchObject({
    ok: true,
    value: [
      { number: 1, name: 'a', statements: ['SELECT 1'], hash: 'hash of SELECT 1;' },
      { number: 2, name: 'b' },
    ],
  });
  expect(migrationsIn([step('0001-a.sql'), step('0003-c.sql')], hashOf)).toEqual({
    ok: false,
    error: '0003-c.sql: number 0002 comes next',
  });
  expect(migrationsIn([step('1-a.sql')], hashOf)).toMatchObject({ ok: false });
});

test('what ran is not run again; what was changed after it ran, or is of a newer release, is a fault', () => {
  const steps = migrationsIn([step('0001-a.sql'), step('0002-b.sql')], hashOf);
  const migrations = steps.ok ? steps.value : [];
  const first = { number: 1, hash: 'hash of SELECT 1;' };
  expect(pendingOf(migrations, [first])).toMatchObject({ ok: true, value: [{ number: 2 }] });
  expect(pendingOf(migrations, [{ ...first, hash: 'other' }])).toMatchObject({ ok: false });
  expect(pendingOf(migrations, [first, { number: 3, hash: 'x' }])).toEqual({
    ok: false,
    error: 'the store has schema 3, which a newer release made',
  });
});

const folder = new URL('../../store/schema/', import.meta.url);
const text = readdirSync(folder)
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n');

/** Names of the columns of a table. */
function columnsOf(table: string): ReadonlySet<string> {
  const statement = statementsIn(text).find((each) => each.startsWith(`CREATE TABLE IF NOT EXISTS ${table} (`)) ?? '';
  const names = [...statement.matchAll(/^ {2}`?([a-z][A-Za-z0-9]*)`? [A-Z]/gm)].map(([, name = '']) => name);
  return new Set(names);
}

test.each([
  ['events', eventSchemas],
  ['decisions', decisionSchemas],
] as const)('no field is lost: every one has a column in %s', (table, schemas) => {
  const columns = columnsOf(table);
  expect(columns.size).toBeGreaterThan(20);
  const fields = new Set(Object.values(schemas).flatMap((schema) => Object.keys(schema.shape)));
  expect([...fields].filter((field) => !columns.has(field))).toEqual([]);
  const own = ['logPartition', 'logOffset'];
  expect([...columns].filter((column) => !fields.has(column as never) && !own.includes(column))).toEqual([]);
});
