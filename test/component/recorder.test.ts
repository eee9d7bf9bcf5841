import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EventType, MailEvent } from '../../events/event.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../../log/appender.ts';
import type { AppendFault, LogRecord, Offset } from '../../log/event-log.ts';
import {
  BATCH_DELAY_MS,
  BATCH_EVENTS,
  BATCH_LIMITS,
  createRecorder,
  FLUSH_TIMEOUT_MS,
  RETRY_DELAY_MS,
  type Recorder,
  type RecorderOptions,
  STALL_MS,
} from '../../proxy/io/recorder.ts';
import { aCommand, aGateStart, aMail, aProgress } from '../support/events.ts';

type Answer = Result<readonly Offset[], AppendFault>;

/** A log that answers when and what the test says. */
class ScriptedLog implements Appender {
  connected = true;
  readonly batches: (readonly LogRecord[])[] = [];
  #resolve: ((answer: Answer) => void) | undefined;

  append(records: readonly LogRecord[]): Promise<Answer> {
    expect(this.#resolve).toBeUndefined();
    this.batches.push(records);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#resolve = resolve;
    return promise;
  }

  /** Answers the batch that is on its way, and lets the recorder take note. */
  async answer(answer: Answer = ok([])): Promise<void> {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.(answer);
    await vi.advanceTimersByTimeAsync(0);
  }

  get sent(): MailEvent[] {
    return this.batches.flat().map(({ payload }) => JSON.parse(payload));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function opened(options: Partial<RecorderOptions> = {}): { log: ScriptedLog; recorder: Recorder } {
  const log = new ScriptedLog();
  return { log, recorder: createRecorder({ client: log, site: 'site', gate: 'gate-1', ...options }) };
}

const record = (recorder: Recorder, count: number, make = (seq: number): MailEvent => aMail({ seq })): void => {
  for (let seq = 0; seq < count; seq += 1) recorder.record(make(seq));
};
const typesOf = (events: readonly MailEvent[]): EventType[] => events.map(({ type }) => type);

test('events wait a moment for others, and go together', async () => {
  const { log, recorder } = opened();
  record(recorder, 3);
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS - 1);
  expect(log.batches).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(log.batches.map((batch) => batch.length)).toEqual([3]);
  expect(recorder.counters).toEqual({ recorded: 3, acknowledged: 0, dropped: 0, queued: 3 });
  await log.answer();
  expect(recorder.counters).toEqual({ recorded: 3, acknowledged: 3, dropped: 0, queued: 0 });
});

test('many events do not wait, and nothing is sent inside of record', async () => {
  const { log, recorder } = opened();
  record(recorder, BATCH_EVENTS);
  expect(log.batches).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(0);
  expect(log.batches.map((batch) => batch.length)).toEqual([BATCH_EVENTS]);
});

test('one batch is on its way at a time; what comes meanwhile is the next, within its limits', async () => {
  const { log, recorder } = opened();
  record(recorder, BATCH_EVENTS);
  await vi.advanceTimersByTimeAsync(0);
  record(recorder, BATCH_LIMITS.eventsMax + 10);
  await vi.advanceTimersByTimeAsync(1000);
  expect(log.batches).toHaveLength(1);
  await log.answer();
  const octets = log.batches[1]?.reduce((sum, { payload }) => sum + payload.length, 0) ?? 0;
  expect(octets).toBeLessThanOrEqual(BATCH_LIMITS.octetsMax);
  expect(octets).toBeGreaterThan(BATCH_LIMITS.octetsMax - 2000);
});

test('an event goes to the partition of its network, with its priority; a control event to all', async () => {
  const { log, recorder } = opened();
  recorder.record(aCommand({ verb: 'NOOP', ip: '2001:db8::1' }));
  recorder.record(aMail({ ip: '192.0.2.7' }));
  recorder.record(aGateStart());
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  expect(log.batches[0]).toMatchObject([
    { stream: 'postern.events', key: '2001:db8::/48', priority: 'low', everyPartition: false },
    { stream: 'postern.events', key: '192.0.2.0/24', priority: 'high', everyPartition: false },
    { stream: 'postern.events', key: '', priority: 'high', everyPartition: true },
  ]);
});

test('many addresses keep their own keys', async () => {
  const { log, recorder } = opened();
  const ips = Array.from({ length: 5000 }, (_, n) => `10.${n >> 8}.${n & 255}.9`);
  for (const ip of [...ips, ...ips]) recorder.record(aProgress({ ip }));
  while (recorder.counters.queued > 0) {
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    await log.answer();
  }
  const keys = log.batches.flat().map(({ key }) => key);
  expect(keys).toEqual([...ips, ...ips].map((ip) => `${ip.slice(0, -1)}0/24`));
});

test.each([
  ['full', 'full'],
  ['unreachable', 'unreachable'],
] as const)('a log that is %s gets the same batch again, before what came after it', async (fault, failing) => {
  const { log, recorder } = opened();
  record(recorder, 2);
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  await log.answer(err(fault));
  expect(recorder.failing).toBe(failing);
  record(recorder, 1, () => aProgress());
  await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS - 1);
  expect(log.batches).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  await log.answer(err(fault));
  await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS);
  await log.answer();
  expect(recorder.failing).toBeUndefined();
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  await log.answer();
  expect(log.batches.map((batch) => batch.length)).toEqual([2, 2, 2, 1]);
  expect(recorder.counters).toEqual({ recorded: 3, acknowledged: 3, dropped: 0, queued: 0 });
});

