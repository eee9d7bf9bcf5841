import { setTimeout as delay } from 'node:timers/promises';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Parameters, StoreDatabase, StoreFault } from '../database.ts';
import type { Applied } from '../migrations.ts';
import { DEFINITIONS, type Definition, missingDefinitions, unreplicated } from '../replication.ts';
import { migrate } from './migrate.ts';

/**
 * While events come in, replicas that are not asked are looked at so often, milliseconds: one may have come back, or be a new one in
 * place of it.
 */
export const LOOK_EVERY_MS = 30_000;

/** Code of ClickHouse for a change of a table that comes before an earlier one is everywhere; it says to try again. */
const BEHIND_CODE = 517;
/** How often that is done, and how long it waits before it, milliseconds. */
const BEHIND_TRIES_MAX = 20;
const BEHIND_WAIT_MS = 250;

/** Hears how the replicas are. */
export interface ReplicaListener {
  /** Something the operator should know. */
  trouble(what: string, details: object): void;
  /** It is well again. */
  well(what: string, details: object): void;
}

export interface ReplicatedOptions {
  /** Name of the database, the same one at each. */
  readonly database: string;
  /** Addresses; the first one that is there is asked. */
  readonly urls: readonly string[];
  /** Opens the database at one; it is made where it is not there. */
  readonly open: (url: string) => Promise<Result<StoreDatabase, StoreFault>>;
  readonly listener: ReplicaListener;
}

/** A server, and what is known of it. */
interface Replica {
  readonly url: string;
  database: StoreDatabase | undefined;
  /** Why it cannot be used; empty where it can, undefined before anybody looked. */
  fault: string | undefined;
}

/**
 * Servers with copies of the same tables. One of them is asked for everything, and ClickHouse brings what it took to the others; when
 * it cannot be reached, the next one is asked. What was under way is asked once more there: all copies know a batch by its token.
 */
export class ReplicatedDatabase implements StoreDatabase {
  private readonly options: ReplicatedOptions;
  private readonly replicas: readonly Replica[];
  private asked: Replica | undefined;
  private looking: Promise<void> = Promise.resolve();
  private lookedAtMs = 0;

  /** Nothing is asked before {@link prepare}. */
  constructor(options: ReplicatedOptions) {
    this.options = options;
    this.replicas = options.urls.map((url) => ({ url, database: undefined, fault: undefined }));
  }

  /**
   * Brings the schema to that of this release, at every server that is there. Others get it when they are back.
   *
   * @returns Why none of them can be used, in one line.
   */
  async prepare(): Promise<Result<undefined, string>> {
    const source = await this.source();
    if (!source.ok) return source;
    const { url } = source.value;
    const migrated = await this.bringUp(source.value);
    if (!migrated.ok) return err(`${url}: ${migrated.error}`);
    this.asked = source.value;
    await this.look();
    return ok(undefined);
  }

  async command(sql: string): Promise<Result<undefined, StoreFault>> {
    for (let tries = 1; ; tries += 1) {
      const done = await this.ask((database) => database.command(sql));
      if (done.ok || done.error.code !== BEHIND_CODE || tries >= BEHIND_TRIES_MAX) return done;
      await delay(BEHIND_WAIT_MS);
    }
  }

  query<Row>(sql: string, parameters: Parameters = {}): Promise<Result<readonly Row[], StoreFault>> {
    return this.ask((database) => database.query<Row>(sql, parameters));
  }

  insert(table: string, lines: readonly string[], token: string): Promise<Result<undefined, StoreFault>> {
    if (performance.now() - this.lookedAtMs >= LOOK_EVERY_MS) void this.look();
    return this.ask((database) => database.insert(table, lines, token));
  }

  settle(): Promise<Result<undefined, StoreFault>> {
    return this.ask((database) => database.settle());
  }

  async copies(): Promise<Result<readonly StoreDatabase[], StoreFault>> {
    await this.look();
    const databases: StoreDatabase[] = [];
    for (const { url, database, fault = 'it has not been reached' } of this.replicas) {
      if (database === undefined || fault !== '')
        return err({
          kind: 'unreachable',
          code: 0,
          message: `every replica has to be there for it, and ${url} is not: ${fault}`,
        });
      databases.push(database);
    }
    return ok(databases);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.looking;
    await Promise.all(this.replicas.map((replica) => this.close(replica)));
  }

  /** Where the schema is taken from: a server that has one already, or the first that is there. */
  private async source(): Promise<Result<Replica, string>> {
    const opened: Replica[] = [];
    const faults: string[] = [];
    for (const replica of this.replicas) {
      const database = await this.open(replica);
      if (database.ok) opened.push(replica);
      else faults.push(`${replica.url}: ${database.error}`);
    }
    for (const replica of opened) {
      const definitions = await replica.database?.query<Definition>(DEFINITIONS);
      if (definitions?.ok === true && definitions.value.length > 0) return ok(replica);
    }
    const [first] = opened;
    return first === undefined ? err(faults.join('; ')) : ok(first);
  }

