import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  ClickHouseLogLevel,
  createClient,
} from '@clickhouse/client';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { accessConfiguration } from '../access.ts';
import type { Parameters, StoreDatabase, StoreFault } from '../database.ts';
import { chdb } from './chdb.ts';

/** Longest time that a server may take for one statement, milliseconds. */
export const STATEMENT_MS_MAX = 600_000;
/** The same where others have what it has, and are asked then, milliseconds. */
export const REPLICA_STATEMENT_MS_MAX = 120_000;
/** Longest time until it is there, milliseconds. */
const OPEN_MS_MAX = 15_000;
/** Code of ClickHouse for a change of a copied table that comes before an earlier one is everywhere; it says to try again. */
const BEHIND_CODE = 517;
/** How often that is done, and how long it waits before it, milliseconds. */
const BEHIND_TRIES_MAX = 20;
const BEHIND_WAIT_MS = 250;
/** Octets of an error of the engine that are passed on. */
const MESSAGE_LENGTH_MAX = 500;

/** chDB's types come from another copy of the client's package, which TypeScript does not take for the same. */
type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>;

/** Faults are told by us, in one line. */
const log = { level: ClickHouseLogLevel.OFF } as const;

/** A server, and as whom. */
export interface ClickHouseServer {
  /** `http://` or `https://`, host and port. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Default: {@link STATEMENT_MS_MAX}. */
  readonly statementMsMax?: number;
}

/** ClickHouse in this process; the database is made where it is not there. @param directory - One process at a time. */
export async function openChdb(directory: string, database: string): Promise<Result<StoreDatabase, StoreFault>> {
  if (!chdb.ok) return err({ kind: 'unreachable', code: 0, message: chdb.error });
  const { Session, createChdbConnection } = chdb.value;
  return trying(async () => {
    const file = writeAccess(directory, database);
    // The first connection of the process decides what the engine's users may do.
    const first = new Session(directory, { connectionArgs: [`--config-file=${file}`] });
    const client = createClient({
      connection: createChdbConnection({ path: directory }) as unknown as Connection,
      log,
    });
    first.close();
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
    // chDB keeps it for this connection.
    await client.command({ query: `USE ${database}` });
    return new ClickHouseDatabase(client);
  });
}

/** Without a configuration of our own chDB would take whatever `config.xml` is in the working directory. @returns Its path. */
function writeAccess(directory: string, database: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(resolve(directory), 'access.xml');
  writeFileSync(file, accessConfiguration(database, file), { mode: 0o600 });
  return file;
}

/** A server; the database is made where it is not there. */
export function openClickHouse(server: ClickHouseServer, database: string): Promise<Result<StoreDatabase, StoreFault>> {
  return trying(async () => {
    const { url, username, password, statementMsMax = STATEMENT_MS_MAX } = server;
    const settings = { url, username, password, request_timeout: statementMsMax, log };
    const first = createClient({ ...settings, request_timeout: OPEN_MS_MAX });
    try {
      await first.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
    } finally {
      await first.close();
    }
    return new ClickHouseDatabase(createClient({ ...settings, database }));
  });
}

/**
 * What an insert needs: there when it is acknowledged; one that was cut off goes into every table that is derived from it when it is
 * done again (the default since ClickHouse 26.2); fields of later releases are passed over; days by the dozen, of a clock that is
 * wrong, are no fault. They stand in the statement: chDB would keep settings given beside one for all that follow.
 */
const insertSettings = [
  'async_insert = 0',
  'deduplicate_blocks_in_dependent_materialized_views = 1',
  'input_format_skip_unknown_fields = 1',
  'input_format_null_as_default = 1',
  'max_partitions_per_insert_block = 0',
].join(', ');

class ClickHouseDatabase implements StoreDatabase {
  private readonly client: ClickHouseClient;

  constructor(client: ClickHouseClient) {
    this.client = client;
  }

  async command(sql: string): Promise<Result<undefined, StoreFault>> {
    for (let tries = 1; ; tries += 1) {
      const done = await trying(async () => {
        await this.client.command({ query: sql });
        return undefined;
      });
      if (done.ok || done.error.code !== BEHIND_CODE || tries >= BEHIND_TRIES_MAX) return done;
      await delay(BEHIND_WAIT_MS);
    }
  }

  query<Row>(sql: string, parameters: Parameters = {}): Promise<Result<readonly Row[], StoreFault>> {
    const given = Object.keys(parameters).length === 0 ? {} : { query_params: { ...parameters } };
    return trying(async () => {
      const answer = await this.client.query({ query: sql, format: 'JSONEachRow', ...given });
      return answer.json<Row>();
    });
  }

  insert(table: string, lines: readonly string[], token: string): Promise<Result<undefined, StoreFault>> {
    if (lines.length === 0) return Promise.resolve(ok(undefined));
    const settings = `${insertSettings}, insert_deduplication_token = '${token}'`;
    return this.command(`INSERT INTO ${table} SETTINGS ${settings} FORMAT JSONEachRow\n${lines.join('\n')}`);
  }

  async settled(): Promise<Result<StoreDatabase, StoreFault>> {
    const tables = await this.query<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(engine, 'Replicated')",
    );
    if (!tables.ok) return tables;
    for (const { name } of tables.value) {
      // What others took, and not what only changes how it is kept.
      const settled = await this.command(`SYSTEM SYNC REPLICA ${name} LIGHTWEIGHT`);
      if (!settled.ok) return settled;
    }
    return ok(this);
  }

  copies(): Promise<Result<readonly StoreDatabase[], StoreFault>> {
    return Promise.resolve(ok([this]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

async function trying<T>(work: () => Promise<T>): Promise<Result<T, StoreFault>> {
  try {
    return ok(await work());
  } catch (error) {
    return err(faultOf(error));
  }
}

/** Codes of ClickHouse for rows that it cannot read: texts, numbers, times, addresses and ids that are none. */
const dataCodes: ReadonlySet<number> = new Set([
  6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 190, 321, 349, 376, 441, 467, 611, 675, 676, 691,
]);

/** Codes of a server that cannot do it now though another one might: it has lost Keeper, or another server. */
const awayCodes: ReadonlySet<number> = new Set([209, 210, 225, 242, 319, 999]);

/** chDB's errors are of another copy of the class: they are told by their code. */
function faultOf(error: unknown): StoreFault {
  const message = messageOf(error).slice(0, MESSAGE_LENGTH_MAX);
  const code = error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN;
  if (!Number.isInteger(code)) return { kind: 'unreachable', code: 0, message };
  const kind = dataCodes.has(code) ? 'data' : awayCodes.has(code) ? 'unreachable' : 'refused';
  return { kind, code, message };
}
