import { addressText, chosen, gateVariable, hoursInRange, listenerVariable, share } from './fragments.ts';
import { columnsOf, type Dashboard, type Panel } from './panel.ts';

const here = `$__timeFilter(minute) AND ${chosen('gate')} AND ${chosen('listener')}`;

const numbers: readonly Panel[] = [
  {
    id: 'sessions',
    title: 'Sessions a minute',
    shows: 'Sessions that were let in, on average over the range.',
    red: {
      column: 'sessions',
      from: 6000,
      advice:
        'More than a hundred a second. Look at Attacks, floods; if the sources are real, raise `limits.sessionsMax` or add a gate.',
    },
    unit: 'cpm',
    drawing: 'number',
    width: 6,
    sql: `SELECT sum(events) * 60 / greatest($__toTime - $__fromTime, 1) AS sessions
FROM traffic_by_minute
WHERE ${here} AND type = 'session-opened'`,
    columns: columnsOf({ sessions: 'Float64' }),
  },
  {
    id: 'refused-share',
    title: 'Commands refused or deferred by the gate',
    shows:
      "Share of the commands that a rule of the gate refused, deferred or closed on; the server's own refusals are not in it.",
    red: {
      column: 'share',
      from: 0.3,
      advice:
        'Look at the verdicts by rule below. One rule that suddenly refuses much is an attack, or a setting that is wrong: `postern observe --all` lets mail pass while you look.',
    },
    unit: 'percentunit',
    drawing: 'number',
    width: 6,
    sql: `SELECT ${share("sumIf(verdicts, action IN ('refuse', 'defer', 'close'))", 'sum(verdicts)')} AS share
FROM verdicts_by_minute
WHERE ${here} AND NOT observed`,
    columns: columnsOf({ share: 'Float64' }),
  },
  {
    id: 'mail-not-accepted',
    title: 'Mail not accepted',
    shows: 'Share of the mail transactions that did not end with a message accepted by the server behind.',
    red: {
      column: 'share',
      from: 0.5,
      advice:
        'Look at the outcomes below: `rejected` is the gate or the server (Sessions and mail has the replies), `aborted-upstream` is a server that is in trouble (Gate health).',
    },
    unit: 'percentunit',
    drawing: 'number',
    width: 6,
    sql: `SELECT ${share("sumIf(events, outcome != 'accepted')", 'sum(events)')} AS share
FROM traffic_by_minute
WHERE ${here} AND type = 'mail'`,
    columns: columnsOf({ share: 'Float64' }),
  },
  {
    id: 'slowest-percent',
    title: 'Latency, 99 %',
    shows: 'Within this time 99 of 100 commands were answered, by the gate and the server behind together.',
    red: {
      column: 'latency',
      from: 2_000_000,
      advice:
        'Gate health shows which command it is. RCPT and the end of data are mostly the server behind: look at its load.',
    },
    unit: 'µs',
    drawing: 'number',
    width: 6,
    sql: `SELECT quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)[3] AS latency
FROM latency_by_minute
WHERE $__timeFilter(minute) AND ${chosen('gate')}`,
    columns: columnsOf({ latency: 'Float32' }),
  },
];

