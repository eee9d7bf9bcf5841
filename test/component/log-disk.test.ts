import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { encodeEvent } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import { priorityOf } from '../../events/priority.ts';
import { DISK_OCTETS_MAX_FLOOR, DROP_LOW_SHARE, ROOM_SHARE } from '../../log/disk-budget.ts';
import { DROPPED, type LogRecord } from '../../log/event-log.ts';
import { connectLog } from '../../log/io/log-client.ts';
import { GAP_INTERVAL_MS } from '../../log/io/owned-stream.ts';
import type { SqliteLog } from '../../log/io/sqlite-log.ts';
import { openSqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import { createRecorder } from '../../proxy/io/recorder.ts';
import { Child } from '../support/child.ts';
import { aCommand, aMail, aProgress } from '../support/events.ts';
import { readAll } from '../support/log-reading.ts';
import { openTestLog } from '../support/sqlite-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const diskOctetsMax = DISK_OCTETS_MAX_FLOOR;
const stuffing = 'x'.repeat(500);

/** Events of every priority, each about 2 KB. */
const samples: readonly MailEvent[] = [
  aCommand({ verb: 'EHLO', heloName: stuffing, argument: stuffing, forwardPath: stuffing }),
  aCommand({ verb: 'RCPT', heloName: stuffing, argument: stuffing, forwardPath: stuffing }),
  aProgress({ phase: stuffing + stuffing + stuffing }),
  aMail({ reversePath: stuffing, domains: [stuffing, stuffing] }),
];
const recordOf = (event: MailEvent): LogRecord => ({
  stream: 'postern.events',
  key: 'k',
  payload: encodeEvent(event),
  priority: priorityOf(event),
});

class Tally {
  readonly counts = new Map<string, number>();

  add(type: string, count = 1): void {
    this.counts.set(type, (this.counts.get(type) ?? 0) + count);
  }

  /** Counts the events that a log holds. */
  async addEvents(log: SqliteLog): Promise<void> {
    for (const payload of (await readAll(log)).flat()) {
      const { type } = JSON.parse(payload);
      if (type !== 'log-gap') this.add(type);
    }
  }

  /** Counts the events that are missing by the gaps of a log. */
  async addGaps(log: SqliteLog): Promise<void> {
    const [payloads = []] = await readAll(log);
    for (const { type, counts } of payloads.map((payload) => JSON.parse(payload))) {
      if (type === 'log-gap') for (const [dropped, count] of Object.entries(counts)) this.add(dropped, Number(count));
    }
  }
}

/** A consumer that never gets on, so no file may go to make room. */
const holdEverything = (log: SqliteLog): Promise<void> => log.commit('slow', 'postern.events', 0, 0);

test.each(['fsync', 'os'] as const)('a full disk costs events, each counted by type (%s)', async (durable) => {
  const { log, clock } = await openTestLog(temporaryDirectory(), { diskOctetsMax, durable });
  await holdEverything(log);
  const recorder = createRecorder({ client: log, site: 'site', gate: 'gate-1', queueEventsMax: 2000 });
  const recorded = new Tally();
  for (let n = 0; recorder.counters.dropped < 500; n += 1) {
    const event = samples[n % samples.length] ?? aCommand();
    recorder.record(event);
    recorded.add(event.type);
    // Not faster than the log takes them, as long as it does.
    if (recorder.pressure > 0.5 && recorder.failing === undefined) await sleep(1);
  }
  expect(recorder.failing).toBe('full');
  expect(log.status.usedOctets).toBeLessThanOrEqual(diskOctetsMax);
  expect(log.status.fullCount).toBeGreaterThan(0);
  const found = new Tally();
  await found.addEvents(log);
  await found.addGaps(log);
  clock.nowMs += 1;
  await log.trim(clock.nowMs);
  await expect.poll(() => recorder.failing, { timeout: 5000 }).toBeUndefined();
  await recorder.flush();
  await log.upkeep();
  await found.addEvents(log);
  await found.addGaps(log);
  expect(Object.fromEntries(found.counts)).toEqual(Object.fromEntries(recorded.counts));
});

test('near the cap what can be spared gives way first, and the rest goes on', async () => {
  const { log } = await openTestLog(temporaryDirectory(), { diskOctetsMax });
  await holdEverything(log);
  const [low, normal, , high] = samples.map(recordOf);
  if (low === undefined || normal === undefined || high === undefined) throw new Error('there are four samples');
  const seen = new Set<string>();
  for (
    let outcome = await log.append([low, normal, high]);
    outcome.ok;
    outcome = await log.append([low, normal, high])
  ) {
    const kept = outcome.value.map((offset) => (offset === DROPPED ? '-' : '+')).join('');
    const share = log.status.usedOctets / diskOctetsMax;
    if (!seen.has(kept) && kept === '-++') expect(share).toBeGreaterThan(DROP_LOW_SHARE);
    seen.add(kept);
  }
  expect([...seen]).toEqual(['+++', '-++', '--+']);
  expect(await log.append([high])).toEqual({ ok: false, error: 'full' });
  // What is decided from the facts has room of its own.
  expect(await log.append([{ stream: 'postern.decisions', key: 'k', payload: '{"d":1}' }])).toMatchObject({ ok: true });
});

test('what was dropped is still counted after a restart', async () => {
  const directory = temporaryDirectory();
  const first = await openTestLog(directory, { diskOctetsMax });
  await holdEverything(first.log);
  const [low, , , high] = samples.map(recordOf);
  if (low === undefined || high === undefined) throw new Error('there are four samples');
  let dropped = 0;
  for (let outcome = await first.log.append([low, high]); outcome.ok; outcome = await first.log.append([low, high])) {
    if (outcome.value[0] === DROPPED) dropped += 1;
  }
  expect(dropped).toBeGreaterThan(100);
  const told = new Tally();
  await told.addGaps(first.log);
  await first.log[Symbol.asyncDispose]();
  const second = await openTestLog(directory, { diskOctetsMax });
  second.clock.nowMs += 1;
  await second.log.trim(second.clock.nowMs);
  await second.log.upkeep();
  expect((await readAll(second.log)).map((payloads) => payloads.length)).toEqual([1, 1, 1, 1]);
  await told.addGaps(second.log);
  expect(Object.fromEntries(told.counts)).toEqual({ command: dropped });
});

test('a gap that does not end is told of all the same', async () => {
  const { log, clock } = await openTestLog(temporaryDirectory(), { diskOctetsMax });
  await holdEverything(log);
  const [low, , , high] = samples.map(recordOf);
  if (low === undefined || high === undefined) throw new Error('there are four samples');
  let isDropped = false;
  while (!isDropped) {
    const outcome = await log.append([low, high]);
    isDropped = outcome.ok && outcome.value[0] === DROPPED;
  }
  for (let n = 0; n < 10; n += 1) await log.append([low]);
  clock.nowMs += GAP_INTERVAL_MS - 1;
  await log.upkeep();
  const early = new Tally();
  await early.addGaps(log);
  expect(Object.fromEntries(early.counts)).toEqual({});
  clock.nowMs += 1;
  await log.upkeep();
  const late = new Tally();
  await late.addGaps(log);
  expect(Object.fromEntries(late.counts)).toEqual({ command: 11 });
  expect(log.status.usedOctets / diskOctetsMax).toBeGreaterThan(DROP_LOW_SHARE);
});

test('room is made by dropping the oldest files that every consumer has finished', async () => {
  const { log } = await openTestLog(temporaryDirectory(), { diskOctetsMax });
  const records = Array.from({ length: 50 }, () =>
    recordOf(aMail({ reversePath: stuffing, domains: [stuffing, stuffing] })),
  );
  let last = 0;
  for (let n = 0; n < 600; n += 1) {
    const outcome = await log.append(records);
    if (!outcome.ok) throw new Error(outcome.error);
    last = outcome.value.at(-1) ?? 0;
    if (n % 20 === 0) await log.upkeep();
  }
  await log.upkeep();
  const partition = (await Promise.all([0, 1, 2, 3].map((p) => log.bounds('postern.events', p)))).findIndex(
    ({ next }) => next > 0,
  );
  const { first, next } = await log.bounds('postern.events', partition);
  expect(first).toBeGreaterThan(0);
  expect(next).toBe(last + 1);
  expect(log.status.usedOctets).toBeLessThan(ROOM_SHARE * diskOctetsMax);
  // From here on a consumer holds what it has not finished.
  await log.commit('slow', 'postern.events', partition, first);
  while ((await log.append(records)).ok) await log.upkeep();
  expect(await log.bounds('postern.events', partition)).toMatchObject({ first });
});

test('a disk that fails is like a full one: the log process lives, and what it acknowledged is there', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'log.sock');
  const limited = await Child.start('log-process.ts', [directory, socketPath, 'fsync'], 2_097_152);
  expect(limited.lines).toEqual(['ready']);
  const client = connectLog({ socketPath });
  onTestFinished(() => client[Symbol.asyncDispose]());
  const batch = Array.from({ length: 50 }, () => recordOf(aMail({ reversePath: stuffing })));
  let acknowledged = 0;
  for (let refusals = 0; refusals < 5; ) {
    const outcome = await client.append(batch);
    if (outcome.ok) acknowledged += batch.length;
    else {
      expect(outcome.error).toBe('full');
      refusals += 1;
    }
  }
  expect(acknowledged).toBeGreaterThan(500);
  await limited.kill();
  const healthy = await Child.start('log-process.ts', [directory, socketPath, 'fsync']);
  expect(healthy.lines).toEqual(['ready']);
  expect(await client.append(batch)).toMatchObject({ ok: true });
  const reader = await openSqliteLogReader({ directory, socketPath });
  if (!reader.ok) throw new Error(reader.error);
  onTestFinished(() => reader.value[Symbol.asyncDispose]());
  expect((await readAll(reader.value)).flat()).toHaveLength(acknowledged + batch.length);
});
