import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { groupRecords } from '../../log/batch.ts';
import type { LogRecord } from '../../log/event-log.ts';
import { FrameAssembler } from '../../log/frame-assembler.ts';
import { connectLog, type LogClient, REQUESTS_PENDING_MAX } from '../../log/io/log-client.ts';
import { HELLO_TIMEOUT_MS } from '../../log/io/log-connection.ts';
import { type LogServer, type LogServerOptions, serveLog } from '../../log/io/log-server.ts';
import { SOCKET_PATH_OCTETS_MAX } from '../../log/io/socket-path.ts';
import type { SqliteLog } from '../../log/io/sqlite-log.ts';
import { openSqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import {
  type Answer,
  BATCHES_IN_FLIGHT_MAX,
  decodeAnswer,
  encodeRequest,
  type Request,
  WIRE_VERSION,
} from '../../log/wire.ts';
import { Child } from '../support/child.ts';
import { readAll } from '../support/log-reading.ts';
import { openTestLog } from '../support/sqlite-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const hello: Request = { kind: 'hello', version: WIRE_VERSION, producer: '00'.repeat(16) };
const record = (n: number): LogRecord => ({ stream: 'postern.events', key: 'k', payload: `{"n":${n}}` });
const append = (batchId: number, ...numbers: number[]): Request => ({
  kind: 'append',
  batchId,
  batch: groupRecords(numbers.map(record), 4).batch,
});

interface Served {
  readonly log: SqliteLog;
  readonly server: LogServer;
  readonly socketPath: string;
  readonly directory: string;
}

async function serve(options: Partial<LogServerOptions> = {}): Promise<Served> {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  const socketPath = join(directory, 'log.sock');
  const served = await serveLog({ log, socketPath, ...options });
  if (!served.ok) throw new Error(JSON.stringify(served.error));
  onTestFinished(() => served.value[Symbol.asyncDispose]());
  return { log, server: served.value, socketPath, directory };
}

/** A client that says what the test wants. */
class RawClient {
  readonly answers: Answer[] = [];
  readonly socket: Socket;

  constructor(socketPath: string) {
    const assembler = new FrameAssembler();
    this.socket = connect(socketPath);
    this.socket.on('data', (chunk: Buffer) => {
      for (const frame of assembler.push(chunk) ?? []) {
        const answer = decodeAnswer(frame);
        if (answer !== undefined) this.answers.push(answer);
      }
    });
    this.socket.on('error', () => undefined);
    onTestFinished(() => void this.socket.destroy());
  }

  send(...requests: Request[]): void {
    this.socket.write(Buffer.concat(requests.map(encodeRequest)));
  }

  async isClosed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close');
  }
}

