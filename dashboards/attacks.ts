import { attackTables } from './attack-tables.ts';
import { chosen, gateVariable, hoursInRange, scenarioVariable } from './fragments.ts';
import { columnsOf, type Dashboard, type Panel } from './panel.ts';

const here = `$__timeFilter(minute) AND ${chosen('gate')}`;
const relayRules = "rule IN ('relay.denied', 'relay.routing')";
const floodRules =
  "(startsWith(rule, 'limits.') OR startsWith(rule, 'deadline.') OR rule IN ('errors.limit', 'junk.limit'))";

const numbers: readonly Panel[] = [
  {
    id: 'relay-probes',
    title: 'Relay probes',
    shows: 'Forward-paths of foreign domains, or that reroute, which the gate refused.',
    red: {
      column: 'probes',
      from: 100,
      advice:
        'None of it was relayed. If many sources ask for one domain, it may be yours and missing in `domains`: see `forgotten-domain` in the table of scenarios.',
    },
    unit: 'short',
    drawing: 'number',
    width: 6,
    sql: `SELECT sum(verdicts) AS probes
FROM verdicts_by_minute
WHERE ${here} AND ${relayRules} AND NOT observed`,
    columns: columnsOf({ probes: 'UInt64' }),
  },
  {
    id: 'unknown-recipients',
    title: 'Unknown recipients',
    shows: 'Forward-paths that were answered with 550, at all gates; hours count whole.',
    red: {
      column: 'recipients',
      from: 5000,
      advice:
        'See the worst sources below. Few sources: a harvest. Many sources with few each: a campaign, or a list of dead addresses.',
    },
    unit: 'short',
    drawing: 'number',
    width: 6,
    sql: `SELECT sum(unknownRecipients) AS recipients
FROM sources_by_hour
WHERE ${hoursInRange}`,
    columns: columnsOf({ recipients: 'UInt64' }),
  },
  {
    id: 'passwords-refused',
    title: 'Passwords refused',
    shows: 'Authentications that the server behind refused.',
    red: {
      column: 'attempts',
      from: 1000,
      advice:
        'See guessing below. If accounts and networks are many, look at the decisions of `auth-guessing`; ask the people of accounts that got in from new networks.',
    },
    unit: 'short',
    drawing: 'number',
    width: 6,
    sql: `SELECT sum(events) AS attempts
FROM traffic_by_minute
WHERE ${here} AND type = 'auth-attempt' AND outcome = 'refused'`,
    columns: columnsOf({ attempts: 'UInt64' }),
  },
  {
    id: 'limits-reached',
    title: 'Limits and deadlines reached',
    shows: 'Connections and commands that were refused or ended because of a limit or a deadline.',
    red: {
      column: 'verdicts',
      from: 5000,
      advice:
        'See floods below for the rule. `limits.total` means that legitimate mail waits as well: block the sources, or raise the limit.',
    },
    unit: 'short',
    drawing: 'number',
    width: 6,
    sql: `SELECT sum(verdicts) AS verdicts
FROM verdicts_by_minute
WHERE ${here} AND ${floodRules} AND NOT observed`,
    columns: columnsOf({ verdicts: 'UInt64' }),
  },
];

