import { err, ok, type Result } from '../../lib/result.ts';
import type { Parameters, StoreDatabase, StoreFault } from '../database.ts';
import type { Applied } from '../migrations.ts';
import { DEFINITIONS, type Definition, missingDefinitions, unreplicated } from '../replication.ts';
import { migrate, schemaNames } from './migrate.ts';

/**
 * While events come in, replicas that are not asked are looked at so often, milliseconds: one may have come back, or be a new one in
 * place of it.
 */
export const LOOK_EVERY_MS = 30_000;

/** Codes of ClickHouse for what another server may do all the same: its table or database is gone, its disk or a table is full. */
const codesOfServer: ReadonlySet<number> = new Set([60, 81, 243, 252]);
const isOfServer = ({ kind, code }: StoreFault): boolean => kind === 'unreachable' || codesOfServer.has(code);

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
  opening: Promise<Result<StoreDatabase, string>> | undefined;
  health: { readonly kind: 'unknown' | 'well' } | { readonly kind: 'bad'; readonly reason: string };
}

/**
 * Servers with copies of the same tables. One of them is asked for everything, and ClickHouse brings what it took to the others; when
 * it cannot do it, the next one is asked. What was under way is asked once more there: all copies know a batch by its token.
 */
export class ReplicatedDatabase implements StoreDatabase {
  private readonly options: ReplicatedOptions;
  private readonly replicas: readonly Replica[];
  private asked: Replica | undefined;
  private looking: Promise<void> = Promise.resolve();
  private lookedAtMs = 0;
  private isClosed = false;

  /** Nothing is asked before {@link prepare}. */
  constructor(options: ReplicatedOptions) {
    this.options = options;
    this.replicas = options.urls.map((url) => ({
      url,
      database: undefined,
      opening: undefined,
      health: { kind: 'unknown' },
    }));
  }

  /**
   * Brings the schema to that of this release, beginning with the server that has most of it. Others get it after this, or when they
   * are back.
   *
   * @returns Why none of them can be used, in one line.
   */
  async prepare(): Promise<Result<undefined, string>> {
    const found = await Promise.all(
      this.replicas.map(async (replica) => ({ replica, steps: await this.stepsAt(replica) })),
    );
    const reached = found.flatMap(({ replica, steps }) => (steps.ok ? [{ replica, steps: steps.value }] : []));
    const faults = found.flatMap(({ replica, steps }) => (steps.ok ? [] : [`${replica.url}: ${steps.error}`]));
    for (const { replica } of reached) {
      const wrong = await this.checkReplication(replica);
      if (!wrong.ok) return err(`${replica.url}: ${wrong.error}`);
    }
    for (const { replica } of reached.toSorted((one, other) => other.steps - one.steps)) {
      const ready = await this.bringUp(replica);
      if (ready.ok) {
        this.asked = replica;
        this.tell(replica, ready);
        await this.look();
        return ready;
      }
      faults.push(`${replica.url}: ${ready.error}`);
    }
    return err(faults.join('; '));
  }

  command(sql: string): Promise<Result<undefined, StoreFault>> {
    return this.ask((database) => database.command(sql));
  }

  query<Row>(sql: string, parameters: Parameters = {}): Promise<Result<readonly Row[], StoreFault>> {
    return this.ask((database) => database.query<Row>(sql, parameters));
  }

  insert(table: string, lines: readonly string[], token: string): Promise<Result<undefined, StoreFault>> {
    if (performance.now() - this.lookedAtMs >= LOOK_EVERY_MS) void this.look();
    return this.ask((database) => database.insert(table, lines, token));
  }

  settled(): Promise<Result<StoreDatabase, StoreFault>> {
    return this.ask((database) => database.settled());
  }

