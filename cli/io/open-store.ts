import { mkdirSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { openChdb, openClickHouse } from '../../store/io/clickhouse-database.ts';
import { migrate } from '../../store/io/migrate.ts';
import { retentionStatements } from '../../store/retention.ts';
import { pathText } from '../config/fault.ts';
import type { Places } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { readStorePassword } from './material.ts';

/** The store that the configuration names, with the schema of this release. @returns One line where it cannot be used. */
export async function openStore(
  config: Config,
  folder: string,
  places: Places,
): Promise<Result<StoreDatabase, string>> {
  const database = await connect(config, folder, places);
  if (!database.ok) return database;
  const ready = await prepare(database.value, config);
  if (ready.ok) return database;
  await database.value[Symbol.asyncDispose]();
  return ready;
}

/** Its schema and how long it keeps what. */
export async function prepare(database: StoreDatabase, { store }: Config): Promise<Result<undefined, string>> {
  const migrated = await migrate(database);
  if (!migrated.ok) return migrated;
  for (const statement of retentionStatements(store)) {
    const set = await database.command(statement);
    if (!set.ok) return err(set.error.message);
  }
  return ok(undefined);
}

async function connect(
  { store, ...config }: Config,
  folder: string,
  places: Places,
): Promise<Result<StoreDatabase, string>> {
  if (store.kind === 'none') return err('store.kind is none: no history is kept');
  if (store.kind === 'chdb') {
    mkdirSync(places.store, { recursive: true, mode: 0o700 });
    const opened = await openChdb(places.store, store.database);
    if (opened.ok) return opened;
    const { message } = opened.error;
    // chDB says why on stderr, and to us only that.
    const isTaken = message.startsWith('Failed to create connection');
    return err(isTaken ? `${places.store} cannot be opened: is the store running already?` : message);
  }
  const password = readStorePassword({ ...config, store }, folder);
  if (!password.ok) return err(`${pathText(password.error.path)}: ${password.error.problem}; ${password.error.hint}`);
  const url = store.url ?? '';
  const server = { url, username: store.username, password: password.value };
  const opened = await openClickHouse(server, store.database);
  return opened.ok ? opened : err(`${url}: ${opened.error.message}`);
}