const series: readonly Panel[] = [
  {
    id: 'decisions',
    title: 'Decisions made an hour, by scenario',
    shows: 'What the analyzers found and people decided. Decisions of a scenario that only observes are in it.',
    red: {
      column: 'value',
      from: 100,
      advice:
        'Look at Blocklist, newest first, and at some of them with `postern why`. If legitimate sources are among them, set the scenario to `observe` and `postern unblock` them.',
    },
    unit: 'short',
    drawing: 'bars',
    width: 12,
    step: 'hour',
    sql: `SELECT $__timeInterval(at) AS time, scenario AS label, count() * 3600 / $__interval_s AS value
FROM decisions
WHERE $__timeFilter(at) AND type = 'decision-made' AND ${chosen('scenario')}
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float64' }),
  },
  {
    id: 'relay',
    title: 'Relay probes a minute',
    shows: 'Refused by `relay.denied` (foreign domain) and `relay.routing` (an address that reroutes).',
    red: {
      column: 'value',
      from: 60,
      advice:
        'Nothing is relayed; the gate refuses each. If sources go on for hours, promote `relay-probe` to `enforce` so that they are shut out.',
    },
    unit: 'cpm',
    drawing: 'bars',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, rule AS label, sum(verdicts) * 60 / $__interval_s AS value
FROM verdicts_by_minute
WHERE ${here} AND ${relayRules} AND NOT observed
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float64' }),
  },
  {
    id: 'harvest',
    title: 'Harvest an hour',
    shows: 'Unknown recipients, and the sources that asked for them, at all gates.',
    red: {
      column: 'recipients',
      from: 2000,
      advice:
        'Promote `recipient-harvest` to `enforce`. Where the server behind answers every address with 250 a list of recipients at the gate stops it.',
    },
    unit: 'short',
    drawing: 'lines',
    width: 12,
    step: 'hour',
    sql: `SELECT $__timeInterval(hour) AS time, sum(unknownRecipients) * 3600 / $__interval_s AS recipients,
  uniqIf(ip, unknownRecipients > 0) AS sources
FROM sources_by_hour
WHERE ${hoursInRange}
GROUP BY time
ORDER BY time`,
    columns: columnsOf({ time: "DateTime('UTC')", recipients: 'Float64', sources: 'UInt64' }),
  },
  {
    id: 'backscatter',
    title: 'Backscatter a minute',
    shows: 'Mail transactions with a null reverse-path, and the recipients refused in them.',
    red: {
      column: 'refused',
      from: 60,
      advice:
        'Somebody forges your domain. `bounce-flood` lets the domain verify its bounces; the servers that bounce are victims too and are not to be blocked.',
    },
    unit: 'cpm',
    drawing: 'lines',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(at) AS time, count() * 60 / $__interval_s AS bounces, sum(refusedCount) * 60 / $__interval_s AS refused
FROM mails
WHERE $__timeFilter(at) AND nullReversePath AND ${chosen('gate')}
GROUP BY time
ORDER BY time`,
    columns: columnsOf({ time: "DateTime('UTC')", bounces: 'Float64', refused: 'Float64' }),
  },
  {
    id: 'guessing',
    title: 'Guessing: authentications a minute',
    shows: 'Authentications, by what became of them.',
    red: {
      column: 'value',
      from: 60,
      advice:
        'If `refused` rises, see the worst sources. Many sources with one attempt each are a campaign: `auth-guessing` as `enforce` lets attempts from strange networks wait.',
    },
    unit: 'cpm',
    drawing: 'areas',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, outcome AS label, sum(events) * 60 / $__interval_s AS value
FROM traffic_by_minute
WHERE ${here} AND type = 'auth-attempt'
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float64' }),
  },
  {
    id: 'floods',
    title: 'Floods: limits and deadlines a minute',
    shows: 'Connections and commands that a limit or a deadline ended, by rule.',
    red: {
      column: 'value',
      from: 300,
      advice:
        'Block the range for some hours (`postern block`), or let the firewall drop it. `limits.per-source` alone is one source and no danger.',
    },
    unit: 'cpm',
    drawing: 'areas',
    width: 12,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, rule AS label, sum(verdicts) * 60 / $__interval_s AS value
FROM verdicts_by_minute
WHERE ${here} AND ${floodRules} AND NOT observed
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float64' }),
  },
];

export const attacks: Dashboard = {
  uid: 'postern-attacks',
  title: 'Postern: attacks',
  description: 'Who attacks, how, and from which ranges and countries.',
  range: '24h',
  variables: [gateVariable, scenarioVariable],
  panels: [...numbers, ...series, ...attackTables],
};
