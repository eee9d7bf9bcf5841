import { once } from 'node:events';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { answerLine } from '../../cli/gate/management.ts';
import { HTTP_CONNECTIONS_MAX, HttpServer } from '../../cli/io/http-server.ts';
import { askLine, LINE_TIMEOUT_MS, LineServer, REQUEST_OCTETS_MAX } from '../../cli/io/line-socket.ts';
import { Child } from '../support/child.ts';
import { TestGate } from '../support/gate.ts';
import { until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { slowRequests } from '../support/slow-requests.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function echoServer(path: string) {
  const opened = await LineServer.open(path, async (line) => `you said ${line}`);
  if (opened.ok) onTestFinished(() => opened.value[Symbol.asyncDispose]());
  return opened;
}

test('one line is answered with one line; nobody else may connect', async () => {
  const path = join(temporaryDirectory(), 'run', 'a.sock');
  expect((await echoServer(path)).ok).toBe(true);
  expect(await askLine(path, 'hello')).toEqual({ ok: true, value: 'you said hello' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
});

test('the socket of a living process is not taken, that of a dead one is', async () => {
  const path = join(temporaryDirectory(), 'run', 'a.sock');
  await echoServer(path);
  expect(await echoServer(path)).toEqual({
    ok: false,
    error: `another Postern uses ${path}: give each its own dataDirectory`,
  });
  const stale = join(temporaryDirectory(), 'run', 'log.sock');
  const dead = await Child.start('log-process.ts', [join(stale, '..', '..', 'log'), stale]);
  await dead.kill();
  expect((await echoServer(stale)).ok).toBe(true);
});

test.each([
  {
    name: 'a path that is too long',
    path: (folder: string) => join(folder, 'x'.repeat(100), 'a.sock'),
    want: /too long for a socket/,
  },
  {
    name: 'a folder that others may enter',
    path: (folder: string) => {
      chmodSync(folder, 0o755);
      return join(folder, 'a.sock');
    },
    want: /must belong to Postern alone: chmod 700/,
  },
  {
    name: 'a file in the way',
    path: (folder: string) => {
      writeFileSync(join(folder, 'a.sock'), '');
      return join(folder, 'a.sock');
    },
    want: /is in the way: it is no socket/,
  },
])('$name is one line for the operator', async ({ path, want }) => {
  const opened = await echoServer(path(temporaryDirectory()));
  expect(opened.ok ? '' : opened.error).toMatch(want);
});

test('a request without end is cut off, and a client that says nothing is not waited for', async () => {
  const path = join(temporaryDirectory(), 'run', 'a.sock');
  await echoServer(path);
  expect(await askLine(path, 'x'.repeat(REQUEST_OCTETS_MAX + 2))).toMatchObject({ ok: false });
  const silent = connect(path);
  const started = performance.now();
  await once(silent.resume(), 'close');
  expect(performance.now() - started).toBeGreaterThan(LINE_TIMEOUT_MS - 500);
  expect(await askLine(path, 'still there')).toEqual({ ok: true, value: 'you said still there' });
});

test('a gate that does not answer is not waited for', async () => {
  const path = join(temporaryDirectory(), 'a.sock');
  const mute = createServer().listen(path);
  onTestFinished(() => void mute.close());
  await once(mute, 'listening');
  expect(await askLine(path, 'hello')).toEqual({ ok: false, error: 'no answer in time' });
});

test('a request that is none gets an answer that says so', async () => {
  const path = join(temporaryDirectory(), 'run', 'a.sock');
  const opened = await LineServer.open(path, (line) =>
    answerLine(line, async () => ({ ok: false, reason: 'reached' })),
  );
  if (opened.ok) onTestFinished(() => opened.value[Symbol.asyncDispose]());
  const answer = await askLine(path, '{"verb":"stop"}');
  expect(answer.ok && JSON.parse(answer.value)).toEqual({ ok: false, reason: 'no request that is known' });
});

test('metrics and health answer GET, and nothing else; a page that fails is a 500', async () => {
  const told: string[] = [];
  const tell = (_fields: object, message: string) => void told.push(message);
  const pages = new Map([
    ['/healthz', async () => ({ status: 200, type: 'text/plain', body: 'ok\n' })],
    ['/broken', () => Promise.reject(new Error('broken'))],
  ]);
  const opened = await HttpServer.open({ address: '127.0.0.1', port: 0 }, pages, {
    error: tell,
    warn: tell,
    info: tell,
  });
  if (!opened.ok) throw new Error(opened.error);
  onTestFinished(() => opened.value[Symbol.asyncDispose]());
  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${opened.value.port}${path}`, { method });
  expect(await (await get('/healthz?x=1')).text()).toBe('ok\n');
  const statuses = await Promise.all([
    get('/'),
    get('/healthz', 'POST'),
    get('/healthz', 'HEAD'),
    get('/broken'),
    get('/constructor'),
  ]);
  expect(statuses.map(({ status }) => status)).toEqual([404, 405, 200, 500, 404]);
  expect(told).toEqual(['a page of metrics or health failed']);
});

test('requests for metrics that take too long to arrive are ended; others are answered meanwhile, and have their places behind them', async () => {
  const requestMsMax = 1000;
  const pages = new Map([['/healthz', async () => ({ status: 200, type: 'text/plain', body: 'ok\n' })]]);
  const tell = (): void => undefined;
  const logger = { error: tell, warn: tell, info: tell };
  const opened = await HttpServer.open({ address: '127.0.0.1', port: 0, requestMsMax }, pages, logger);
  if (!opened.ok) throw new Error(opened.error);
  onTestFinished(() => opened.value[Symbol.asyncDispose]());
  const { port } = opened.value;
  const health = (): Promise<string> =>
    fetch(`http://127.0.0.1:${port}/healthz`, { headers: { connection: 'close' } }).then(
      (response) => response.text(),
      () => 'no place',
    );
  const slow = [...slowRequests(port, '', HTTP_CONNECTIONS_MAX - 1)];
  expect(await health()).toBe('ok\n');
  slow.push(...slowRequests(port, '', 1));
  expect(await health()).toBe('no place');
  await until(
    () => (slow.every(({ closed }) => closed) ? true : undefined),
    () => 'the end of all',
  );
  for (const { lastedMs } of slow) expect(lastedMs).toBeLessThan(2 * requestMsMax);
  expect(await health()).toBe('ok\n');
});

test('a gate that lets nobody in says 421 to new clients, and lets those that are in go on', async () => {
  await using upstream = await ScriptedUpstream.listen();
  await using gate = await TestGate.open(upstream.port);
  const before = await RawClient.connect(gate.port());
  expect(await before.code()).toBe(220);
  gate.gate.suspend(true);
  const refused = await RawClient.connect(gate.port());
  expect(await refused.code()).toBe(421);
  expect(await before.say('EHLO c.example.net')).toBe(250);
  gate.gate.suspend(false);
  const after = await RawClient.connect(gate.port());
  expect(await after.code()).toBe(220);
  for (const client of [before, refused, after]) client.destroy();
});
