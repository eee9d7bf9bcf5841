-- One row a session. Its events may come in several batches: the parts add up, so queries group by (day, sid) or say FINAL.
CREATE TABLE IF NOT EXISTS sessions (
  day Date,
  sid UUID,
  startedAt SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
  lastAt SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
  site SimpleAggregateFunction(max, LowCardinality(String)),
  gate SimpleAggregateFunction(max, LowCardinality(String)),
  listener SimpleAggregateFunction(max, LowCardinality(String)),
  role SimpleAggregateFunction(max, LowCardinality(String)),
  ip SimpleAggregateFunction(max, IPv6),
  sourceClass SimpleAggregateFunction(max, LowCardinality(String)),
  heloName SimpleAggregateFunction(max, String),
  account SimpleAggregateFunction(max, String),
  authenticated SimpleAggregateFunction(max, UInt8),
  tls SimpleAggregateFunction(max, UInt8),
  events SimpleAggregateFunction(sum, UInt64),
  commands SimpleAggregateFunction(sum, UInt64),
  refused SimpleAggregateFunction(sum, UInt64),
  deferred SimpleAggregateFunction(sum, UInt64),
  slowed SimpleAggregateFunction(sum, UInt64),
  anomalies SimpleAggregateFunction(sum, UInt64),
  mails SimpleAggregateFunction(sum, UInt64),
  mailsAccepted SimpleAggregateFunction(sum, UInt64),
  rules SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
  closed SimpleAggregateFunction(max, UInt8),
  outcome SimpleAggregateFunction(max, LowCardinality(String)),
  closedBy SimpleAggregateFunction(max, LowCardinality(String)),
  closingRule SimpleAggregateFunction(max, LowCardinality(String)),
  octetsIn SimpleAggregateFunction(max, UInt64),
  octetsOut SimpleAggregateFunction(max, UInt64),
  durationUs SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, sid)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS sessions_from_events TO sessions AS
SELECT
  toDate(UUIDv7ToDateTime(e.sid)) AS day,
  e.sid AS sid,
  min(e.at) AS startedAt,
  max(e.at) AS lastAt,
  max(e.site) AS site,
  max(e.gate) AS gate,
  max(e.listener) AS listener,
  max(e.role) AS role,
  max(e.ip) AS ip,
  max(e.sourceClass) AS sourceClass,
  max(e.heloName) AS heloName,
  max(e.account) AS account,
  max(e.type = 'auth-attempt' AND e.outcome = 'accepted') AS authenticated,
  max(toUInt8(e.tls) OR (e.type = 'tls-started' AND e.leg = 'client')) AS tls,
  count() AS events,
  countIf(e.type = 'command') AS commands,
  countIf(e.verdict.action IN ('refuse', 'close')) AS refused,
  countIf(e.verdict.action = 'defer') AS deferred,
  countIf(e.verdict.action = 'slow') AS slowed,
  countIf(e.type = 'anomaly') AS anomalies,
  countIf(e.type = 'mail') AS mails,
  countIf(e.type = 'mail' AND e.outcome = 'accepted') AS mailsAccepted,
  groupUniqArrayArray(arrayFilter(r -> r != '', [toString(e.verdict.rule), toString(e.rule)])) AS rules,
  max(e.type = 'session-closed') AS closed,
  max(if(e.type = 'session-closed', e.outcome, '')) AS outcome,
  max(e.closedBy) AS closedBy,
  max(if(e.type = 'session-closed', e.rule, '')) AS closingRule,
  max(e.octetsIn) AS octetsIn,
  max(e.octetsOut) AS octetsOut,
  max(if(e.type = 'session-closed', e.durationUs, 0)) AS durationUs
FROM events AS e
WHERE e.sid != toUUID('00000000-0000-0000-0000-000000000000')
GROUP BY day, sid;
