import { chosen, chosenValue, ipVariable, noSession, scenarioVariable, whenChosen } from './fragments.ts';
import { columnsOf, type Dashboard, type Panel } from './panel.ts';

const about = whenChosen('ip', `decisions.value = ${chosenValue('ip')}`);

/** What counts of each key is its last line in the log; the time says when the cause was, which may be earlier. */
const lastOfEachKey = `
  SELECT scope, value, arraySort(roles) AS listeners, origin, scenario,
    argMax((type, action, level, at, until, reason, by), logOffset) AS state
  FROM decisions
  WHERE ${chosen('scenario')} AND ${about}
  GROUP BY scope, value, listeners, origin, scenario
  HAVING state.1 = 'decision-made' AND state.5 > now64(3)
`;

/** Each decision with the time of the next one about the same; the year 2299 where there is none. */
const withNext = `
  SELECT *, leadInFrame(at, 1, toDateTime64('2299-12-31 00:00:00', 3, 'UTC')) OVER (
    PARTITION BY scope, value, arraySort(roles), origin, scenario ORDER BY logOffset
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) AS nextAt
  FROM decisions
  WHERE ${chosen('scenario')} AND ${about}
`;

const numbers: readonly Panel[] = [
  {
    id: 'in-force',
    title: 'In force',
    shows: 'Decisions in force now, those of scenarios that only observe among them.',
    red: {
      column: 'decisions',
      from: 10_000,
      advice:
        'Far more than usual: look at which scenario below. If it decides wrongly, set it to `observe` and reload; its decisions then do nothing.',
    },
    unit: 'short',
    drawing: 'number',
    width: 8,
    sql: `SELECT count() AS decisions
FROM (${lastOfEachKey})`,
    columns: columnsOf({ decisions: 'UInt64' }),
  },
  {
    id: 'revoked',
    title: 'Taken back by people',
    shows: 'Decisions that people took back in the range.',
    red: {
      column: 'revoked',
      from: 5,
      advice:
        'Each is a source that was decided about wrongly. See which scenario it was in the table of lines, and let it observe until you know why.',
    },
    unit: 'short',
    drawing: 'number',
    width: 8,
    sql: `SELECT count() AS revoked
FROM decisions
WHERE $__timeFilter(at) AND type = 'decision-revoked' AND ${chosen('scenario')} AND ${about}`,
    columns: columnsOf({ revoked: 'UInt64' }),
  },
  {
    id: 'breaker',
    title: 'Breaker tripped',
    shows: 'How often there were more automatic refusals than `watch.growthMax`, so that new ones only defer.',
    red: {
      column: 'trips',
      from: 1,
      advice:
        'Look at the newest decisions. An attack by many sources: raise `watch.growthMax`. A scenario that errs: set it to `observe`. It closes by itself.',
    },
    unit: 'short',
    drawing: 'number',
    width: 8,
    sql: `SELECT count() AS trips
FROM events
WHERE $__timeFilter(at) AND ${noSession} AND type = 'breaker-changed' AND tripped`,
    columns: columnsOf({ trips: 'UInt64' }),
  },
];

const series: readonly Panel[] = [
  {
    id: 'made-and-expired',
    title: 'Made and expired an hour',
    shows: 'Decisions that were made, ran out, or were taken back.',
    red: {
      column: 'value',
      from: 500,
      advice:
        'Many made at once: look at Attacks for the scenario. Many that expire at once are the end of an attack and need nothing.',
    },
    unit: 'short',
    drawing: 'lines',
    width: 12,
    step: 'hour',
    sql: `SELECT $__timeInterval(moment) AS time, label, count() * 3600 / $__interval_s AS value
FROM (
  SELECT
    arrayJoin(if(type = 'decision-revoked', [('revoked', at)], [('made', at), ('expired', until)])) AS change,
    change.1 AS label, change.2 AS moment, nextAt
  FROM (${withNext})
)
WHERE $__timeFilter(moment) AND moment <= now64(3) AND (label != 'expired' OR moment <= nextAt)
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'String', value: 'Float64' }),
  },
  {
    id: 'made-by-level',
    title: 'Made an hour, by level',
    shows: 'Rungs of the ladder: 0 slow, 1 defer, 2 refuse for hours, 3 for a day, 4 for a week.',
    red: {
      column: 'value',
      from: 100,
      advice: 'Many of levels 3 and 4 are sources that come again and again: hand their ranges to the firewall.',
    },
    unit: 'short',
    drawing: 'bars',
    width: 12,
    step: 'hour',
    sql: `SELECT $__timeInterval(at) AS time, concat('level ', toString(level)) AS label, count() * 3600 / $__interval_s AS value
FROM decisions
WHERE $__timeFilter(at) AND type = 'decision-made' AND ${chosen('scenario')} AND ${about}
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'String', value: 'Float64' }),
  },
];

