import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONNECTIONS_MAX, HttpInterface } from '../../store/io/http-interface.ts';
import { QUERIES_MAX } from '../../store/io/read-pool.ts';
import { openHistory, type TestHistory, testCredentials, testLimits } from '../support/history.ts';
import { slowRequests } from '../support/slow-requests.ts';

const ANSWER_MS_MAX = 500;
const REQUEST_MS_MAX = 1500;

let history: TestHistory;
beforeAll(async () => {
  history = await openHistory(
    { resultOctetsMax: 67_108_864, memoryOctetsMax: 536_870_912 },
    { answerMsMax: ANSWER_MS_MAX, requestMsMax: REQUEST_MS_MAX },
  );
});
afterAll(() => history.close());

const { username, password } = testCredentials;
const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
const ask = (query: string) => fetch(`${history.url}/`, { method: 'POST', body: query, headers: { authorization } });

/** Sends a request and reads nothing of its answer. */
function deaf(query: string) {
  const socket = connect({ host: '127.0.0.1', port: history.http.port });
  socket.on('error', () => undefined);
  const head = `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: ${query.length}\r\n\r\n`;
  socket.pause().write(`${head}${query}`);
  return socket;
}

// The first of all: a connection that another test keeps open would have a place.
test('requests that take too long to arrive are ended, each within its time; others are served meanwhile and have their places behind them', async () => {
  const alone = (): Promise<string> =>
    fetch(`${history.url}/`, {
      method: 'POST',
      body: 'SELECT 1',
      headers: { authorization, connection: 'close' },
    }).then(
      (response) => response.text(),
      () => 'no place',
    );
  const slow = [...slowRequests(history.http.port, `Authorization: ${authorization}\r\n`, CONNECTIONS_MAX - 1)];
  expect(await alone()).toBe('1\n');
  expect(slow.some(({ closed }) => closed)).toBe(false);
  slow.push(...slowRequests(history.http.port, '', 1));
  await Promise.all(slow.map(({ socket }) => socket.connecting && once(socket, 'connect')));
  expect(await alone()).toBe('no place');
  await expect.poll(() => slow.every(({ closed }) => closed), { timeout: 10_000 }).toBe(true);
  for (const { lastedMs } of slow) expect(lastedMs).toBeGreaterThan(0.8 * REQUEST_MS_MAX);
  for (const { lastedMs } of slow) expect(lastedMs).toBeLessThan(2 * REQUEST_MS_MAX);
  expect(await alone()).toBe('1\n');
});

test('whoever does not fetch his answer loses it, and others are served', async () => {
  const large = "SELECT repeat('x', 1000) FROM numbers(40000)";
  const sockets = Array.from({ length: QUERIES_MAX }, () => deaf(large));
  await sleep(200);
  const startMs = performance.now();
  expect(await (await ask('SELECT 1')).text()).toBe('1\n');
  expect(performance.now() - startMs).toBeLessThan(ANSWER_MS_MAX + 5000);
  for (const socket of sockets) socket.destroy();
  expect((await (await ask(large)).text()).length).toBe(40_040_000);
});

test('a client that goes away while it waits leaves no query behind', async () => {
  const busy = Array.from({ length: QUERIES_MAX }, () => ask('SELECT sleep(1)'));
  await sleep(100);
  const gone = Array.from({ length: 10 }, () => deaf('SELECT sleep(2)'));
  await sleep(100);
  for (const socket of gone) socket.destroy();
  const startMs = performance.now();
  expect(await (await ask('SELECT 1')).text()).toBe('1\n');
  expect(performance.now() - startMs).toBeLessThan(2500);
  await Promise.all(busy);
});

test('a client that goes away while its query runs ends it', async () => {
  const gone = Array.from({ length: QUERIES_MAX }, () => deaf('SELECT count() FROM numbers(1000000000000)'));
  await sleep(300);
  for (const socket of gone) socket.destroy();
  const startMs = performance.now();
  expect(await (await ask('SELECT 1')).text()).toBe('1\n');
  expect(performance.now() - startMs).toBeLessThan(5000);
});

test('a port that is taken is told in one line', async () => {
  const second = await HttpInterface.open({
    address: '127.0.0.1',
    port: history.http.port,
    credentials: testCredentials,
    directory: history.directory,
    database: 'postern',
    limits: testLimits,
    trouble: () => undefined,
  });
  expect(second).toEqual({
    ok: false,
    error: expect.stringMatching(/^cannot listen on 127\.0\.0\.1 port \d+: .*EADDRINUSE/),
  });
});

test('at the end queries that run are ended, and their clients are let go', async () => {
  const running = ask('SELECT count() FROM numbers(1000000000000)').then(
    () => 'answered',
    () => 'let go',
  );
  await sleep(200);
  const startMs = performance.now();
  await history.http[Symbol.asyncDispose]();
  expect(await running).toBe('let go');
  expect(performance.now() - startMs).toBeLessThan(5000);
  expect(await history.database.query('SELECT 1 AS n')).toEqual({ ok: true, value: [{ n: 1 }] });
});
