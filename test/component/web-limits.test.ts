import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Refusal, refused } from '../../console/answer.ts';
import { KEEP_ALIVE_MS, WAITING_OCTETS_MAX } from '../../console/event-stream.ts';
import { SCANS_MAX, SCANS_WAITING_MAX } from '../../console/io/api.ts';
import { CONNECTIONS_MAX, ConsoleServer, REQUEST_TIMEOUT_MS } from '../../console/io/console-server.ts';
import { PageFiles } from '../../console/io/page-files.ts';
import { QUERIES_MAX, QUERIES_WAITING_MAX, QueuedHistory } from '../../console/io/queued-history.ts';
import { Tokens } from '../../console/io/tokens.ts';
import type { ConsolePorts } from '../../console/ports.ts';
import { decodeEvent, encodeEvent } from '../../events/codec.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { EventLog, Page } from '../../log/event-log.ts';
import { LogUnavailable } from '../../log/log-unavailable.ts';
import { type HistoryFault, QUERY_SECONDS_MAX, ROWS_MAX } from '../../store/history.ts';
import { ClickHouseHistory } from '../../store/io/clickhouse-history.ts';
import { pageDirectory } from '../support/console.ts';
import { everyEvent } from '../support/events.ts';
import { until } from '../support/postern.ts';

const token = 'operator-0123456789';
const authorization = `Bearer ${token}`;

/** A log whose only partition gets what the test pushes. */
class PushedLog {
  readonly partitionCount = 1;
  followers = 0;
  private readonly waiting: Page[] = [];
  private wake: (() => void) | undefined;

  push(page: Page): void {
    this.waiting.push(page);
    this.wake?.();
  }

  bounds(): Promise<{ first: number; next: number }> {
    return Promise.resolve({ first: 0, next: 0 });
  }

  async *follow(_stream: string, _partition: number, _from: number, signal: AbortSignal): AsyncIterable<Page> {
    this.followers += 1;
    signal.addEventListener('abort', () => this.wake?.());
    while (!signal.aborted) {
      const page = this.waiting.shift();
      if (page !== undefined) yield page;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
    this.followers -= 1;
  }
}

/** The server of the console with ports of the test. */
async function serving(change: Partial<ConsolePorts> = {}) {
  const page = PageFiles.read(pageDirectory);
  if (!page.ok) throw new Error(page.error);
  const log = new PushedLog();
  const troubles: string[] = [];
  const nothing = err<Refusal>(refused(503, 'nothing'));
  const server = await ConsoleServer.open({
    address: '127.0.0.1',
    port: 0,
    tokens: new Tokens({ viewer: 'viewer-0123456789', operator: token }),
    page: page.value,
    log: log as unknown as EventLog,
    trouble: (what, details) => troubles.push(`${what} ${JSON.stringify(details)}`),
    ports: {
      subject: { site: 'main', gate: 'gate-1', version: '0' },
      history: { ask: async () => err({ kind: 'away', text: 'no' }), isThere: async () => false },
      sessionInLog: async () => nothing,
      blocklist: async () => nothing,
      why: async () => nothing,
      act: async () => nothing,
      settings: () => [],
      filterOf: () => ok(() => true),
      ...change,
    },
  });
  if (!server.ok) throw new Error(server.error);
  onTestFinished(() => server.value[Symbol.asyncDispose]());
  const url = `http://127.0.0.1:${server.value.port}`;
  const get = (path: string) => fetch(`${url}${path}`, { headers: { authorization } });
  return { log, troubles, port: server.value.port, url, get };
}

function socketTo(port: number): { readonly socket: Socket; text: string; closed: boolean } {
  const seen = { socket: connect(port, '127.0.0.1'), text: '', closed: false };
  onTestFinished(() => void seen.socket.destroy());
  seen.socket.on('data', (octets) => (seen.text += octets.toString('latin1')));
  seen.socket.on('error', () => undefined);
  seen.socket.on('close', () => (seen.closed = true));
  return seen;
}

test('a browser that does not read its stream is dropped, and others go on; the log is followed while somebody looks', async () => {
  const { log, port, get } = await serving();
  const slow = socketTo(port);
  slow.socket.write(`GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`);
  await until(
    () => (slow.text.includes(': follows') ? true : undefined),
    () => slow.text,
  );
  slow.socket.pause();
  const reading = await get('/api/events');
  let octets = 0;
  const read = (async () => {
    for await (const chunk of reading.body ?? []) octets += chunk.length;
  })().catch(() => undefined);
  expect(log.followers).toBe(1);
  const [event] = everyEvent;
  const payload = encodeEvent({ ...event, site: 'x'.repeat(500) } as never);
  expect(decodeEvent(payload).ok).toBe(true);
  const records = Array.from({ length: 1000 }, (_, offset) => ({ offset, payload }));
  let pushed = 0;
  await until(
    () => {
      log.push({ records, nextOffset: 0 });
      pushed += payload.length * records.length;
      if (slow.socket.readableFlowing !== false) return true;
      // What the system buffers comes on top.
      return pushed > 20 * WAITING_OCTETS_MAX ? true : undefined;
    },
    () => 'enough events',
  );
  slow.socket.resume();
  await until(
    () => (slow.closed ? true : undefined),
    () => 'the end of the slow one',
  );
  expect(slow.text.length).toBeLessThan(pushed);
  await until(
    () => (octets >= pushed ? true : undefined),
    () => `${octets} of ${pushed}`,
  );
  await reading.body?.cancel().catch(() => undefined);
  void read;
}, 60_000);

test('few read the log at once, some wait, and the rest is told to come again', async () => {
  const gate = Promise.withResolvers<void>();
  let atOnce = 0;
  let atOnceMost = 0;
  const why = async (): Promise<Result<object, Refusal>> => {
    atOnce += 1;
    atOnceMost = Math.max(atOnceMost, atOnce);
    await gate.promise;
    atOnce -= 1;
    return ok({});
  };
  const { get } = await serving({ why });
  let refusedCount = 0;
  const all = Array.from({ length: SCANS_MAX + SCANS_WAITING_MAX + 3 }, async () => {
    const response = await get('/api/why/192.0.2.1');
    if (response.status === 503) refusedCount += 1;
    return response;
  });
  await until(
    () => (refusedCount === 3 ? true : undefined),
    () => 'three refusals',
  );
  gate.resolve();
  const statuses = (await Promise.all(all)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 503)).toHaveLength(3);
  expect(atOnceMost).toBe(SCANS_MAX);
});