const tables: readonly Panel[] = [
  {
    id: 'in-force-by-level',
    title: 'In force, by level and action',
    shows: 'How many decisions of which kind are in force now.',
    red: {
      column: 'decisions',
      from: 5000,
      advice: 'As for all that is in force: find the scenario, and let it observe if it errs.',
    },
    unit: 'short',
    drawing: 'table',
    width: 8,
    sql: `SELECT scope, state.3 AS level, state.2 AS action, count() AS decisions
FROM (${lastOfEachKey})
GROUP BY scope, level, action
ORDER BY scope, level, action`,
    columns: columnsOf({
      scope: 'LowCardinality(String)',
      level: 'UInt8',
      action: 'String',
      decisions: 'UInt64',
    }),
  },
  {
    id: 'in-force-list',
    title: 'In force now',
    shows: 'The decisions in force, newest first.',
    red: {
      column: 'level',
      from: 3,
      advice:
        'Refused for a day or longer. If you know the source, `postern why` names the evidence and `postern unblock` ends it at once.',
    },
    unit: 'short',
    drawing: 'table',
    width: 16,
    sql: `SELECT state.4 AS madeAt, scope, value, state.2 AS action, state.3 AS level, scenario, origin, state.5 AS until, state.6 AS reason
FROM (${lastOfEachKey})
ORDER BY madeAt DESC
LIMIT 500`,
    columns: columnsOf({
      madeAt: "DateTime64(3, 'UTC')",
      scope: 'LowCardinality(String)',
      value: 'String',
      action: 'String',
      level: 'UInt8',
      scenario: 'LowCardinality(String)',
      origin: 'LowCardinality(String)',
      until: "DateTime64(3, 'UTC')",
      reason: 'String',
    }),
  },
  {
    id: 'lines',
    title: 'All that was decided',
    shows: 'Every decision of the range and whatever was taken back, newest first. With an address: its history.',
    red: {
      column: 'level',
      from: 3,
      advice: 'Refused for a day or longer: the account of it is `postern why` with its id.',
    },
    unit: 'short',
    drawing: 'table',
    width: 24,
    sql: `SELECT at, type, scope, value, action, level, scenario, until, score / 1024 AS score, threshold / 1024 AS threshold, held, by, reason, id
FROM decisions
WHERE $__timeFilter(at) AND ${chosen('scenario')} AND ${about}
ORDER BY at DESC, logOffset DESC
LIMIT 500`,
    columns: columnsOf({
      at: "DateTime64(3, 'UTC')",
      type: 'LowCardinality(String)',
      scope: 'LowCardinality(String)',
      value: 'String',
      action: 'LowCardinality(String)',
      level: 'UInt8',
      scenario: 'LowCardinality(String)',
      until: "DateTime64(3, 'UTC')",
      score: 'Float64',
      threshold: 'Float64',
      held: 'String',
      by: 'LowCardinality(String)',
      reason: 'String',
      id: 'String',
    }),
  },
];

export const blocklist: Dashboard = {
  uid: 'postern-blocklist',
  title: 'Postern: blocklist',
  description: 'What is decided about whom: in force, made, expired and taken back.',
  range: '7d',
  variables: [scenarioVariable, ipVariable],
  panels: [...numbers, ...series, ...tables],
};
