import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Stream } from '../../log/event-log.ts';
import { streams } from '../../log/event-log.ts';
import { type KafkaPlace, REQUEST_MS_MAX } from '../../log/io/kafka-client.ts';
import { ENDING_MS, KafkaLog, openKafkaLog } from '../../log/io/kafka-log.ts';
import { KafkaReader } from '../../log/io/kafka-reader.ts';
import { kafkaFault } from '../../log/kafka-fault.ts';

const topics = {
  partitionCount: 1,
  replicas: 1,
  retentionMs: Object.fromEntries(streams.map((stream) => [stream, 1])) as Record<Stream, number>,
};

const login = { mechanism: 'PLAIN', username: 'alice', password: () => 'HUNTER2' } as const;

/** What takes connections in place of a broker. @returns Its `host:port`. */
async function listen(take: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    take(socket);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An answer without a fault and without content, under the number of the question. */
const emptyAnswer = (question: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 20]), question.subarray(8, 12), Buffer.alloc(16)]);

const ends = {
  reset: (socket: Socket) => socket.resetAndDestroy(),
  close: (socket: Socket) => socket.destroy(),
  'half close': (socket: Socket) => socket.end(),
} as const;

// What nobody catches ends a process, and fails a run of tests.
test.each(
  Object.entries(ends).flatMap(([name, end]) => [
    { name, end, nth: 1, isLogin: false },
    ...[1, 2, 3].map((nth) => ({ name, end, nth, isLogin: true })),
  ]),
)('a broker that ends connections ($name) at question $nth, login $isLogin: one line', async (given) => {
  const broker = await listen((socket) => {
    let count = 0;
    socket.on('data', (question) => {
      count += 1;
      if (count >= given.nth) given.end(socket);
      else socket.write(emptyAnswer(Buffer.from(question)));
    });
  });
  const place: KafkaPlace = { clientId: 'test', brokers: [broker], prefix: '', ...(given.isLogin ? { login } : {}) };
  const reader = new KafkaReader(place);
  const line = await reader.bounds({ stream: 'postern.events', partition: 0 }).then(
    () => '',
    (error: unknown) => kafkaFault(error, place),
  );
  expect(line).toMatch(/^[^\n]{20,400}$/);
  expect(line).toContain(`${broker}`);
  expect(line).not.toContain('HUNTER2');
  // Whatever comes after the answer.
  await setTimeout(50);
  await reader[Symbol.asyncDispose]();
});

test('a program that takes connections and says nothing holds up nobody for long', async () => {
  const broker = await listen(() => undefined);
  const place: KafkaPlace = { clientId: 'test', brokers: [broker], prefix: '' };
  const startedMs = performance.now();
  const stop = new AbortController();
  const [opened, stopped] = await Promise.all([
    openKafkaLog({ place, topics }),
    openKafkaLog({ place, topics, ending: stop.signal }).then(() => performance.now() - startedMs),
    setTimeout(1000).then(() => stop.abort()),
  ]);
  expect(opened).toMatchObject({ error: expect.stringMatching(/ takes connections and does not answer; /) });
  const tookMs = performance.now() - startedMs;
  expect(tookMs).toBeGreaterThan(REQUEST_MS_MAX - 100);
  expect(tookMs).toBeLessThan(REQUEST_MS_MAX + 3000);
  expect(stopped).toBeLessThan(3000);
});

test('followers ask less often the longer nobody is there, and tell of it once', async () => {
  let connections = 0;
  const broker = await listen((socket) => {
    connections += 1;
    socket.resetAndDestroy();
  });
  const place: KafkaPlace = { clientId: 'test', brokers: [broker], prefix: '' };
  const told: string[] = [];
  const listener = { away: (fault: string) => told.push(fault), back: () => told.push('back') };
  const log = new KafkaLog({ place, topics, listener }, 4);
  const stop = new AbortController();
  const followers = [0, 1, 2, 3].map(async (partition) => {
    for await (const page of log.follow('postern.events', partition, 0, stop.signal)) expect(page.records).toEqual([]);
  });
  await setTimeout(10_000);
  expect(log.connected).toBe(false);
  expect(told).toEqual([expect.stringMatching(/ closes connections; /)]);
  // At 0, 0.5, 1.5, 3.5 and 7.5 s; twice as many would be a busy loop.
  expect(connections).toBeGreaterThanOrEqual(4 * 4);
  expect(connections).toBeLessThanOrEqual(4 * 10);
  stop.abort();
  await Promise.all(followers);
  expect(log.connected).toBe(true);
  await log[Symbol.asyncDispose]();
});

test.each([
  ['a silent one', () => undefined],
  ['one that breaks connections', (socket: Socket) => socket.resetAndDestroy()],
])('whoever ends does not wait for a broker: %s', async (_, take) => {
  const place: KafkaPlace = { clientId: 'test', brokers: [await listen(take)], prefix: '' };
  const ending = new AbortController();
  const log = new KafkaLog({ place, topics, ending: ending.signal, questionMs: Number.POSITIVE_INFINITY }, 1);
  const records = [{ stream: 'postern.events' as const, key: '', payload: '{}' }];
  const asked = [
    log.append(records),
    log.bounds('postern.events', 0),
    log.commit('test', 'postern.events', 0, 1),
  ] as const;
  const settled = Promise.allSettled(asked);
  await setTimeout(500);
  const endingMs = performance.now();
  ending.abort();
  const refused = {
    status: 'rejected',
    reason: expect.objectContaining({ message: expect.stringContaining('Kafka') }),
  };
  expect(await settled).toEqual([
    { status: 'fulfilled', value: { ok: false, error: 'unreachable' } },
    refused,
    refused,
  ]);
  const tookMs = performance.now() - endingMs;
  expect(tookMs).toBeGreaterThan(ENDING_MS - 100);
  expect(tookMs).toBeLessThan(ENDING_MS + 1500);
  expect(await log.append(records)).toEqual({ ok: false, error: 'unreachable' });
  await log[Symbol.asyncDispose]();
});
