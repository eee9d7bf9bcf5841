import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { prepare } from '../../cli/io/open-store.ts';
import { Forgetter } from '../../events/forgetter.ts';
import { ok } from '../../lib/result.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { openClickHouse } from '../../store/io/clickhouse-database.ts';
import { ClickHouseHistory } from '../../store/io/clickhouse-history.ts';
import { forgetInHistory } from '../../store/io/history-forgetter.ts';
import { ReplicatedDatabase } from '../../store/io/replicated-database.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { ACTS, fillWhileKilling, KILLS, SEED } from '../support/clickhouse/killing.ts';
import { linesOf, logOf, someEvents } from '../support/clickhouse/past.ts';
import {
  ClickHouseServer,
  composePasswords,
  describeClickHouse,
  usersOfCompose,
} from '../support/clickhouse/server.ts';
import { ZooKeeper, zooKeeperNeeds } from '../support/clickhouse/zookeeper.ts';
import { aCommand } from '../support/events.ts';
import { aForgetting } from '../support/forgetting.ts';
import { configFileOf, configIn } from '../support/packaging.ts';
import { Postern, postern, until } from '../support/postern.ts';
import { Site } from '../support/site.ts';
import { TestJournal, wronglyDerived } from '../support/store.ts';

/** How long one that is frozen is waited for, milliseconds. */
const FROZEN_MS = 3000;

const login = { username: 'postern_store', password: composePasswords.CLICKHOUSE_STORE_PASSWORD };
/** The events here are some years old. */
const kept = { eventsKeptDays: 3650, summariesKeptDays: 3600 };
const ofCompose = configIn(configFileOf('store'));
const config = { ...ofCompose, store: { ...ofCompose.store, ...kept } };