  private async open(replica: Replica): Promise<Result<StoreDatabase, string>> {
    if (replica.database !== undefined) return ok(replica.database);
    const opened = await this.options.open(replica.url);
    if (!opened.ok) return err(opened.error.message);
    replica.database = opened.value;
    return opened;
  }

  /** Its schema, by the steps of this release. */
  private async bringUp(replica: Replica): Promise<Result<undefined, string>> {
    const opened = await this.open(replica);
    if (!opened.ok) return opened;
    const migrated = await migrate(opened.value, this.options.database);
    if (!migrated.ok) return migrated;
    const definitions = await opened.value.query<Definition>(DEFINITIONS);
    if (!definitions.ok) return err(definitions.error.message);
    const [table] = unreplicated(definitions.value);
    if (table === undefined) return ok(undefined);
    return err(
      `table ${table} was made without replication: name another \`store.database\`, which is filled from what the log has`,
    );
  }

  /** Gives all that are not asked what the one that is asked has. One look after the other. */
  private look(): Promise<void> {
    this.lookedAtMs = performance.now();
    this.looking = this.looking.then(() => this.lookAtAll());
    return this.looking;
  }

  private async lookAtAll(): Promise<void> {
    const { asked } = this;
    if (asked === undefined) return;
    for (const replica of this.replicas)
      this.tell(replica, replica === asked ? ok(undefined) : await this.join(replica, asked));
  }

  /** What answers now may be another server than before, without the database: then it is opened anew. */
  private async join(replica: Replica, asked: Replica): Promise<Result<undefined, string>> {
    const wasOpen = replica.database !== undefined;
    const joined = await this.tryJoin(replica, asked);
    if (joined.ok || !wasOpen) return joined;
    await this.close(replica);
    return this.tryJoin(replica, asked);
  }

  private async tryJoin(replica: Replica, { database: source }: Replica): Promise<Result<undefined, string>> {
    const opened = await this.open(replica);
    if (!opened.ok) return opened;
    const copied = source === undefined ? ok(undefined) : await copySchema(source, opened.value);
    return copied.ok ? this.bringUp(replica) : err(copied.error.message);
  }

  private async close(replica: Replica): Promise<void> {
    const { database } = replica;
    replica.database = undefined;
    await database?.[Symbol.asyncDispose]();
  }

  private tell(replica: Replica, joined: Result<undefined, string>): void {
    const fault = joined.ok ? '' : joined.error;
    const before = replica.fault;
    replica.fault = fault;
    if (before === fault) return;
    const details = { replica: replica.url };
    if (fault !== '')
      this.options.listener.trouble('a replica of the history cannot be used', { ...details, reason: fault });
    else if (before !== undefined) this.options.listener.well('a replica of the history can be used again', details);
  }

  private async ask<T>(
    work: (database: StoreDatabase) => Promise<Result<T, StoreFault>>,
  ): Promise<Result<T, StoreFault>> {
    const { asked } = this;
    if (asked?.database === undefined) return err({ kind: 'unreachable', code: 0, message: 'no replica was reached' });
    const answer = await work(asked.database);
    if (answer.ok || answer.error.kind !== 'unreachable') return answer;
    return this.askOthers(asked, answer, work);
  }

  /** The first other one that is there is asked from now on. */
  private async askOthers<T>(
    left: Replica,
    fault: { readonly ok: false; readonly error: StoreFault },
    work: (database: StoreDatabase) => Promise<Result<T, StoreFault>>,
  ): Promise<Result<T, StoreFault>> {
    for (const replica of this.replicas) {
      if (replica === left) continue;
      // Its definitions cannot be compared now; a server without them has a fault here, or makes the same ones.
      const ready = await this.bringUp(replica);
      if (!ready.ok || replica.database === undefined) continue;
      const answer = await work(replica.database);
      if (!answer.ok && answer.error.kind === 'unreachable') continue;
      this.asked = replica;
      this.tell(left, err(fault.error.message));
      this.tell(replica, ok(undefined));
      this.options.listener.trouble('another replica is asked for the history', { replica: replica.url });
      return answer;
    }
    return fault;
  }
}

/** Gives a server the tables and views of another one, and what was done for them. */
async function copySchema(from: StoreDatabase, to: StoreDatabase): Promise<Result<undefined, StoreFault>> {
  const there = await from.query<Definition>(DEFINITIONS);
  if (!there.ok) return there;
  const here = await to.query<Definition>(DEFINITIONS);
  if (!here.ok) return here;
  for (const statement of missingDefinitions(there.value, here.value)) {
    const made = await to.command(statement);
    if (!made.ok) return made;
  }
  return copySteps(from, to);
}

async function copySteps(from: StoreDatabase, to: StoreDatabase): Promise<Result<undefined, StoreFault>> {
  const steps = 'SELECT DISTINCT number, name, hash FROM schema_steps ORDER BY number';
  const done = await from.query<Applied>(steps);
  if (!done.ok) return done;
  const known = await to.query<Applied>(steps);
  if (!known.ok) return known;
  const numbers = new Set(known.value.map(({ number }) => number));
  const lines = done.value.filter(({ number }) => !numbers.has(number)).map((step) => JSON.stringify(step));
  return to.insert('schema_steps', lines, '');
}
