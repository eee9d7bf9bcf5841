import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Child } from '../support/child.ts';
import { Postern, postern, until } from '../support/postern.ts';
import { Site } from '../support/site.ts';
import { openTestStore, rowsOf, wronglyDerived } from '../support/store.ts';

const KEEPS = 'the store keeps the history';

async function metric(site: Site, name: string): Promise<number | undefined> {
  const text = await (await site.get('/metrics')).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

/** Once the store has every record of the log. */
const complete = (site: Site): Promise<true> =>
  until(
    async () => ((await metric(site, 'postern_store_unseen_records')) === 0 ? true : undefined),
    () => 'the store to have everything',
  );

/** A site that has one message in its log and its history, and has been stopped. */
async function withOneMessage(): Promise<Site> {
  const site = await Site.open({ store: { kind: 'chdb' } });
  const running = await site.start();
  await running.line(KEEPS);
  expect(await site.send()).toBe(250);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await complete(site);
  expect(await running.stop()).toBe(0);
  return site;
}

test('mail through the whole product is in the history; it is filled anew from the log', async () => {
  const site = await Site.open({ store: { kind: 'chdb' } });
  const running = await site.start();
  await running.line(KEEPS);
  for (let count = 0; count < 5; count += 1) expect(await site.send()).toBe(250);
  expect(await site.rcpt('x@elsewhere.example')).toBe(554);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await complete(site);
  expect(await metric(site, 'postern_store_behind_seconds')).toBeLessThan(10);

  // The files belong to the store that runs.
  const second = await postern(['store', '--config', site.file]);
  expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/is the store running already/)]);
  expect(await running.stop()).toBe(0);
  const events = await site.events();

  const rebuilt = await postern(['store', '--rebuild', '--config', site.file]);
  expect([rebuilt.code, rebuilt.stdout]).toEqual([
    0,
    expect.stringMatching(/^\d+ records of the log are in the store\n$/),
  ]);
  const database = await openTestStore(join(site.data, 'store', 'chdb'), 'postern');
  onTestFinished(() => database[Symbol.asyncDispose]());
  const [row] = await rowsOf<{ count: number }>(database, 'SELECT count() AS count FROM events');
  expect(Number(row?.count)).toBe(events.length);
  expect(await rowsOf(database, "SELECT outcome, acceptedCount FROM mails WHERE outcome = 'accepted'")).toHaveLength(5);
  expect(
    await rowsOf(database, "SELECT sum(verdicts) AS count FROM verdicts_by_minute WHERE rule = 'relay.denied'"),
  ).toEqual([{ count: 1 }]);
  expect(await wronglyDerived(database)).toEqual([]);
});

test('history that the log does not hold any more is thrown away only when told to', async () => {
  const site = await withOneMessage();
  // The log is lost, and a new one begins: nothing of the old history is in it.
  rmSync(join(site.data, 'log'), { recursive: true });
  const again = await site.start();
  await again.line('the log is not the one that the store has read: the new one is read from its start');
  expect(await site.send()).toBe(250);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await complete(site);
  expect(await again.stop()).toBe(0);
  const refused = await postern(['store', '--rebuild', '--config', site.file]);
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/\d+ events, sessions and decisions of the history .*--discard-older/),
  ]);
  const done = await postern(['store', '--rebuild', '--discard-older', '--config', site.file]);
  expect(done.code).toBe(0);
  const database = await openTestStore(join(site.data, 'store', 'chdb'), 'postern');
  onTestFinished(() => database[Symbol.asyncDispose]());
  expect(await rowsOf(database, "SELECT count() AS count FROM mails WHERE outcome = 'accepted'")).toEqual([
    { count: 1 },
  ]);
});

test('a rebuild that was cut off anywhere is mended by the next start', async () => {
  const site = await withOneMessage();
  const cut = await Child.start('store-cut.ts', [
    join(site.data, 'store', 'chdb'),
    'schema_steps',
    'sessions_from_events',
    'decisions',
    'events',
  ]);
  await cut.kill();
  const rebuilt = await postern(['store', '--rebuild', '--config', site.file]);
  expect([rebuilt.code, rebuilt.stderr]).toEqual([0, '']);
  const database = await openTestStore(join(site.data, 'store', 'chdb'), 'postern');
  onTestFinished(() => database[Symbol.asyncDispose]());
  expect(await rowsOf(database, "SELECT count() AS count FROM mails WHERE outcome = 'accepted'")).toEqual([
    { count: 1 },
  ]);
  expect(await wronglyDerived(database)).toEqual([]);
});

