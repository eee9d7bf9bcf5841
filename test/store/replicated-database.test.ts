import { beforeEach, expect, test } from 'vitest';
import { err, ok, type Result } from '../../lib/result.ts';
import type { StoreDatabase, StoreFault } from '../../store/database.ts';
import { ReplicatedDatabase } from '../../store/io/replicated-database.ts';
import { DEFINITIONS, type Definition } from '../../store/replication.ts';

/** A server that keeps the names of its tables, and what was inserted. */
class FakeServer implements StoreDatabase {
  readonly statements: string[] = [];
  readonly tokens: string[] = [];
  readonly definitions: Definition[] = [];
  steps: object[] = [];
  fault: StoreFault | undefined;
  /** Queries wait for it. */
  held: Promise<void> | undefined;
  /** How often it was opened and not closed. */
  open = 0;

  async command(sql: string): Promise<Result<undefined, StoreFault>> {
    if (this.fault !== undefined) return err(this.fault);
    this.statements.push(sql);
    const [, name = ''] =
      /^CREATE (?:OR REPLACE )?(?:TABLE|MATERIALIZED VIEW)(?: IF NOT EXISTS)? (\w+)/.exec(sql) ?? [];
    const [, engine = 'MaterializedView'] = /ENGINE = (\w+)/.exec(sql) ?? [];
    if (name !== '' && !this.definitions.some((each) => each.name === name))
      this.definitions.push({ name, engine, statement: sql.replace(' IF NOT EXISTS', '') });
    return ok(undefined);
  }

  async query<Row>(sql: string): Promise<Result<readonly Row[], StoreFault>> {
    if (this.fault !== undefined) return err(this.fault);
    if (sql === DEFINITIONS) await this.held;
    if (this.fault !== undefined) return err(this.fault);
    if (sql === DEFINITIONS) return ok(this.definitions as readonly unknown[] as readonly Row[]);
    return ok(sql.includes('FROM schema_steps') ? (this.steps as readonly unknown[] as readonly Row[]) : []);
  }

  async insert(table: string, lines: readonly string[], token: string): Promise<Result<undefined, StoreFault>> {
    if (this.fault !== undefined) return err(this.fault);
    if (table === 'schema_steps') this.steps = [...this.steps, ...lines.map((line) => JSON.parse(line) as object)];
    else this.tokens.push(token);
    return ok(undefined);
  }

  async settled(): Promise<Result<StoreDatabase, StoreFault>> {
    return this.fault === undefined ? ok(this) : err(this.fault);
  }

