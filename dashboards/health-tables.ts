import { chosen, noSession } from './fragments.ts';
import { columnsOf, type Panel } from './panel.ts';

const here = `$__timeFilter(minute) AND ${chosen('gate')}`;
const atGate = `$__timeFilter(at) AND ${noSession} AND ${chosen('gate')}`;

const fromRollups: readonly Panel[] = [
  {
    id: 'commands',
    title: 'Latency of each command',
    shows: 'Half, 95 % and 99 % of the commands were faster, and the slowest, with the server behind.',
    red: {
      column: 'p99',
      from: 5_000_000,
      advice:
        'As in the drawing: one verb is the server behind, all of them the gate. `npm run bench` says what the gate alone takes.',
    },
    unit: 'short',
    drawing: 'table',
    width: 14,
    sql: `WITH quantilesTDigestMerge(0.5, 0.95, 0.99)(latency) AS quantiles
SELECT verb, sum(commands) AS count, quantiles[1] AS p50, quantiles[2] AS p95, quantiles[3] AS p99, toUInt64(max(slowestUs)) AS slowest
FROM latency_by_minute
WHERE ${here}
GROUP BY verb
ORDER BY count DESC, verb`,
    columns: columnsOf(
      {
        verb: 'LowCardinality(String)',
        count: 'UInt64',
        p50: 'Float32',
        p95: 'Float32',
        p99: 'Float32',
        slowest: 'UInt64',
      },
      { p50: 'µs', p95: 'µs', p99: 'µs', slowest: 'µs' },
    ),
  },
  {
    id: 'gates',
    title: 'Gates',
    shows: 'Each gate with its newest minute in the store, and its events in the range.',
    red: {
      column: 'minutes',
      from: 10,
      advice:
        'Nothing came from this gate for as many minutes: it is down, or the clients do not reach it. Ask its `/readyz`.',
    },
    unit: 'short',
    drawing: 'table',
    width: 10,
    sql: `SELECT gate, max(minute) AS newest, dateDiff('minute', newest, now()) AS minutes, sum(events) AS count
FROM traffic_by_minute
WHERE ${here}
GROUP BY gate
ORDER BY gate`,
    columns: columnsOf({
      gate: 'LowCardinality(String)',
      newest: "DateTime('UTC')",
      minutes: 'Int64',
      count: 'UInt64',
    }),
  },
];

const fromEvents: readonly Panel[] = [
  {
    id: 'failure-reasons',
    title: 'Why it failed',
    shows: 'Reasons of failures of the server behind and of TLS handshakes.',
    red: {
      column: 'failures',
      from: 10,
      advice:
        'A refused connection: the server is down. A timeout at a verb: it is overloaded. A certificate that is not verified: renew it, or the name is wrong.',
    },
    unit: 'short',
    drawing: 'table',
    width: 12,
    sql: `SELECT type, leg, stage, reason, count() AS failures, max(at) AS lastAt
FROM events
WHERE $__timeFilter(at) AND type IN ('upstream-failed', 'tls-failed') AND ${chosen('gate')}
GROUP BY type, leg, stage, reason
ORDER BY failures DESC, reason
LIMIT 50`,
    columns: columnsOf({
      type: 'LowCardinality(String)',
      leg: 'LowCardinality(String)',
      stage: 'LowCardinality(String)',
      reason: 'String',
      failures: 'UInt64',
      lastAt: "DateTime64(3, 'UTC')",
    }),
  },
  {
    id: 'log-gaps',
    title: 'Log gaps',
    shows: 'When events were dropped, why, and how many.',
    red: {
      column: 'lost',
      from: 1,
      advice:
        '`disk-full` and `disk-reserve`: more disk, or less `log.retentionMs`. `queue-full` and `log-unreachable`: the log process. `damaged-file`: look at the disk.',
    },
    unit: 'short',
    drawing: 'table',
    width: 12,
    sql: `SELECT at, gate, reason, arraySum(mapValues(counts)) AS lost, fromAt, toAt
FROM events
WHERE ${atGate} AND type = 'log-gap'
ORDER BY at DESC
LIMIT 100`,
    columns: columnsOf({
      at: "DateTime64(3, 'UTC')",
      gate: 'LowCardinality(String)',
      reason: 'String',
      lost: 'UInt64',
      fromAt: "DateTime64(3, 'UTC')",
      toAt: "DateTime64(3, 'UTC')",
    }),
  },
  {
    id: 'gate-events',
    title: 'Starts, stops, changes and acts',
    shows: 'What happened to the gates: started, stopped, reloaded, operated, breaker tripped and closed.',
    red: {
      column: 'faults',
      from: 1,
      advice: 'A configuration was refused and the old one stays: `postern check` shows every fault with its line.',
    },
    unit: 'short',
    drawing: 'table',
    width: 24,
    sql: `SELECT at, gate, type, outcome, version, act, value, by, tripped, reason, configHash, length(faults) AS faults
FROM events
WHERE ${atGate} AND type IN ('gate-started', 'gate-stopped', 'config-changed', 'operator-acted', 'breaker-changed')
ORDER BY at DESC
LIMIT 200`,
    columns: columnsOf({
      at: "DateTime64(3, 'UTC')",
      gate: 'LowCardinality(String)',
      type: 'LowCardinality(String)',
      outcome: 'LowCardinality(String)',
      version: 'LowCardinality(String)',
      act: 'LowCardinality(String)',
      value: 'String',
      by: 'LowCardinality(String)',
      tripped: 'Bool',
      reason: 'String',
      configHash: 'LowCardinality(String)',
      faults: 'UInt64',
    }),
  },
];

export const healthTables: readonly Panel[] = [...fromRollups, ...fromEvents];
