import { chosen, gateVariable, noSession } from './fragments.ts';
import { healthTables } from './health-tables.ts';
import { columnsOf, type Dashboard, type Panel } from './panel.ts';

const here = `$__timeFilter(minute) AND ${chosen('gate')}`;
const atGate = `$__timeFilter(at) AND ${noSession} AND ${chosen('gate')}`;

const numbers: readonly Panel[] = [
  {
    id: 'store-lag',
    title: 'Newest event',
    shows: 'Age of the newest event in the store, of all gates. Without traffic it grows by itself.',
    red: {
      column: 'age',
      from: 300,
      advice:
        'If mail comes in, `postern store` does not run or ClickHouse does not take events: its stderr says why. Nothing is lost while the log keeps it.',
    },
    unit: 's',
    drawing: 'number',
    width: 6,
    // Alone, the newest time is known without reading a row.
    sql: `SELECT if(newest = 0, 0, greatest(toUnixTimestamp64Milli(now64(3)) - newest, 0) / 1000) AS age
FROM (SELECT toUnixTimestamp64Milli(max(at)) AS newest FROM events)`,
    columns: columnsOf({ age: 'Float64' }),
  },
  {
    id: 'events-lost',
    title: 'Events lost in log gaps',
    shows: 'Events that were dropped because the disk or the queue was full, or the log was away.',
    red: {
      column: 'events',
      from: 1,
      advice:
        'See the gaps below for the reason: give the log more disk (`log.diskOctetsMax`), or find out why its process is away.',
    },
    unit: 'short',
    drawing: 'number',
    width: 6,
    sql: `SELECT sum(arraySum(mapValues(counts))) AS events
FROM events
WHERE ${atGate} AND type = 'log-gap'`,
    columns: columnsOf({ events: 'UInt64' }),
  },
  {
    id: 'upstream-failures',
    title: 'Failures of the server behind',
    shows: 'How often the server behind could not be reached, or broke off.',
    red: {
      column: 'failures',
      from: 10,
      advice:
        'Clients get 421 and come again: no mail is lost yet. See the reasons below, then look at the server behind.',
    },
    unit: 'short',
    drawing: 'number',
    width: 6,
    sql: `SELECT sum(events) AS failures
FROM traffic_by_minute
WHERE ${here} AND type = 'upstream-failed'`,
    columns: columnsOf({ failures: 'UInt64' }),
  },
  {
    id: 'unreadable',
    title: 'Lines set aside',
    shows: 'Lines of the log that the store could not read, since it was made; they are in the table `unreadable`.',
    red: {
      column: 'lines',
      from: 1,
      advice:
        'Another release wrote them, or a file is damaged: `SELECT reason, line FROM unreadable`. With the newer release, `postern store --rebuild` takes them in.',
    },
    unit: 'short',
    drawing: 'number',
    width: 6,
    sql: 'SELECT count() AS lines\nFROM unreadable',
    columns: columnsOf({ lines: 'UInt64' }),
  },
];

const series: readonly Panel[] = [
  {
    id: 'latency-by-command',
    title: 'Latency of each command, 95 %',
    shows: 'Within this time 95 of 100 commands were answered, by verb, with the server behind.',
    red: {
      column: 'value',
      from: 2_000_000,
      advice:
        'One verb: the server behind is slow in it (RCPT: its look-ups; DATA: its filters). All of them: the gate lacks CPU, or its disk is slow.',
    },
    unit: 'µs',
    drawing: 'lines',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, verb AS label, quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)[2] AS value
FROM latency_by_minute
WHERE ${here}
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float32' }),
  },
  {
    id: 'failures',
    title: 'Failures a minute',
    shows:
      'Failed connections and dialogues with the server behind, failed TLS handshakes on either leg, and anomalies.',
    red: {
      column: 'value',
      from: 30,
      advice:
        '`upstream-failed`: the server behind. `tls-failed`: a certificate, or scanners; the reasons are below. `anomaly`: Attacks.',
    },
    unit: 'cpm',
    drawing: 'bars',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, type AS label, sum(events) * 60 / $__interval_s AS value
FROM traffic_by_minute
WHERE ${here} AND type IN ('upstream-failed', 'tls-failed', 'anomaly')
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float64' }),
  },
];

export const gateHealth: Dashboard = {
  uid: 'postern-gate-health',
  title: 'Postern: gate health',
  description: 'Whether the gates, the server behind, the log and the store do their work.',
  range: '24h',
  variables: [gateVariable],
  panels: [...numbers, ...series, ...healthTables],
};