  async copies(): Promise<Result<readonly StoreDatabase[], StoreFault>> {
    // The one that is asked is not looked at otherwise.
    const there = await this.query('SELECT 1');
    if (!there.ok) return there;
    await this.look();
    const databases: StoreDatabase[] = [];
    for (const { url, database, health } of this.replicas) {
      if (database === undefined || health.kind !== 'well') {
        const reason = health.kind === 'bad' ? health.reason : 'it has not been reached';
        const message = `every replica has to be there for it, and ${url} is not: ${reason}`;
        return err({ kind: 'unreachable', code: 0, message });
      }
      databases.push(database);
    }
    return ok(databases);
  }

  /** What is under way ends with a fault. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.replicas.map((replica) => this.close(replica)));
    await this.looking;
  }

  private open(replica: Replica): Promise<Result<StoreDatabase, string>> {
    if (replica.database !== undefined) return Promise.resolve(ok(replica.database));
    replica.opening ??= this.openAnew(replica).finally(() => {
      replica.opening = undefined;
    });
    return replica.opening;
  }

  private async openAnew(replica: Replica): Promise<Result<StoreDatabase, string>> {
    if (this.isClosed) return err('the store stops');
    const opened = await this.options.open(replica.url);
    if (!opened.ok) return err(opened.error.message);
    replica.database = opened.value;
    if (this.isClosed) await this.close(replica);
    return opened;
  }

  private async close(replica: Replica): Promise<void> {
    const { database } = replica;
    replica.database = undefined;
    await database?.[Symbol.asyncDispose]();
  }

  /** How many steps of the schema a server has done. */
  private async stepsAt(replica: Replica): Promise<Result<number, string>> {
    const opened = await this.open(replica);
    if (!opened.ok) return opened;
    const steps = await opened.value.query<Applied>(STEPS);
    return ok(steps.ok ? steps.value.length : 0);
  }

  /** Its schema, by the steps of this release. */
  private async bringUp(replica: Replica): Promise<Result<undefined, string>> {
    const opened = await this.open(replica);
    if (!opened.ok) return opened;
    const migrated = await migrate(opened.value, this.options.database);
    return migrated.ok ? this.checkReplication(replica, schemaNames) : migrated;
  }

  /** @param names - Tables and views that have to be there. */
  private async checkReplication(
    replica: Replica,
    names: ReadonlySet<string> = new Set(),
  ): Promise<Result<undefined, string>> {
    const opened = await this.open(replica);
    if (!opened.ok) return opened;
    const definitions = await definitionsAt(opened.value);
    if (!definitions.ok) return err(definitions.error.message);
    const [table] = unreplicated(definitions.value);
    if (table !== undefined)
      return err(
        `table ${table} was made without replication: name another \`store.database\`, which is filled from what the log has`,
      );
    const there = new Set(definitions.value.map(({ name }) => name));
    const missing = [...names].find((name) => !there.has(name));
    return missing === undefined ? ok(undefined) : err(`${missing} is missing there`);
  }

  /** Gives all that are not asked what the one that is asked has. One look after the other. */
  private look(): Promise<void> {
    this.lookedAtMs = performance.now();
    this.looking = this.looking.then(() => this.lookAtOthers());
    return this.looking;
  }

  private async lookAtOthers(): Promise<void> {
    for (const replica of this.replicas) {
      const { asked } = this;
      if (asked === undefined || replica === asked || this.isClosed) continue;
      const joined = await this.join(replica, asked);
      // Where another one is asked by now it was compared with one that is away.
      if (this.asked === asked && !this.isClosed) this.tell(replica, joined);
    }
  }

  /** What answers now may be another server than before, without the database: then it is opened anew. */
  private async join(replica: Replica, asked: Replica): Promise<Result<undefined, string>> {
    const wasOpen = replica.database !== undefined;
    const joined = await this.tryJoin(replica, asked);
    if (joined.ok || !wasOpen || this.asked !== asked) return joined;
    await this.close(replica);
    return this.tryJoin(replica, asked);
  }