function open(socketPath: string): LogClient {
  const client = connectLog({ socketPath });
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

test('the socket is for its owner alone', async () => {
  const { socketPath } = await serve();
  expect(lstatSync(socketPath).isSocket()).toBe(true);
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
});

test('a batch is acknowledged with its place; sent again it is where it was', async () => {
  const { log, socketPath } = await serve();
  const first = new RawClient(socketPath);
  first.send(hello, append(1, 1, 2), append(2, 3));
  await expect
    .poll(() => first.answers)
    .toMatchObject([
      { kind: 'welcome', partitionCount: 4 },
      { kind: 'appended', batchId: 1, placement: { pressure: 0, firsts: [0] } },
      { kind: 'appended', batchId: 2, placement: { pressure: 0, firsts: [2] } },
    ]);
  first.socket.destroy();
  const second = new RawClient(socketPath);
  second.send(hello, append(1, 1, 2), append(2, 3), append(2, 3), append(3, 4));
  await expect
    .poll(() => second.answers.slice(1))
    .toMatchObject([
      { batchId: 1, placement: { firsts: [0] } },
      { batchId: 2, placement: { firsts: [2] } },
      { batchId: 2, placement: { firsts: [2] } },
      { batchId: 3, placement: { firsts: [3] } },
    ]);
  expect((await readAll(log)).flat()).toEqual([1, 2, 3, 4].map((n) => `{"n":${n}}`));
});

test('a batch that comes twice in one commit is appended once', async () => {
  const { log, socketPath } = await serve();
  const client = new RawClient(socketPath);
  client.send(hello, append(7, 1), append(7, 1));
  await expect.poll(() => client.answers.slice(1)).toMatchObject([{ batchId: 7 }, { batchId: 7 }]);
  expect((await readAll(log)).flat()).toEqual(['{"n":1}']);
});

test('producers are remembered from one file to the next', async () => {
  const { log, socketPath } = await serve();
  const client = new RawClient(socketPath);
  client.send(hello, append(1, 1));
  await expect.poll(() => client.answers).toHaveLength(2);
  expect(await log.trim(Number.MAX_SAFE_INTEGER)).toBe(1);
  client.send(append(1, 1));
  await expect.poll(() => client.answers[2]).toMatchObject({ batchId: 1, placement: { firsts: [0] } });
  expect((await readAll(log)).flat()).toEqual([]);
});

test.each<readonly [string, (client: RawClient) => void]>([
  ['rubbish', (client) => client.socket.write('GET / HTTP/1.1\r\n\r\n')],
  ['an empty frame', (client) => client.socket.write(Buffer.alloc(4))],
  ['a frame of another kind', (client) => client.socket.write(Buffer.from([1, 0, 0, 0, 99]))],
  ['an append before the greeting', (client) => client.send(append(1, 1))],
  ['a second greeting', (client) => client.send(hello, hello)],
  ['another version', (client) => client.send({ ...hello, version: WIRE_VERSION + 1 })],
  [
    'more batches than may be under way',
    (client) => client.send(hello, ...Array.from({ length: BATCHES_IN_FLIGHT_MAX + 1 }, (_, n) => append(n, n))),
  ],
])('%s ends its connection and no other', async (_name, misbehave) => {
  const { log, server, socketPath } = await serve();
  const good = open(socketPath);
  await good.append([record(1)]);
  const bad = new RawClient(socketPath);
  misbehave(bad);
  await bad.isClosed();
  await expect.poll(() => server.status).toEqual({ connectionCount: 1, malformedCount: 1, refusedCount: 0 });
  expect(await good.append([record(2)])).toMatchObject({ ok: true });
  const payloads = (await readAll(log)).flat();
  expect(payloads).toContain('{"n":2}');
});

test('a connection that does not greet is ended', { timeout: HELLO_TIMEOUT_MS + 5000 }, async () => {
  const { server, socketPath } = await serve();
  const silent = new RawClient(socketPath);
  await expect.poll(() => server.status.connectionCount).toBe(1);
  await silent.isClosed();
  await expect.poll(() => server.status.connectionCount).toBe(0);
});

test('connections beyond the limit are turned away', async () => {
  const { server, socketPath } = await serve({ connectionsMax: 2 });
  const clients = [open(socketPath), open(socketPath)];
  await expect.poll(() => clients.every(({ connected }) => connected)).toBe(true);
  const third = new RawClient(socketPath);
  await third.isClosed();
  expect(server.status).toMatchObject({ connectionCount: 2, refusedCount: 1 });
});

test('a client that reads no answers is ended', async () => {
  const { socketPath, server } = await serve();
  const deaf = new RawClient(socketPath);
  deaf.send(hello);
  await expect.poll(() => deaf.answers).toHaveLength(1);
  deaf.socket.pause();
  const commit: Request = {
    kind: 'commit',
    requestId: 1,
    stream: 'postern.events',
    partition: 0,
    offset: 1,
    group: 'g',
  };
  const many = Buffer.concat(Array.from({ length: 2000 }, () => encodeRequest(commit)));
  const pump = (): void => {
    while (!deaf.socket.destroyed && deaf.socket.write(many));
  };
  deaf.socket.on('drain', pump);
  pump();
  await expect.poll(() => server.status.connectionCount, { timeout: 20_000 }).toBe(0);
});

test('more than fits into the socket and into the batches under way gets in all the same, in order', async () => {
  const { log, server, socketPath } = await serve();
  const client = open(socketPath);
  const large = `"${'x'.repeat(1_000_000)}"`;
  const outcomes = await Promise.all(
    Array.from({ length: 2 * BATCHES_IN_FLIGHT_MAX }, () =>
      client.append([{ stream: 'postern.events', key: 'k', payload: large }]),
    ),
  );
  expect(outcomes.map((outcome) => outcome.ok && outcome.value[0])).toEqual(outcomes.map((_, n) => n));
  expect(log.status.commitCount).toBeGreaterThan(1);
  expect(server.status.malformedCount).toBe(0);
});

test('a subscriber is woken by the appends of others', async () => {
  const { log, socketPath, directory } = await serve();
  const reader = await openSqliteLogReader({ directory, socketPath });
  if (!reader.ok) throw new Error(reader.error);
  onTestFinished(() => reader.value[Symbol.asyncDispose]());
  const controller = new AbortController();
  const latenciesMs: number[] = [];
  const following = (async () => {
    for await (const { records } of reader.value.follow('postern.decisions', 0, 0, controller.signal)) {
      for (const { payload } of records) latenciesMs.push(performance.now() - Number(JSON.parse(payload)));
      if (latenciesMs.length >= 20) controller.abort();
    }
  })();
  await expect.poll(() => reader.value.connected).toBe(true);
  for (let n = 0; n < 20; n += 1) {
    await log.append([
      { stream: 'postern.decisions', key: '', payload: String(performance.now()), everyPartition: true },
    ]);
  }
  await following;
  // A follower that is not woken looks once a second.
  expect(latenciesMs.toSorted((a, b) => a - b)[10]).toBeLessThan(250);
});

test('a socket left by a process that was killed is replaced', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const owner = await Child.start('log-process.ts', [directory, socketPath, 'os']);
  await owner.kill();
  expect(lstatSync(socketPath).isSocket()).toBe(true);
  const next = await Child.start('log-process.ts', [directory, socketPath, 'os']);
  expect(next.lines).toEqual(['ready']);
  expect(await open(socketPath).append([record(1)])).toEqual({ ok: true, value: [0] });
});