test('what goes wrong is told to the operator, and not to the browser', async () => {
  const { get, troubles } = await serving({ why: () => Promise.reject(new Error('secret details')) });
  const response = await get('/api/why/192.0.2.1');
  expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('secret')]);
  expect(troubles).toEqual([expect.stringContaining('secret details')]);
});

test('connections are limited', async () => {
  const { port } = await serving();
  const all = Array.from({ length: CONNECTIONS_MAX }, () => socketTo(port));
  await Promise.all(all.map(({ socket }) => once(socket, 'connect')));
  const one = socketTo(port);
  await until(
    () => (one.closed ? true : undefined),
    () => 'one connection too many to be closed',
  );
  expect(all.some(({ closed }) => closed)).toBe(false);
});

test('who sends nothing, or half a request, is cut off; a stream says something meanwhile', async () => {
  const { port, get } = await serving();
  const stream = await get('/api/events');
  let text = '';
  void (async () => {
    for await (const chunk of stream.body ?? []) text += Buffer.from(chunk).toString();
  })().catch(() => undefined);
  const begun = performance.now();
  const idle = socketTo(port);
  const half = socketTo(port);
  half.socket.write('GET /api/me HTTP/1.1\r\nHost: x\r\n');
  const body = socketTo(port);
  body.socket.write(
    'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  );
  await until(
    () => ([idle, half, body].every(({ closed }) => closed) ? true : undefined),
    () => 'the end of all',
  );
  const tookMs = performance.now() - begun;
  expect(tookMs).toBeGreaterThan(0.8 * REQUEST_TIMEOUT_MS);
  expect(tookMs).toBeLessThan(1.6 * REQUEST_TIMEOUT_MS);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, KEEP_ALIVE_MS + 1000 - tookMs)));
  expect(text).toBe(': follows\n\n: \n\n');
}, 60_000);