describeClickHouse(
  'servers of ClickHouse with copies of the same tables',
  () => {
    let keeper: ZooKeeper;
    let names = 0;
    // They know tables by their path there, which is the same in each test.
    beforeEach(async () => {
      keeper = await ZooKeeper.start();
    }, 120_000);
    afterEach(() => keeper[Symbol.asyncDispose]());

    async function aReplica(): Promise<ClickHouseServer> {
      names += 1;
      const replica = { name: `replica-${names}`, zooKeeperPort: keeper.port };
      const server = await ClickHouseServer.start({ users: usersOfCompose(), environment: composePasswords, replica });
      onTestFinished(() => server[Symbol.asyncDispose]());
      return server;
    }

    /** What is told of the replicas goes to `told`. */
    function replicated(
      name: string,
      servers: readonly ClickHouseServer[],
      told: string[] = [],
      statementMsMax = 20_000,
    ): ReplicatedDatabase {
      const tell = (what: string, details: object): void => {
        told.push(`${what} ${JSON.stringify(details)}`);
      };
      const database = new ReplicatedDatabase({
        database: name,
        urls: servers.map(({ url }) => url),
        open: (url) => openClickHouse({ ...login, url, statementMsMax }, name),
        listener: { trouble: tell, well: tell },
      });
      onTestFinished(() => database[Symbol.asyncDispose]());
      return database;
    }

    async function prepared(name: string, servers: readonly ClickHouseServer[]): Promise<ReplicatedDatabase> {
      const database = replicated(name, servers);
      expect(await prepare(database, config)).toEqual(ok(undefined));
      return database;
    }

    /** What a server has, once it has all that the others took. */
    async function settled(database: ReplicatedDatabase): Promise<readonly StoreDatabase[]> {
      const copies = await database.copies();
      if (!copies.ok) throw new Error(copies.error.message);
      for (const copy of copies.value)
        await until(
          async () => ((await copy.settled()).ok ? true : undefined),
          // One that was just started takes a moment to be one of them.
          () => 'it has all that the others took',
          120_000,
        );
      return copies.value;
    }

    const countAt = async (server: ClickHouseServer, name: string): Promise<string> =>
      (await server.query(`SELECT count(), uniqExact(logPartition, logOffset) FROM ${name}.events`)).trim();

    test('what one took the other has, and neither takes it twice', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      const database = await prepared('postern', servers);
      const lines = linesOf(someEvents(200));
      expect(await database.insert('events', lines, 'the token')).toEqual(ok(undefined));
      const copies = await settled(database);
      expect(copies).toHaveLength(2);
      for (const copy of copies) {
        expect(await copy.insert('events', lines, 'the token')).toEqual(ok(undefined));
        expect(await wronglyDerived(copy)).toEqual([]);
      }
      for (const server of servers) expect(await countAt(server, 'postern')).toBe(`${lines.length}\t${lines.length}`);
      // How long they are kept was told to one of them.
      const [table] = await servers[1].rows<{ definition: string }>(
        "SELECT create_table_query AS definition FROM system.tables WHERE database = 'postern' AND name = 'events'",
      );
      expect(table?.definition).toContain(`toIntervalDay(${kept.eventsKeptDays})`);
    });

    test(
      'with servers that are killed in the middle of inserts each event is at each of them once, and all that is derived with it',
      async () => {
        const servers = [await aReplica(), await aReplica()] as const;
        const told: string[] = [];
        const database = replicated('postern', servers, told);
        expect(await prepare(database, config)).toEqual(ok(undefined));
        const events = someEvents(ACTS);
        const { kills } = await fillWhileKilling(database, servers, await logOf(events));
        const seed = `CLICKHOUSE_SEED=${SEED}`;
        expect(kills, seed).toHaveLength(KILLS);
        expect(told.join('\n'), seed).toContain('another replica is asked for the history');
        for (const copy of await settled(database)) expect(await wronglyDerived(copy), seed).toEqual([]);
        for (const server of servers)
          expect(await countAt(server, 'postern'), seed).toBe(`${events.length}\t${events.length}`);
      },
      120_000 + KILLS * 8000,
    );

    test('a store without its journal does not take a copy that lags behind for all there is', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      const events = someEvents(400);
      const log = await logOf(events);
      const listener = { trouble: () => undefined };
      const never = new AbortController().signal;
      const first = await prepared('postern', servers);
      // The other one is there, and gets nothing.
      await servers[1].query('SYSTEM STOP FETCHES');
      const writer = new StoreWriter({ log, database: first, journal: new TestJournal(), listener });
      await writer.begin(never);
      await writer.catchUp(never);
      expect(await countAt(servers[1], 'postern')).toBe('0\t0');
      const second = await prepared('postern', [servers[1], servers[0]]);
      void setTimeout(1000).then(() => servers[1].query('SYSTEM START FETCHES'));
      const again = new StoreWriter({ log, database: second, journal: new TestJournal(), listener });
      await again.begin(never);
      await again.catchUp(never);
      for (const copy of await settled(second)) expect(await wronglyDerived(copy)).toEqual([]);
      for (const server of servers) expect(await countAt(server, 'postern')).toBe(`${events.length}\t${events.length}`);
    });

    test('a log that is shorter than the store is compared with all that the copies took', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      const events = someEvents(400);
      const never = new AbortController().signal;
      const listener = { trouble: () => undefined };
      const journal = new TestJournal();
      const first = await prepared('postern', servers);
      await servers[1].query('SYSTEM STOP FETCHES postern.events');
      const writer = new StoreWriter({ log: await logOf(events), database: first, journal, listener });
      await writer.begin(never);
      await writer.catchUp(never);
      // The one that is asked now has none of them, and the end of the log was lost.
      const second = await prepared('postern', [servers[1], servers[0]]);
      void setTimeout(1000).then(() => servers[1].query('SYSTEM START FETCHES postern.events'));
      const log = await logOf(events.slice(0, -30));
      const again = new StoreWriter({ log, database: second, journal, listener });
      await again.begin(never);
      await again.catchUp(never);
      await settled(second);
      for (const server of servers) expect(await countAt(server, 'postern')).toBe(`${events.length}\t${events.length}`);
    });

    test('the one that is asked comes back without its disk: the other one is asked, and gives it all', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      const lost = `replica-${names - 1}`;
      const told: string[] = [];
      const database = replicated('postern', servers, told);
      expect(await prepare(database, config)).toEqual(ok(undefined));
      const lines = linesOf(someEvents(100));
      expect(await database.insert('events', lines, 'one')).toEqual(ok(undefined));
      await settled(database);
      await servers[0].kill();
      servers[0].loseDisk();
      await servers[0].restart();
      expect(await database.insert('events', lines, 'two')).toEqual(ok(undefined));
      expect(told.join('\n')).toContain(`another replica is asked for the history {"replica":"${servers[1].url}"}`);
      await until(
        () => servers[1].query(`SYSTEM DROP REPLICA '${lost}' FROM DATABASE postern`).catch(() => undefined),
        () => 'the old self is dropped',
        60_000,
      );
      for (const copy of await settled(database)) expect(await wronglyDerived(copy)).toEqual([]);
      for (const server of servers)
        expect((await countAt(server, 'postern')).split('\t')[0]).toBe(`${2 * lines.length}`);
    });

    test('an empty server that stands first does not stand in the way of one that was away', async () => {
      const full = await aReplica();
      const lines = linesOf(someEvents(50));
      const before = await prepared('postern', [full]);
      expect(await before.insert('events', lines, 'one')).toEqual(ok(undefined));
      await full.kill();
      const empty = await aReplica();
      const told: string[] = [];
      const database = replicated('postern', [empty, full], told);
      // Keeper knows tables of a later step than the first.
      expect(await prepare(database, config)).toMatchObject({ ok: false });
      await full.restart();
      expect(await prepare(database, config)).toEqual(ok(undefined));
      for (const copy of await settled(database)) expect(await wronglyDerived(copy)).toEqual([]);
      expect(await countAt(empty, 'postern')).toBe(`${lines.length}\t${lines.length}`);
    });

    test('a server that joins later gets all of it; one that lost its disk is told of, and joins when its old self is dropped', async () => {
      const first = await aReplica();
      const alone = await prepared('postern', [first]);
      const lines = linesOf(someEvents(100));
      expect(await alone.insert('events', lines, 'one')).toEqual(ok(undefined));

      const second = await aReplica();
      const told: string[] = [];
      const both = replicated('postern', [first, second], told);
      expect(await prepare(both, config)).toEqual(ok(undefined));
      for (const copy of await settled(both)) expect(await wronglyDerived(copy)).toEqual([]);
      expect(await countAt(second, 'postern')).toBe(`${lines.length}\t${lines.length}`);
      expect(told).toEqual([]);

      await second.kill();
      second.loseDisk();
      await second.restart();
      expect(await both.copies()).toMatchObject({
        error: { kind: 'unreachable', message: expect.stringContaining(second.url) },
      });
      expect(told).toEqual([expect.stringMatching(/^a replica of the history cannot be used .*already exists/)]);
      // Keeper takes its old self for alive as long as its session was to last.
      await until(
        () => first.query(`SYSTEM DROP REPLICA 'replica-${names}' FROM DATABASE postern`).catch(() => undefined),
        () => 'the old self is dropped',
        60_000,
      );
      for (const copy of await settled(both)) expect(await wronglyDerived(copy)).toEqual([]);
      expect(await countAt(second, 'postern')).toBe(`${lines.length}\t${lines.length}`);
      expect(told.slice(1)).toEqual([expect.stringMatching(/^a replica of the history can be used again/)]);
    });

    test('somebody is forgotten at each of them, and not while one is away', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      const database = await prepared('postern', servers);
      const event = aCommand({ at: Date.now(), forwardPath: 'anna@example.com' });
      expect(await database.insert('events', linesOf([event]), 'one')).toEqual(ok(undefined));
      const forget = () =>
        forgetInHistory({
          database,
          forgetter: new Forgetter(aForgetting()),
          isDryRun: false,
          signal: new AbortController().signal,
          onColumn: () => undefined,
        });
      await servers[1].kill();
      expect(await forget()).toMatchObject({ error: { message: expect.stringContaining(servers[1].url) } });
      await servers[1].restart();
      expect(await forget()).toMatchObject(ok({ events: 1 }));
      for (const server of servers) {
        expect(await server.query('SELECT forwardPath FROM postern.events')).toBe(
          'forgotten-qwertyuiopasdfgh@example.com\n',
        );
        expect(await server.query("SELECT command FROM system.mutations WHERE database = 'postern'")).not.toMatch(
          /anna/i,
        );
        expect(await server.query("SELECT name FROM system.tables WHERE name = 'forgetting'")).toBe('');
      }
    });

    test('without Keeper nothing is taken, and nothing is lost', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      const database = await prepared('postern', servers);
      await keeper.kill();
      const lines = linesOf(someEvents(50));
      const inserting1 = database.insert('events', lines, 'one');
      await setTimeout(2000);
      await keeper.restart();
      let inserted = await inserting1;
      for (let tries = 0; !inserted.ok && tries < 20; tries += 1) {
        expect(inserted.error.kind).toBe('unreachable');
        await setTimeout(1000);
        inserted = await database.insert('events', lines, 'one');
      }
      expect(inserted).toEqual(ok(undefined));
      for (const copy of await settled(database)) expect(await wronglyDerived(copy)).toEqual([]);
      for (const server of servers) expect(await countAt(server, 'postern')).toBe(`${lines.length}\t${lines.length}`);
    });

    test('one that is frozen in the middle of an insert is left for the other, and has each event once when it thaws', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      const told: string[] = [];
      const database = replicated('postern', servers, told, FROZEN_MS);
      expect(await prepare(database, config)).toEqual(ok(undefined));
      const lines = linesOf(someEvents(300));
      const running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO events%'";
      let inserts = 0;
      for (let isFrozen = false; !isFrozen; ) {
        inserts += 1;
        let isDone = false;
        const begun = database.insert('events', lines, `batch ${inserts}`).finally(() => {
          isDone = true;
        });
        while (!isDone && !isFrozen) isFrozen = (await servers[0].query(running)) !== '0\n';
        if (isFrozen) servers[0].signal('SIGSTOP');
        expect(await begun).toEqual(ok(undefined));
      }
      expect(told.join('\n')).toContain(`another replica is asked for the history {"replica":"${servers[1].url}"}`);
      servers[0].signal('SIGCONT');
      for (const copy of await settled(database)) expect(await wronglyDerived(copy)).toEqual([]);
      for (const server of servers)
        expect((await countAt(server, 'postern')).split('\t')[0]).toBe(`${inserts * lines.length}`);
    });

    test('postern store goes on at another one, and fills all of them anew', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      const site = await Site.open();
      await site.start();
      const file = join(site.folder, 'store.yaml');
      const store = {
        kind: 'clickhouse',
        replicas: servers.map(({ url }) => url),
        username: login.username,
        password: { env: 'CLICKHOUSE_STORE_PASSWORD' },
      };
      writeFileSync(file, stringify({ ...site.config, store }));
      const args = ['--config', file];
      const running = new Postern(['store', ...args], { env: composePasswords });
      await running.line('the store keeps the history');
      const arrived = (server: ClickHouseServer, count: number) =>
        until(
          async () =>
            (await server.query("SELECT count() FROM postern.mails WHERE outcome = 'accepted'")) === `${count}\n`
              ? true
              : undefined,
          () => `${count} messages in the history:\n${running.stderr}`,
        );
      expect(await site.send()).toBe(250);
      for (const server of servers) await arrived(server, 1);
      await servers[0].kill();
      expect(await site.send()).toBe(250);
      await arrived(servers[1], 2);
      const { replica } = await running.line('another replica is asked for the history');
      expect(replica).toBe(servers[1].url);
      expect(await running.stop()).toBe(0);
      expect(await site.process.stop()).toBe(0);
      const events = await site.events();

      const refused = await postern(['store', '--rebuild', ...args], { env: composePasswords });
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`${servers[0].url} is not:`)]);
      expect(await servers[1].query('SELECT count() > 0 FROM postern.events')).toBe('1\n');
      await servers[0].restart();
      const rebuilt = await postern(['store', '--rebuild', ...args], { env: composePasswords });
      expect([rebuilt.code, rebuilt.stderr]).toEqual([0, '']);
      for (const server of servers)
        await until(
          async () => ((await countAt(server, 'postern')) === `${events.length}\t${events.length}` ? true : undefined),
          () => 'every event',
        );
    });

    test('the console asks another one when the one that it asked is away', async () => {
      const servers = [await aReplica(), await aReplica()] as const;
      await prepared('postern', servers);
      const [url, ...otherUrls] = servers.map((server) => server.url);
      const reader = { username: 'postern_reader', password: composePasswords.CLICKHOUSE_READER_PASSWORD };
      await using history = new ClickHouseHistory(() =>
        ok({ ...reader, url: url ?? '', otherUrls, database: 'postern' }),
      );
      const ask = () => history.ask('SELECT count() AS count FROM events');
      expect(await ask()).toMatchObject({ ok: true, value: { rows: [[0]] } });
      await servers[0].kill();
      const asked = await Promise.all([ask(), ask(), ask()]);
      expect(asked.map(({ ok: isAnswered }) => isAnswered)).toEqual([true, true, true]);
      expect(await history.isThere()).toBe(true);
      await servers[1].kill();
      expect(await history.isThere()).toBe(false);
      expect(await ask()).toMatchObject({ ok: false, error: { kind: 'away' } });
      await servers[0].restart();
      expect(await ask()).toMatchObject({ ok: true });
    });
  },
  zooKeeperNeeds,
);
