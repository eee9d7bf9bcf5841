-- Sums that are kept longer than events, each narrow: a query over months reads a few rows an hour.

-- How much of what: commands by verb and by the first digit of their reply, and every other event by its type.
CREATE TABLE IF NOT EXISTS traffic_by_minute (
  minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  gate LowCardinality(String),
  listener LowCardinality(String),
  type LowCardinality(String),
  verb LowCardinality(String),
  replyClass UInt8,
  outcome LowCardinality(String),
  events UInt64 CODEC(T64, ZSTD(1)),
  octets UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, gate, listener, type, verb, replyClass, outcome)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS traffic_from_events TO traffic_by_minute AS
SELECT
  toStartOfMinute(toDateTime(at, 'UTC')) AS minute, gate, listener, type, verb,
  toUInt8(intDiv(e.reply.code, 100)) AS replyClass, outcome, count() AS events, sum(e.octets) AS octets
FROM events AS e
GROUP BY minute, gate, listener, type, verb, replyClass, outcome;

-- What rules did, and what those that only observe would have done. Connections refused at the door count each.
CREATE TABLE IF NOT EXISTS verdicts_by_minute (
  minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  gate LowCardinality(String),
  listener LowCardinality(String),
  action LowCardinality(String),
  rule LowCardinality(String),
  observed Bool,
  verdicts UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, gate, listener, action, rule, observed)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS verdicts_from_events TO verdicts_by_minute AS
SELECT
  toStartOfMinute(toDateTime(e.at, 'UTC')) AS minute, e.gate AS gate, e.listener AS listener,
  tupleElement(v, 1) AS action, tupleElement(v, 2) AS rule, tupleElement(v, 3) AS observed,
  sum(tupleElement(v, 4)) AS verdicts
FROM events AS e
ARRAY JOIN arrayConcat(
  if(e.type = 'command', [(toString(e.verdict.action), toString(e.verdict.rule), false, toUInt64(1))], []),
  if(e.type = 'refusals', [(toString(e.action), toString(e.rule), false, e.count)], []),
  if(e.type = 'session-closed' AND e.rule != '', [('close', toString(e.rule), false, toUInt64(1))], []),
  arrayMap(o -> (toString(o.action), toString(o.rule), true, toUInt64(1)), e.observed)
) AS v
GROUP BY minute, gate, listener, action, rule, observed;

-- How long commands take, from the command to the reply that was written.
CREATE TABLE IF NOT EXISTS latency_by_minute (
  minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  gate LowCardinality(String),
  verb LowCardinality(String),
  commands SimpleAggregateFunction(sum, UInt64),
  slowestUs SimpleAggregateFunction(max, UInt64),
  latency AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, gate, verb)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS latency_from_events TO latency_by_minute AS
SELECT
  toStartOfMinute(toDateTime(at, 'UTC')) AS minute, gate, verb,
  count() AS commands, max(latencyUs) AS slowestUs, quantilesTDigestState(0.5, 0.95, 0.99)(latencyUs) AS latency
FROM events
WHERE type = 'command'
GROUP BY minute, gate, verb;

-- What each source did.
CREATE TABLE IF NOT EXISTS sources_by_hour (
  hour DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  ip IPv6 CODEC(ZSTD(1)),
  sessions UInt64 CODEC(T64, ZSTD(1)),
  commands UInt64 CODEC(T64, ZSTD(1)),
  refused UInt64 CODEC(T64, ZSTD(1)),
  deferred UInt64 CODEC(T64, ZSTD(1)),
  unknownRecipients UInt64 CODEC(T64, ZSTD(1)),
  authRefused UInt64 CODEC(T64, ZSTD(1)),
  mailsAccepted UInt64 CODEC(T64, ZSTD(1)),
  anomalies UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, ip)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS sources_from_events TO sources_by_hour AS
SELECT
  toStartOfHour(toDateTime(at, 'UTC')) AS hour, ip,
  countIf(type = 'session-opened') AS sessions,
  countIf(type = 'command') AS commands,
  countIf(e.verdict.action IN ('refuse', 'close')) + sumIf(e.count, type = 'refusals') AS refused,
  countIf(e.verdict.action = 'defer') AS deferred,
  countIf(verb = 'RCPT' AND e.reply.code = 550) AS unknownRecipients,
  countIf(type = 'auth-attempt' AND outcome = 'refused') AS authRefused,
  countIf(type = 'mail' AND outcome = 'accepted') AS mailsAccepted,
  countIf(type = 'anomaly') AS anomalies
FROM events AS e
WHERE role != ''
GROUP BY hour, ip;