/** What answers in place of ClickHouse. */
async function standIn(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const table = (rows: number): string =>
  JSON.stringify({
    meta: [{ name: 'n', type: 'UInt64' }],
    data: Array.from({ length: rows }, (_, index) => [index]),
    rows,
  });

function historyAt(url: string, passwords: readonly string[] = ['']): ClickHouseHistory {
  const left = [...passwords];
  const history = new ClickHouseHistory(() =>
    ok({ url, username: 'postern', password: left.shift() ?? '', database: 'postern' }),
  );
  onTestFinished(() => history[Symbol.asyncDispose]());
  return history;
}

test('an answer is cut where it is too long, and asked with limits', async () => {
  let rows = ROWS_MAX;
  const addresses: string[] = [];
  const history = historyAt(
    await standIn((request, response) => {
      addresses.push(request.url ?? '');
      response.end(table(rows));
    }),
  );
  expect(await history.ask('SELECT 1')).toMatchObject({ ok: true, value: { isCut: false } });
  rows = ROWS_MAX + 1;
  const cut = await history.ask('SELECT 1');
  expect(cut.ok && [cut.value.rows.length, cut.value.isCut]).toEqual([ROWS_MAX, true]);
  for (const setting of ['readonly=1', `max_execution_time=${QUERY_SECONDS_MAX}`, `max_result_rows=${ROWS_MAX + 1}`])
    expect(addresses[0]).toContain(setting);
});

test('few ask the history at once, some wait, and the rest is told to come again', async () => {
  const open: ServerResponse[] = [];
  const history = new QueuedHistory(historyAt(await standIn((_request, response) => void open.push(response))));
  const all = Array.from({ length: QUERIES_MAX + QUERIES_WAITING_MAX + 1 }, () => history.ask('SELECT 1'));
  expect(await Promise.race(all)).toMatchObject({ ok: false, error: { kind: 'busy' } });
  await until(
    () => (open.length >= QUERIES_MAX ? true : undefined),
    () => 'queries',
  );
  expect(open.length).toBe(QUERIES_MAX);
  const answering = setInterval(() => open.splice(0).map((response) => response.end(table(1))), 5);
  const done = await Promise.all(all);
  clearInterval(answering);
  expect(done.filter((each) => each.ok)).toHaveLength(QUERIES_MAX + QUERIES_WAITING_MAX);
});

test('a history that has moved is asked where it is now', async () => {
  const first = createServer((_request, response) => response.end(table(1))).listen(0, '127.0.0.1');
  await once(first, 'listening');
  const unknown: HistoryFault = { kind: 'away', text: 'not yet' };
  let where: Result<string, HistoryFault> = ok(`http://127.0.0.1:${(first.address() as AddressInfo).port}`);
  const history = new ClickHouseHistory(() =>
    where.ok ? ok({ url: where.value, username: 'postern', password: '', database: 'postern' }) : where,
  );
  onTestFinished(() => history[Symbol.asyncDispose]());
  expect(await history.ask('SELECT 1')).toMatchObject({ ok: true });
  first.closeAllConnections();
  await new Promise((resolve) => first.close(resolve));
  const second = await standIn((_request, response) => response.end(table(2)));
  // Nobody answers, and it is not known yet that it is elsewhere.
  expect(await history.ask('SELECT 1')).toMatchObject({ error: { kind: 'away' } });
  where = err(unknown);
  expect(await history.ask('SELECT 1')).toMatchObject({ error: { kind: 'away' } });
  expect(await history.ask('SELECT 1')).toEqual(err(unknown));
  where = ok(second);
  expect(await history.ask('SELECT 1')).toMatchObject({ ok: true, value: { rows: [[0], [1]] } });
});

test('of several servers one that answers is asked, whatever is the matter with the others', async () => {
  const asked: string[] = [];
  const strange = await standIn((_request, response) => {
    asked.push('strange');
    response.writeHead(403, { 'x-clickhouse-exception-code': '516' });
    response.end('Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED) (version 1.1.1.1)');
  });
  const well = await standIn((_request, response) => {
    asked.push('well');
    response.end(table(1));
  });
  const history = new ClickHouseHistory(() =>
    ok({ url: 'http://127.0.0.1:9', otherUrls: [strange, well], username: 'p', password: '', database: 'postern' }),
  );
  onTestFinished(() => history[Symbol.asyncDispose]());
  for (let times = 0; times < 2; times += 1) expect(await history.ask('SELECT 1')).toMatchObject({ ok: true });
  expect(asked).toEqual(['strange', 'well', 'well']);
});

test('faults of the history are told apart', async () => {
  const error = (code: number, text: string) => (response: ServerResponse) => {
    response.writeHead(500, { 'x-clickhouse-exception-code': String(code) });
    response.end(`Code: ${code}. DB::Exception: ${text}. (NAME) (version 1.1.1.1)`);
  };
  let answer = error(159, 'Timeout exceeded');
  const seen: string[] = [];
  const url = await standIn((request, response) => {
    seen.push(Buffer.from((request.headers.authorization ?? '').slice('Basic '.length), 'base64').toString());
    answer(response);
  });
  const history = historyAt(url, ['old', 'new']);
  expect(await history.ask('SELECT 1')).toMatchObject({
    error: { kind: 'refused', text: expect.stringContaining('Timeout exceeded') },
  });
  answer = error(202, 'Too many simultaneous queries');
  expect(await history.ask('SELECT 1')).toMatchObject({ error: { kind: 'busy' } });
  answer = error(516, 'Authentication failed');
  expect(await history.ask('SELECT 1')).toMatchObject({ error: { kind: 'away' } });
  answer = (response) => void response.end(table(1));
  expect(await history.ask('SELECT 1')).toMatchObject({ ok: true });
  expect(seen).toEqual(['postern:old', 'postern:old', 'postern:old', 'postern:new']);
  const nobody = historyAt('http://127.0.0.1:9');
  expect(await nobody.ask('SELECT 1')).toMatchObject({ error: { kind: 'away' } });
  expect(await nobody.isThere()).toBe(false);
});

test('a log that cannot be read is said to the browser, and not to the operator each time; any other failure only to the operator', async () => {
  const { get, troubles } = await serving({
    why: () => Promise.reject(new LogUnavailable('nobody listens at 127.0.0.1:9092')),
    sessionInLog: () => Promise.reject(new Error('of the inside')),
  });
  const away = await get('/api/why/198.51.100.7');
  expect([away.status, await away.json()]).toEqual([
    503,
    { error: 'The event log cannot be read now: nobody listens at 127.0.0.1:9092.' },
  ]);
  expect(troubles).toEqual([]);
  const broken = await get('/api/sessions/01935f3a-0000-7000-8000-000000000001');
  expect([broken.status, await broken.text()]).toEqual([500, expect.not.stringContaining('of the inside')]);
  expect(troubles).toEqual([expect.stringContaining('of the inside')]);
});
