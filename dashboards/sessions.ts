import {
  addressText,
  chosen,
  chosenValue,
  gateVariable,
  ipVariable,
  ruleVariable,
  sidVariable,
  whenChosen,
} from './fragments.ts';
import { columnsOf, type Dashboard, type Panel } from './panel.ts';

const fromAddress = whenChosen('ip', `ip = toIPv6OrDefault(${chosenValue('ip')})`);
const withRule = whenChosen('rule', `has(rules, ${chosenValue('rule')})`);
const theSession = `toUUIDOrZero(${chosenValue('sid')})`;

/** Sessions that are listed, at most. */
const LISTED_MAX = 200;

const search: readonly Panel[] = [
  {
    id: 'endings',
    title: 'How sessions ended',
    shows: 'Sessions a minute, by what became of their last mail transaction.',
    red: {
      column: 'value',
      from: 6000,
      advice:
        'Many that end with `none` are scanners or a flood: see Attacks. Many that are aborted by the server behind: see Gate health.',
    },
    unit: 'cpm',
    drawing: 'areas',
    width: 24,
    step: 'minute',
    sql: `SELECT $__timeInterval(minute) AS time, outcome AS label, sum(events) * 60 / $__interval_s AS value
FROM traffic_by_minute
WHERE $__timeFilter(minute) AND type = 'session-closed' AND ${chosen('gate')}
GROUP BY time, label
ORDER BY time, label`,
    columns: columnsOf({ time: "DateTime('UTC')", label: 'LowCardinality(String)', value: 'Float64' }),
  },
  {
    id: 'session-list',
    title: 'Sessions',
    shows: `The newest ${LISTED_MAX} sessions of the range that fit what was chosen. A click on an id shows its dialogue.`,
    red: {
      column: 'refused',
      from: 1,
      advice:
        'The gate refused something in it. Read the dialogue; if the mail was legitimate, the rule is named there.',
    },
    unit: 'short',
    drawing: 'table',
    width: 24,
    sql: `SELECT toDateTime64(min(startedAt), 3, 'UTC') AS started, sid, ${addressText('max(ip)')} AS ip, max(gate) AS gate, max(listener) AS listener,
  toString(max(heloName)) AS helo, toString(max(account)) AS account, max(outcome) AS outcome, sum(commands) AS commands, sum(refused) AS refused,
  sum(mailsAccepted) AS mails, arrayStringConcat(groupUniqArrayArray(rules), ', ') AS rules, max(durationUs) / 1000000 AS seconds
FROM sessions
WHERE (day, sid) IN (
  SELECT day, sid
  FROM sessions
  WHERE $__dateFilter(day) AND $__timeFilter(startedAt) AND ${chosen('gate')} AND ${fromAddress} AND ${withRule}
  ORDER BY startedAt DESC
  LIMIT ${2 * LISTED_MAX}
) AND $__dateFilter(day)
GROUP BY day, sid
ORDER BY started DESC
LIMIT ${LISTED_MAX}`,
    columns: columnsOf(
      {
        started: "DateTime64(3, 'UTC')",
        sid: 'UUID',
        ip: 'String',
        gate: 'String',
        listener: 'String',
        helo: 'String',
        account: 'String',
        outcome: 'String',
        commands: 'UInt64',
        refused: 'UInt64',
        mails: 'UInt64',
        rules: 'String',
        seconds: 'Float64',
      },
      { seconds: 's' },
    ),
  },
  {
    id: 'mails',
    title: 'Mail',
    shows: `The newest ${LISTED_MAX} mail transactions of the range that fit what was chosen, with the last reply.`,
    red: {
      column: 'code',
      from: 400,
      advice:
        'It was not accepted: 4xx is tried again by the client, 5xx is not. The reply says why; a click on the session shows whose it was.',
    },
    unit: 'short',
    drawing: 'table',
    width: 24,
    sql: `SELECT at, sid, ${addressText('ip')} AS address, reversePath, arrayStringConcat(domains, ', ') AS domains, acceptedCount AS accepted,
  refusedCount AS refused, octets, outcome, replyCode AS code, replyText AS reply
FROM mails
WHERE $__timeFilter(at) AND ${chosen('gate')} AND ${fromAddress}
ORDER BY at DESC
LIMIT ${LISTED_MAX}`,
    columns: columnsOf(
      {
        at: "DateTime64(3, 'UTC')",
        sid: 'UUID',
        address: 'String',
        reversePath: 'String',
        domains: 'String',
        accepted: 'UInt32',
        refused: 'UInt32',
        octets: 'UInt64',
        outcome: 'LowCardinality(String)',
        code: 'UInt16',
        reply: 'String',
      },
      { octets: 'bytes' },
    ),
  },
];

/** What happened in one event, as a line of a dialogue. */
const what = `arrayStringConcat(arrayFilter(part -> part != '', [
    toString(verb), heloName,
    if(verb = 'MAIL' OR type = 'mail', concat('<', reversePath, '>'), ''), if(forwardPath != '', concat('<', forwardPath, '>'), ''),
    toString(mechanism), argument, toString(kind), toString(leg), toString(version), toString(stage), toString(phase),
    toString(outcome), reason, note
  ]), ' ')`;

const dialogue: readonly Panel[] = [
  {
    id: 'dialogue',
    title: 'The session that was chosen, in order',
    shows:
      'Every event of one session: what the client said, what the gate made of it, what was answered. Nothing where no session is chosen.',
    red: {
      column: 'code',
      from: 500,
      advice: 'Refused for good. A rule beside it means that it was the gate; none, that it was the server behind.',
    },
    unit: 'short',
    drawing: 'table',
    width: 24,
    // The id says when the session began, and no session is longer than a day: only those days are read.
    sql: `SELECT seq, at, type, ${what} AS what, verdict.action AS action, if(verdict.rule != '', verdict.rule, rule) AS rule,
  reply.code AS code, reply.text AS reply, reply.\`from\` AS answered, latencyUs AS latency
FROM events
WHERE sid = ${theSession} AND sid != toUUIDOrZero('')
  AND at >= UUIDv7ToDateTime(${theSession}) - INTERVAL 1 HOUR AND at <= UUIDv7ToDateTime(${theSession}) + INTERVAL 26 HOUR
ORDER BY seq
LIMIT 5000`,
    columns: columnsOf(
      {
        seq: 'UInt32',
        at: "DateTime64(3, 'UTC')",
        type: 'LowCardinality(String)',
        what: 'String',
        action: 'LowCardinality(String)',
        rule: 'String',
        code: 'UInt16',
        reply: 'String',
        answered: 'LowCardinality(String)',
        latency: 'UInt64',
      },
      { latency: 'µs' },
    ),
  },
];

export const sessions: Dashboard = {
  uid: 'postern-sessions',
  title: 'Postern: sessions and mail',
  description: 'Search for sessions and mail, and read one session from its greeting to its end.',
  range: '6h',
  variables: [gateVariable, ruleVariable, ipVariable, sidVariable],
  panels: [...search, ...dialogue],
};