test('a log that does not answer is unreachable after a while', async () => {
  const { log, recorder } = opened();
  record(recorder, 1);
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS + STALL_MS);
  expect(recorder.failing).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(recorder.failing).toBe('unreachable');
  await log.answer();
  expect(recorder.failing).toBeUndefined();
});

test('DO-07: a stalled log fills the queue, what can be spared is dropped first, and one exact gap tells of it', async () => {
  const { log, recorder } = opened({ queueEventsMax: 10 });
  record(recorder, 1);
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  expect(recorder.pressure).toBe(0);
  record(recorder, 4, (seq) => aProgress({ seq }));
  record(recorder, 2, (seq) => aCommand({ seq, verb: 'RCPT' }));
  record(recorder, 4, (seq) => aCommand({ seq, verb: 'NOOP' }));
  expect(recorder.pressure).toBe(1);
  // Ten are taken; from here on four mails and then six displace all that is low, then what is normal, and three mails are lost.
  record(recorder, 13, (seq) => aMail({ seq: seq + 100 }));
  expect(recorder.pressure).toBe(1);
  await log.answer();
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  await log.answer();
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  await log.answer();
  const { sent } = log;
  expect(typesOf(sent)).toEqual(['mail', ...new Array(10).fill('mail'), 'log-gap']);
  expect(sent.slice(1, 11).map((event) => 'seq' in event && event.seq)).toEqual([
    100, 101, 102, 103, 104, 105, 106, 107, 108, 109,
  ]);
  expect(sent.at(-1)).toMatchObject({
    site: 'site',
    gate: 'gate-1',
    reason: 'queue-full',
    counts: { 'session-progress': 4, command: 6, mail: 3 },
    fromAt: aMail().at,
    toAt: aMail().at,
  });
  expect(recorder.counters).toEqual({ recorded: 25, acknowledged: 12, dropped: 13, queued: 0 });
});

test.each([
  ['disk-full', { fault: 'full', connected: true }],
  ['log-unreachable', { fault: undefined, connected: false }],
  ['queue-full', { fault: undefined, connected: true }],
] as const)('the gap says %s', async (reason, { fault, connected }) => {
  const { log, recorder } = opened({ queueEventsMax: 4 });
  log.connected = connected;
  record(recorder, 1);
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  if (fault !== undefined) await log.answer(err(fault));
  record(recorder, 6);
  if (fault !== undefined) await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS);
  for (let turn = 0; turn < 4; turn += 1) {
    await log.answer();
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  }
  expect(log.sent.at(-1)).toMatchObject({ type: 'log-gap', reason, counts: { mail: 2 } });
});

test('the octets of the queue are bounded too', async () => {
  const octets = JSON.stringify(aMail()).length;
  const { recorder } = opened({ queueOctetsMax: octets * 3 + 2 });
  record(recorder, 5, () => aMail());
  expect(recorder.counters).toMatchObject({ dropped: 2, queued: 3 });
  expect(recorder.pressure).toBeGreaterThan(0.9);
});

test('of a batch that is too large, all that is not is recorded', async () => {
  const { log, recorder } = opened();
  record(recorder, 4);
  await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  for (let turn = 0; turn < 20 && recorder.counters.queued > 0; turn += 1) {
    const holdsLarge = log.batches.at(-1)?.some(({ payload }) => payload.includes('"seq":2,')) ?? false;
    await log.answer(holdsLarge ? err('too-large') : ok([]));
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
  }
  expect(recorder.counters).toEqual({ recorded: 5, acknowledged: 4, dropped: 1, queued: 0 });
  expect(log.sent.at(-1)).toMatchObject({ type: 'log-gap', reason: 'too-large', counts: { mail: 1 } });
});

test('flush sends at once and resolves when everything is durable', async () => {
  const { log, recorder } = opened();
  await recorder.flush();
  record(recorder, 2);
  let isOver = false;
  const flushed = recorder.flush().then(() => {
    isOver = true;
  });
  expect(log.batches).toHaveLength(1);
  record(recorder, 1);
  await log.answer();
  expect(isOver).toBe(false);
  expect(log.batches).toHaveLength(2);
  await log.answer();
  await flushed;
  expect(recorder.counters).toMatchObject({ acknowledged: 3, queued: 0 });
});

test('flush does not wait for ever', async () => {
  const { recorder } = opened();
  record(recorder, 2);
  const flushed = recorder.flush();
  await vi.advanceTimersByTimeAsync(FLUSH_TIMEOUT_MS);
  await flushed;
  expect(recorder.counters).toMatchObject({ acknowledged: 0, queued: 2 });
});
