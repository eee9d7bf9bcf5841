import { mkdirSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import type { StoreDatabase, StoreFault } from '../../store/database.ts';
import { MENDING_TABLE } from '../../store/derived.ts';
import { openChdb, openClickHouse, REPLICA_STATEMENT_MS_MAX } from '../../store/io/clickhouse-database.ts';
import { migrate } from '../../store/io/migrate.ts';
import { type ReplicaListener, ReplicatedDatabase } from '../../store/io/replicated-database.ts';
import { retentionStatements } from '../../store/retention.ts';
import { pathText } from '../config/fault.ts';
import type { Places } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { readStorePassword } from './material.ts';

/**
 * The store that the configuration names, with the schema of this release.
 *
 * @param listener - Hears how the replicas are, where there are several servers.
 * @returns One line where it cannot be used.
 */
export async function openStore(
  config: Config,
  folder: string,
  places: Places,
  listener: ReplicaListener,
): Promise<Result<StoreDatabase, string>> {
  const database = await connect(config, folder, places, listener);
  if (!database.ok) return database;
  const ready = await prepare(database.value, config);
  if (ready.ok) return database;
  await database.value[Symbol.asyncDispose]();
  return ready;
}

/** Its schema and how long it keeps what. */
export async function prepare(database: StoreDatabase, { store }: Config): Promise<Result<undefined, string>> {
  const migrated = database instanceof ReplicatedDatabase ? await database.prepare() : await prepareOne(database);
  if (!migrated.ok) return migrated;
  for (const statement of retentionStatements(store)) {
    const set = await database.command(statement);
    if (!set.ok) return err(set.error.message);
  }
  return ok(undefined);
}

/** A store that was killed may have left events in the table for mending, where nobody would forget them. */
async function prepareOne(database: StoreDatabase): Promise<Result<undefined, string>> {
  const migrated = await migrate(database);
  if (!migrated.ok) return migrated;
  const dropped = await database.command(`DROP TABLE IF EXISTS ${MENDING_TABLE} SYNC`);
  return dropped.ok ? dropped : err(dropped.error.message);
}

async function connect(
  { store, ...config }: Config,
  folder: string,
  places: Places,
  listener: ReplicaListener,
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
  const { database, username, url = '', replicas } = store;
  const login = { username, password: password.value };
  if (replicas.length > 0) return ok(new ReplicatedDatabase({ database, urls: replicas, open: openReplica, listener }));
  const opened = await openClickHouse({ ...login, url }, database);
  return opened.ok ? opened : err(`${url}: ${opened.error.message}`);

  function openReplica(address: string): Promise<Result<StoreDatabase, StoreFault>> {
    return openClickHouse({ ...login, url: address, statementMsMax: REPLICA_STATEMENT_MS_MAX }, database);
  }
}
