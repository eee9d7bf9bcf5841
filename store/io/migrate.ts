import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import type { StoreDatabase, StoreFault } from '../database.ts';
import { type Applied, type Migration, migrationsIn, pendingOf } from '../migrations.ts';
import { replicatedStatement } from '../replication.ts';

const FOLDER = new URL('../schema/', import.meta.url);

/** What ran already, and which store it is; made before anything else. */
const first = [
  `CREATE TABLE IF NOT EXISTS schema_steps (number UInt16, name String, hash String, at DateTime('UTC') DEFAULT now())
   ENGINE = MergeTree ORDER BY number`,
  'CREATE TABLE IF NOT EXISTS store_identity (id String) ENGINE = MergeTree ORDER BY id',
];

/** The steps of this release, read with this module: when rights have been given up its files may be for root alone. */
const migrations = readMigrations();

const created = /^CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS (\w+)/;

/** Names of the tables and views of this release. */
export const schemaNames: ReadonlySet<string> = new Set(
  [...first, ...(migrations.ok ? migrations.value.flatMap(({ statements }) => statements) : [])].flatMap(
    (statement) => created.exec(statement)?.[1] ?? [],
  ),
);

function readMigrations(): Result<readonly Migration[], string> {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .map((name) => ({ name, text: readFileSync(new URL(name, FOLDER), 'utf8') }));
  return migrationsIn(files, (text) => createHash('sha256').update(text).digest('hex').slice(0, 16));
}

/**
 * Brings the schema to that of this release. Every statement may run twice, so one that was cut off is done again.
 *
 * @param replicatedIn - Name of the database, where its tables are copied among servers.
 * @returns The names of the steps that ran, or why it cannot be done, in one line.
 */
export async function migrate(
  database: StoreDatabase,
  replicatedIn?: string,
): Promise<Result<readonly string[], string>> {
  const placed = (statement: string): string =>
    replicatedIn === undefined ? statement : replicatedStatement(statement, replicatedIn);
  if (!migrations.ok) return migrations;
  for (const statement of first) {
    const made = await database.command(placed(statement));
    if (!made.ok) return err(textOf(made.error));
  }
  const applied = await database.query<Applied>('SELECT DISTINCT number, hash FROM schema_steps ORDER BY number');
  if (!applied.ok) return err(textOf(applied.error));
  const pending = pendingOf(migrations.value, applied.value);
  if (!pending.ok) return pending;
  for (const migration of pending.value) {
    const ran = await runStep(database, { ...migration, statements: migration.statements.map(placed) });
    if (!ran.ok) return err(`schema ${migration.number} (${migration.name}): ${textOf(ran.error)}`);
  }
  return ok(pending.value.map(({ name }) => name));
}

async function runStep(
  database: StoreDatabase,
  { number, name, hash, statements }: Migration,
): Promise<Result<undefined, StoreFault>> {
  for (const statement of statements) {
    const ran = await database.command(statement);
    if (!ran.ok) return ran;
  }
  return database.insert('schema_steps', [JSON.stringify({ number, name, hash })], `step-${number}`);
}

const textOf = ({ message }: StoreFault): string => message;