test('a socket at which a process answers is not taken', async () => {
  const { socketPath } = await serve();
  const { log } = await openTestLog(temporaryDirectory());
  expect(await serveLog({ log, socketPath })).toEqual({ ok: false, error: { kind: 'in-use', path: socketPath } });
  expect(await open(socketPath).append([record(1)])).toMatchObject({ ok: true });
});

test('a file that is no socket is not removed', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  const path = join(directory, 'log.sock');
  writeFileSync(path, 'precious');
  expect(await serveLog({ log, socketPath: path })).toEqual({ ok: false, error: { kind: 'not-a-socket', path } });
  expect(statSync(path).size).toBe(8);
});

test('a directory into which others can reach is not used', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  const open755 = join(directory, 'open');
  mkdirSync(open755);
  chmodSync(open755, 0o755);
  const served = await serveLog({ log, socketPath: join(open755, 'log.sock') });
  expect(served).toEqual({ ok: false, error: { kind: 'directory-open', path: open755 } });
});

test('a directory that is not there is made for the owner alone', async () => {
  const directory = temporaryDirectory();
  const made = join(directory, 'run');
  await serve({ socketPath: join(made, 'log.sock') });
  expect(statSync(made).mode & 0o777).toBe(0o700);
});

test('a path too long for a socket is told', async () => {
  const directory = temporaryDirectory();
  const { log } = await openTestLog(directory);
  const path = join(directory, 'x'.repeat(SOCKET_PATH_OCTETS_MAX));
  expect(await serveLog({ log, socketPath: path })).toEqual({ ok: false, error: { kind: 'path-too-long', path } });
});

