import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { checkConfig } from '../../cli/config/load.ts';
import { actInLog } from '../../cli/io/act-in-log.ts';
import { lastDecisions } from '../../cli/io/read-decisions.ts';
import { decodeEvent } from '../../events/codec.ts';
import { TIME_MS_MAX } from '../../events/event.ts';
import { err } from '../../lib/result.ts';
import { appendAll } from '../../log/append-all.ts';
import { decisionRecord } from '../../log/decision-record.ts';
import { openMemoryLog } from '../../log/io/memory-log.ts';
import { LogUnavailable } from '../../log/log-unavailable.ts';
import { aDecision } from '../support/decisions.ts';

const checked = checkConfig(
  {
    site: 'main',
    gate: 'center',
    dataDirectory: 'data',
    listeners: [{ role: 'mx', withoutCertificate: true }],
    upstreams: { default: { host: '192.0.2.10' } },
    domains: { names: ['example.com'] },
    networks: { neverList: ['203.0.113.0/24'] },
    watch: { documentationRanges: true },
  },
  {},
);
if (!checked.ok) throw new Error(JSON.stringify(checked.error));
const config = checked.value;

const about = { by: 'anna', reason: 'a mistake' };
const block = { verb: 'block', value: '198.51.100.7', action: 'refuse', forMs: 3_600_000, ...about } as const;

/** The events of one partition. */
async function eventsIn(log: ReturnType<typeof openMemoryLog>, partition: number) {
  const { records } = await log.read('postern.events', partition, 0, 1000);
  return records.map(({ payload }) => {
    const event = decodeEvent(payload);
    return event.ok ? event.value : undefined;
  });
}

test('a block and its end are in the log, where every gate finds them, and each is an event that every analyzer sees', async () => {
  const log = openMemoryLog();
  expect(await actInLog(config, log, block)).toMatchObject({
    ok: true,
    gate: 'center',
    made: [{ value: '198.51.100.7', action: 'refuse' }],
    isInLog: true,
  });
  expect(await lastDecisions(log)).toMatchObject([
    { type: 'decision-made', origin: 'operator', by: 'anna', reason: 'a mistake', site: 'main' },
  ]);
  expect(await actInLog(config, log, { verb: 'unblock', value: '198.51.100.7', ...about })).toMatchObject({
    ok: true,
    revokedCount: 1,
    isInLog: true,
  });
  expect(await lastDecisions(log)).toMatchObject([{ type: 'decision-revoked', value: '198.51.100.7' }]);
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    expect(await eventsIn(log, partition)).toMatchObject([
      { type: 'operator-acted', act: 'block', value: '198.51.100.7', by: 'anna' },
      { type: 'operator-acted', act: 'unblock', value: '198.51.100.7', by: 'anna' },
    ]);
  }
});

test('what gates refuse is refused here too', async () => {
  const log = openMemoryLog();
  expect(await actInLog(config, log, { ...block, value: '203.0.113.9' })).toMatchObject({
    ok: false,
    reason: expect.stringContaining('never-list'),
  });
  expect(await actInLog(config, log, { ...block, value: 'nobody' })).toMatchObject({ ok: false });
  expect(await lastDecisions(log)).toEqual([]);
});

test('a range with thousands of decisions is freed as a whole: more than one append takes', async () => {
  const log = openMemoryLog();
  const decisions = Array.from({ length: 9000 }, (_, index) =>
    aDecision({
      id: index.toString(16).padStart(16, '0'),
      value: `198.51.${index % 250}.${Math.floor(index / 250)}`,
      until: TIME_MS_MAX,
    }),
  );
  expect(await appendAll(log, decisions.map(decisionRecord))).toBe(true);
  const unblock = { verb: 'unblock', value: '198.51.0.0/16', ...about } as const;
  expect(await actInLog(config, log, unblock)).toMatchObject({ ok: true, revokedCount: 9000, isInLog: true });
  const last = await lastDecisions(log);
  expect(last).toHaveLength(9000);
  expect(last.filter(({ type }) => type !== 'decision-revoked')).toEqual([]);
});

test('where the brokers do not answer nothing is done, and that is said', async () => {
  const log = openMemoryLog();
  log.bounds = () => Promise.reject(new LogUnavailable('127.0.0.1:1: the connection is refused'));
  expect(await actInLog(config, log, block)).toEqual({
    ok: false,
    reason: expect.stringContaining('could not be read from Kafka in 15 s, so no gate hears of it'),
  });
});

test('an act for which the brokers were too slow is not done later', async () => {
  const log = openMemoryLog();
  const bounds = log.bounds.bind(log);
  log.bounds = async (...place) => {
    await setTimeout(50);
    return bounds(...place);
  };
  expect(await actInLog(config, log, block, 10)).toMatchObject({ ok: false });
  await setTimeout(50 * log.partitionCount + 100);
  expect(await lastDecisions(log)).toEqual([]);
  expect(await eventsIn(log, 0)).toEqual([]);
});

test.each(['postern.events', 'postern.decisions'])(
  'where %s are not taken nobody knows, and that is said',
  async (stream) => {
    const log = openMemoryLog();
    const append = log.append.bind(log);
    log.append = (records) => (records[0]?.stream === stream ? Promise.resolve(err('unreachable')) : append(records));
    expect(await actInLog(config, log, block)).toEqual({
      ok: false,
      reason: expect.stringContaining('may be in force as a whole or in part'),
    });
    expect(await lastDecisions(log)).toEqual([]);
  },
);