const series: readonly Panel[] = [
  {
    id: 'traffic',
    title: 'Traffic',
    shows: 'Events a minute, by type.',
    red: {
      column: 'value',
      from: 60_000,
      advice:
        'A thousand events a second of one type: Attacks says who sends them. If the store lags, see Gate health.',
    },
    unit: 'cpm',
    drawing: 'areas',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, type AS label, sum(events) * 60 / $__interval_s AS value
FROM traffic_by_minute
WHERE ${here}
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float64' }),
  },
  {
    id: 'verdicts',
    title: 'Verdicts by rule',
    shows: 'Commands and connections a minute that a rule did not let pass, by rule and action.',
    red: {
      column: 'value',
      from: 600,
      advice:
        'Choose the rule in Sessions and mail and read some of its sessions. If it is legitimate mail, set the rule to `observe` in `policy.modes` and reload.',
    },
    unit: 'cpm',
    drawing: 'areas',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, concat(rule, ' ', action) AS label, sum(verdicts) * 60 / $__interval_s AS value
FROM verdicts_by_minute
WHERE ${here} AND NOT observed AND action != 'accept'
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'String', value: 'Float64' }),
  },
  {
    id: 'delivered',
    title: 'Mail, delivered and refused',
    shows: 'Mail transactions a minute, by how they ended.',
    red: {
      column: 'value',
      from: 3000,
      advice:
        'Fifty mail transactions a second. If they are accepted, ask who sends; a taken-over account is in Attacks, guessing.',
    },
    unit: 'cpm',
    drawing: 'bars',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, outcome AS label, sum(events) * 60 / $__interval_s AS value
FROM traffic_by_minute
WHERE ${here} AND type = 'mail'
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float64' }),
  },
  {
    id: 'latency',
    title: 'Latency',
    shows:
      'From the command to the reply that was written: half, 95 % and 99 % of the commands are faster. It has the server behind in it.',
    red: {
      column: 'p99',
      from: 2_000_000,
      advice: 'Gate health shows which command it is. Where every command is slow the gate itself lacks CPU or disk.',
    },
    unit: 'µs',
    drawing: 'lines',
    width: 12,
    step: 'minute',
    sql: `WITH quantilesTDigestMerge(0.5, 0.95, 0.99)(latency) AS quantiles
SELECT $__timeInterval(minute) AS time, quantiles[1] AS p50, quantiles[2] AS p95, quantiles[3] AS p99
FROM latency_by_minute
WHERE $__timeFilter(minute) AND ${chosen('gate')}
GROUP BY time
ORDER BY time`,
    columns: columnsOf({ time: "DateTime('UTC')", p50: 'Float32', p95: 'Float32', p99: 'Float32' }),
  },
];

const tables: readonly Panel[] = [
  {
    id: 'top-sources',
    title: 'Top sources',
    shows: 'The addresses with the most commands, at all gates; hours count whole.',
    red: {
      column: 'refused',
      from: 1000,
      advice:
        'Open its sessions with a click on the address. `postern why` tells what is decided about it, `postern block` decides by hand.',
    },
    unit: 'short',
    drawing: 'table',
    width: 14,
    sql: `SELECT ${addressText('ip')} AS ip, sum(sessions) AS sessions, sum(commands) AS commands, sum(refused) AS refused,
  sum(deferred) AS deferred, sum(mailsAccepted) AS mails, sum(anomalies) AS anomalies
FROM sources_by_hour
WHERE ${hoursInRange}
GROUP BY sources_by_hour.ip
ORDER BY commands DESC
LIMIT 50`,
    columns: columnsOf({
      ip: 'String',
      sessions: 'UInt64',
      commands: 'UInt64',
      refused: 'UInt64',
      deferred: 'UInt64',
      mails: 'UInt64',
      anomalies: 'UInt64',
    }),
  },
  {
    id: 'verdict-counts',
    title: 'What rules did, and what observing ones would have done',
    shows: 'Verdicts of each rule in the range. Where `observed` is true the rule only observes: it was not done.',
    red: {
      column: 'verdicts',
      from: 10_000,
      advice:
        'The same as for verdicts by rule. An observing rule with few verdicts, all of them right, may be promoted to `enforce`.',
    },
    unit: 'short',
    drawing: 'table',
    width: 10,
    sql: `SELECT rule, action, observed, sum(verdicts) AS verdicts
FROM verdicts_by_minute
WHERE ${here} AND rule != ''
GROUP BY rule, action, observed
ORDER BY verdicts DESC, rule
LIMIT 100`,
    columns: columnsOf({
      rule: 'LowCardinality(String)',
      action: 'LowCardinality(String)',
      observed: 'Bool',
      verdicts: 'UInt64',
    }),
  },
];

export const overview: Dashboard = {
  uid: 'postern-overview',
  title: 'Postern: overview',
  description: 'What comes in, what the gate does with it, and how long it takes.',
  range: '24h',
  variables: [gateVariable, listenerVariable],
  panels: [...numbers, ...series, ...tables],
};