test('a directory has one owner: neither a second log of the process nor another process can have it', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const owner = await Child.start('log-process.ts', [directory, socketPath, 'os']);
  const other = await Child.start('log-process.ts', [directory, join(directory, 'other.sock'), 'os']);
  expect(other.lines.map((line) => JSON.parse(line))).toEqual([{ kind: 'owned', directory }]);
  await expect(openTestLog(directory)).rejects.toThrow('owned');
  expect(await open(socketPath).append([record(1)])).toMatchObject({ ok: true });
  // The kernel gives the lock of a killed process back.
  await owner.kill();
  const { log } = await openTestLog(directory);
  await expect(openTestLog(directory)).rejects.toThrow('owned');
  expect((await readAll(log)).flat()).toEqual(['{"n":1}']);
});

test('a client that loses patience says so, and goes on when the log is there', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const client = connectLog({ socketPath, patienceMs: 100 });
  onTestFinished(() => client[Symbol.asyncDispose]());
  await expect(client.partitionCount).rejects.toThrow('cannot be reached');
  expect(await client.append([record(1)])).toEqual({ ok: false, error: 'unreachable' });
  await expect(client.commit('g', 'postern.events', 0, 1)).rejects.toThrow('cannot be reached');
  const { log } = await openTestLog(directory);
  const served = await serveLog({ log, socketPath });
  if (!served.ok) throw new Error(JSON.stringify(served.error));
  onTestFinished(() => served.value[Symbol.asyncDispose]());
  await expect.poll(() => client.connected, { timeout: 5000 }).toBe(true);
  expect(await client.append([record(2)])).toEqual({ ok: true, value: [0] });
});

test('what a patient client was given before there was a log gets in, in order', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const client = open(socketPath);
  const appends = Array.from({ length: 50 }, (_, n) => client.append([record(n)]));
  const commit = client.commit('g', 'postern.events', 1, 42);
  expect(client.connected).toBe(false);
  const { log } = await openTestLog(directory);
  const served = await serveLog({ log, socketPath });
  if (!served.ok) throw new Error(JSON.stringify(served.error));
  onTestFinished(() => served.value[Symbol.asyncDispose]());
  expect(await Promise.all(appends)).toEqual(appends.map((_, n) => ({ ok: true, value: [n] })));
  await commit;
  expect(await log.committed('g', 'postern.events', 1)).toBe(42);
});

test('a client keeps no more than its bounds without acknowledgement', async () => {
  const client = open(join(temporaryDirectory(), 'log.sock'));
  const large = { ...record(0), payload: `"${'x'.repeat(1_000_000)}"` };
  const appends = Array.from({ length: 70 }, () => client.append([large]));
  expect(await appends.at(-1)).toEqual({ ok: false, error: 'unreachable' });
  const commits = Array.from({ length: REQUESTS_PENDING_MAX + 1 }, () => client.commit('g', 'postern.events', 0, 1));
  await expect(commits.at(-1)).rejects.toThrow('cannot be reached');
  const pending = commits.slice(0, -1).map((commit) => commit.catch(() => 'closed'));
  await client[Symbol.asyncDispose]();
  expect(await appends[0]).toEqual({ ok: false, error: 'unreachable' });
  expect(await pending[0]).toBe('closed');
  expect(await client.append([record(1)])).toEqual({ ok: false, error: 'unreachable' });
});

test('without a log and without its process there is nothing to read', async () => {
  const directory = temporaryDirectory();
  const opened = await openSqliteLogReader({ directory, socketPath: join(directory, 'log.sock'), patienceMs: 50 });
  expect(opened).toEqual({ ok: false, error: 'unreachable' });
});