  async copies(): Promise<Result<readonly StoreDatabase[], StoreFault>> {
    return ok([this]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.open -= 1;
  }
}

const away: StoreFault = { kind: 'unreachable', code: 0, message: 'connection refused' };

let one: FakeServer;
let two: FakeServer;
let told: string[];
let database: ReplicatedDatabase;

beforeEach(() => {
  one = new FakeServer();
  two = new FakeServer();
  told = [];
  const servers = new Map([
    ['http://one', one],
    ['http://two', two],
  ]);
  database = new ReplicatedDatabase({
    database: 'postern',
    urls: [...servers.keys()],
    open: async (url) => {
      const server = servers.get(url);
      if (server === undefined) throw new Error(url);
      if (server.fault !== undefined) return err(server.fault);
      server.open += 1;
      return ok(server);
    },
    listener: {
      trouble: (what, details) => told.push(`${what} ${JSON.stringify(details)}`),
      well: (what, details) => told.push(`${what} ${JSON.stringify(details)}`),
    },
  });
});

const names = ({ definitions }: FakeServer): readonly string[] => definitions.map(({ name }) => name).toSorted();

test('both servers get the schema, and the first is asked', async () => {
  expect(await database.prepare()).toEqual(ok(undefined));
  expect(names(one)).toContain('events');
  expect(names(two)).toEqual(names(one));
  expect(two.steps).toEqual(one.steps);
  expect(one.steps.length).toBeGreaterThan(5);
  expect(await database.insert('events', ['{}'], 'a')).toEqual(ok(undefined));
  expect([one.tokens, two.tokens, told]).toEqual([['a'], [], []]);
});

test('a server that has a schema gives it to a new one that stands before it, and is asked', async () => {
  expect(await database.prepare()).toEqual(ok(undefined));
  // What a server that was made anew has when the steps cannot go on there.
  one.definitions.splice(0, one.definitions.length, ...one.definitions.filter(({ name }) => name === 'schema_steps'));
  one.steps = [];
  one.statements.length = 0;
  expect(await database.prepare()).toEqual(ok(undefined));
  expect(names(one)).toEqual(names(two));
  expect(one.steps).toEqual(two.steps);
  expect(one.statements.find((sql) => sql.includes(' events '))).toMatch(/^CREATE TABLE IF NOT EXISTS events \(/);
  await database.insert('events', ['{}'], 'a');
  expect([one.tokens, two.tokens]).toEqual([[], ['a']]);
});

test('what else is in the database is no affair of the store', async () => {
  one.definitions.push({ name: 'notes; DROP', engine: 'MergeTree', statement: 'CREATE TABLE `notes; DROP`' });
  expect(await database.prepare()).toEqual(ok(undefined));
  expect(names(two)).not.toContain('notes; DROP');
});

test('one that lacks a view is not asked: what is derived from events would be lost', async () => {
  await database.prepare();
  const at = two.definitions.findIndex(({ name }) => name === 'mails_from_events');
  two.definitions.splice(at, 1);
  one.fault = away;
  // The steps that it has done do not make it anew.
  expect(await database.insert('events', ['{}'], 'a')).toEqual(err(away));
  expect(two.tokens).toEqual([]);
  one.fault = undefined;
  expect((await database.copies()).ok).toBe(true);
  expect(names(two)).toContain('mails_from_events');
});

test.each([81, 60, 243, 252])('a server that answers with code %i is left for the other', async (code) => {
  await database.prepare();
  one.fault = { kind: 'refused', code, message: 'Database postern does not exist' };
  expect(await database.insert('events', ['{}'], 'a')).toEqual(ok(undefined));
  expect(two.tokens).toEqual(['a']);
  one.fault = undefined;
  one.definitions.length = 0;
  one.steps = [];
  expect(await database.copies()).toEqual(ok([one, two]));
  expect(names(one)).toEqual(names(two));
});

test('a look that is under way while another one comes to be asked does it no harm', async () => {
  await database.prepare();
  let release = (): void => undefined;
  one.held = new Promise((resolve) => {
    release = resolve;
  });
  two.held = one.held;
  const looking = database.copies();
  await new Promise((resolve) => setImmediate(resolve));
  one.fault = away;
  two.held = undefined;
  expect(await database.insert('events', ['{}'], 'a')).toEqual(ok(undefined));
  release();
  await looking;
  expect(await database.insert('events', ['{}'], 'b')).toEqual(ok(undefined));
  expect(two.tokens).toEqual(['a', 'b']);
  expect(told.filter((line) => line.includes('http://two'))).toEqual([
    'another replica is asked for the history {"replica":"http://two"}',
  ]);
  expect(two.open).toBe(1);
});

test('without any server it says why for each', async () => {
  one.fault = away;
  two.fault = { ...away, message: 'no such name' };
  expect(await database.prepare()).toEqual(err('http://one: connection refused; http://two: no such name'));
});

test('a server that is away at the start is told of once, and gets the schema when it is back', async () => {
  one.fault = away;
  expect(await database.prepare()).toEqual(ok(undefined));
  await database.insert('events', ['{}'], 'a');
  const away1 = 'a replica of the history cannot be used {"replica":"http://one","reason":"connection refused"}';
  expect([two.tokens, told]).toEqual([['a'], [away1]]);
  expect((await database.copies()).ok).toBe(false);
  expect(told).toEqual([away1]);
  one.fault = undefined;
  expect(await database.copies()).toEqual(ok([one, two]));
  expect(names(one)).toEqual(names(two));
  expect(told.slice(1)).toEqual(['a replica of the history can be used again {"replica":"http://one"}']);
});

test('what one that goes away was asked is asked of the other, which is asked from then on', async () => {
  await database.prepare();
  one.fault = away;
  expect(await database.insert('events', ['{}'], 'a')).toEqual(ok(undefined));
  expect(two.tokens).toEqual(['a']);
  expect(told).toEqual([
    'a replica of the history cannot be used {"replica":"http://one","reason":"connection refused"}',
    'another replica is asked for the history {"replica":"http://two"}',
  ]);
  one.fault = undefined;
  await database.insert('events', ['{}'], 'b');
  expect([one.tokens, two.tokens]).toEqual([[], ['a', 'b']]);
});

test.each(['data', 'refused'] as const)('a fault of the kind %s is not one of the server', async (kind) => {
  await database.prepare();
  one.fault = { kind, code: 27, message: 'no number' };
  expect(await database.insert('events', ['{}'], 'a')).toEqual(err(one.fault));
  expect([two.tokens, told]).toEqual([[], []]);
});

test('where all are away it says so, and goes on with whichever comes back', async () => {
  await database.prepare();
  one.fault = away;
  two.fault = { ...away, message: 'no route' };
  expect(await database.query('SELECT 1')).toEqual(err(away));
  two.fault = undefined;
  expect(await database.insert('events', ['{}'], 'a')).toEqual(ok(undefined));
  expect(two.tokens).toEqual(['a']);
});

test('copies are those of every server, and where one is missing it is named', async () => {
  await database.prepare();
  two.fault = away;
  expect(await database.copies()).toMatchObject({
    error: { kind: 'unreachable', message: expect.stringContaining('http://two is not: connection refused') },
  });
});

test('tables that are not replicated are not taken for ones that are', async () => {
  one.definitions.push({ name: 'events', engine: 'MergeTree', statement: '' });
  expect(await database.prepare()).toEqual(
    err(
      'http://one: table events was made without replication: name another `store.database`, which is filled from what the log has',
    ),
  );
});

test('every connection is closed', async () => {
  await database.prepare();
  await database.copies();
  expect([one.open, two.open]).toEqual([1, 1]);
  await database[Symbol.asyncDispose]();
  expect([one.open, two.open]).toEqual([0, 0]);
});