  private async tryJoin(replica: Replica, { database: source }: Replica): Promise<Result<undefined, string>> {
    const opened = await this.open(replica);
    if (!opened.ok) return opened;
    const copied = source === undefined ? ok(undefined) : await copySchema(source, opened.value);
    return copied.ok ? this.bringUp(replica) : err(copied.error.message);
  }

  /** Tells what is new of it. */
  private tell(replica: Replica, state: Result<undefined, string>): void {
    const { url, health } = replica;
    replica.health = state.ok ? { kind: 'well' } : { kind: 'bad', reason: state.error };
    const { listener } = this.options;
    if (state.ok) {
      if (health.kind === 'bad') listener.well('a replica of the history can be used again', { replica: url });
    } else if (health.kind !== 'bad' || health.reason !== state.error)
      listener.trouble('a replica of the history cannot be used', { replica: url, reason: state.error });
  }

  private async ask<T>(
    work: (database: StoreDatabase) => Promise<Result<T, StoreFault>>,
  ): Promise<Result<T, StoreFault>> {
    const { asked } = this;
    if (asked === undefined) return err({ kind: 'unreachable', code: 0, message: 'no replica was reached' });
    const opened = await this.open(asked);
    const answer = opened.ok
      ? await work(opened.value)
      : err<StoreFault>({ kind: 'unreachable', code: 0, message: opened.error });
    if (answer.ok || !isOfServer(answer.error)) return answer;
    return this.askOthers(asked, answer.error, work);
  }

  /** The first other one that is there is asked from now on. */
  private async askOthers<T>(
    left: Replica,
    fault: StoreFault,
    work: (database: StoreDatabase) => Promise<Result<T, StoreFault>>,
  ): Promise<Result<T, StoreFault>> {
    for (const replica of this.replicas) {
      if (replica === left) continue;
      // Its definitions cannot be compared now: one that does not have all of them is not ready.
      const ready = await this.bringUp(replica);
      if (!ready.ok || replica.database === undefined) continue;
      const answer = await work(replica.database);
      if (!answer.ok && isOfServer(answer.error)) continue;
      // Somebody else may have come to it before.
      if (this.asked === left) this.goOnWith(replica, left, fault);
      return answer;
    }
    return err(fault);
  }

  private goOnWith(replica: Replica, left: Replica, fault: StoreFault): void {
    this.asked = replica;
    this.tell(left, err(fault.message));
    this.tell(replica, ok(undefined));
    this.options.listener.trouble('another replica is asked for the history', { replica: replica.url });
  }
}

const STEPS = 'SELECT DISTINCT number, name, hash FROM schema_steps ORDER BY number';

/** Of the tables and views of the schema, whatever else is in the database. */
async function definitionsAt(database: StoreDatabase): Promise<Result<readonly Definition[], StoreFault>> {
  const found = await database.query<Definition>(DEFINITIONS);
  return found.ok ? ok(found.value.filter(({ name }) => schemaNames.has(name))) : found;
}

/** Gives a server the tables and views of another one, and what was done for them. */
async function copySchema(from: StoreDatabase, to: StoreDatabase): Promise<Result<undefined, StoreFault>> {
  const there = await definitionsAt(from);
  if (!there.ok) return there;
  const here = await definitionsAt(to);
  if (!here.ok) return here;
  const done = await from.query<Applied>(STEPS);
  if (!done.ok) return done;
  const known = here.value.some(({ name }) => name === 'schema_steps') ? await to.query<Applied>(STEPS) : ok([]);
  if (!known.ok) return known;
  const numbers = new Set(known.value.map(({ number }) => number));
  const steps = done.value.filter(({ number }) => !numbers.has(number));
  for (const statement of missingDefinitions(there.value, here.value, steps.length > 0)) {
    const made = await to.command(statement);
    if (!made.ok) return made;
  }
  return to.insert(
    'schema_steps',
    steps.map((step) => JSON.stringify(step)),
    '',
  );
}
