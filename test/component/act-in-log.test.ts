import { expect, test } from 'vitest';
import { checkConfig } from '../../cli/config/load.ts';
import { ACT_MS_MAX, actInLog } from '../../cli/io/act-in-log.ts';
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
  const refusal = { ok: false, reason: expect.stringContaining('no gate hears of it') };
  const silent = openMemoryLog();
  silent.bounds = () => Promise.reject(new LogUnavailable('127.0.0.1:1: the connection is refused'));
  expect(await actInLog(config, silent, block)).toEqual(refusal);

  const full = openMemoryLog();
  full.append = async () => err('unreachable');
  expect(await actInLog(config, full, block)).toEqual(refusal);
});

test('an act for which the brokers were too slow is not done later', async () => {
  const log = openMemoryLog();
  const { bounds } = log;
  const now = Date.now;
  log.bounds = (...args) => {
    const later = now() + ACT_MS_MAX + 1;
    Date.now = () => later;
    return bounds.apply(log, args);
  };
  try {
    expect(await actInLog(config, log, block)).toMatchObject({ ok: false });
  } finally {
    Date.now = now;
  }
  expect(await lastDecisions(log)).toEqual([]);
  expect(await eventsIn(log, 0)).toEqual([]);
});