test('a server that is not there is told once, and waited for; mail goes through', async () => {
  const site = await Site.open({ store: { kind: 'clickhouse', url: 'http://127.0.0.1:9' } });
  const running = await site.start();
  const line = await running.line('the ClickHouse server cannot be used yet');
  expect(line['fault']).toMatch(/^http:\/\/127\.0\.0\.1:9: .*/);
  expect(await site.send()).toBe(250);
  expect(await running.stop()).toBe(0);
});

test('what a server says in several lines is told in one, by us alone', async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(500, { 'x-clickhouse-exception-code': '62' });
    response.end('Code: 62. DB::Exception: Syntax error:\n\nCREATE. (SYNTAX_ERROR)\n');
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const site = await Site.open({ store: { kind: 'clickhouse', url } });
  const running = await site.start();
  const line = await running.line('the ClickHouse server cannot be used yet');
  expect(line['fault']).toMatch(/^http:.*Syntax error:\n\nCREATE/);
  expect(await running.stop()).toBe(0);
  expect(running.stderr.split('\n').filter((each) => each !== '' && !each.startsWith('{'))).toEqual([]);
});

test('a store without an address of its server, or with one that it has no use for, is a fault of the configuration', async () => {
  const site = await Site.open({ store: { kind: 'clickhouse' } });
  site.write();
  const { code, stdout, stderr } = await postern(['check', '--config', site.file]);
  expect(code).toBe(1);
  expect(stdout + stderr).toMatch(/store\.kind.*the server has no address/s);
  site.write({ store: { kind: 'none', url: 'http://127.0.0.1:8123' } });
  const other = await postern(['check', '--config', site.file]);
  expect(other.stdout + other.stderr).toMatch(/a store of the kind none has no server/);
  const [one, two] = ['http://192.0.2.1:8123', 'http://192.0.2.2:8123'];
  for (const [store, fault] of [
    [{ kind: 'clickhouse', replicas: [one, two] }, undefined],
    [{ kind: 'clickhouse', url: one, replicas: [one] }, /store\.url.*the servers are named in `replicas`/s],
    [{ kind: 'clickhouse', replicas: [one, two, one] }, /store\.replicas\[2\].*stands there twice/s],
    [{ kind: 'chdb', replicas: [one] }, /store\.replicas.*a store of the kind chdb has no server/s],
    [
      { kind: 'clickhouse', replicas: Array.from({ length: 9 }, (_, at) => `http://192.0.2.${at}:1`) },
      /store\.replicas/,
    ],
    [{ kind: 'clickhouse', replicas: ['http://me:secret@192.0.2.1'] }, /store\.replicas\[0\]/],
  ] as const) {
    site.write({ store });
    const checked = await postern(['check', '--config', site.file]);
    if (fault === undefined) expect(checked.code).toBe(0);
    else expect(checked.stdout + checked.stderr).toMatch(fault);
    expect(checked.stdout + checked.stderr).not.toContain('secret');
  }
});

test('--help says what --rebuild does', async () => {
  const help = new Postern(['store', '--help']);
  await help.closed;
  expect(help.stdout).toMatch(/--rebuild/);
});

test('a machine for which there is no chDB: the store says so, and mail and console go on', async () => {
  const site = await Site.open({ store: { kind: 'chdb' }, web: { port: 0 } });
  const withoutChdb = fileURLToPath(new URL('../support/without-chdb.cjs', import.meta.url));
  const running = await site.start({ NODE_OPTIONS: `--require=${withoutChdb}` });
  const { fault } = await running.line('the store cannot run');
  expect(fault).toMatch(/^chDB is not there for this machine \(.+\): set `store\.kind` to `clickhouse` or `none`$/);
  await running.beginning('the console is at');
  expect(await site.send()).toBe(250);
  expect(await running.stop()).toBe(0);
});
