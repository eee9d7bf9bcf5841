-- One row a mail transaction.
CREATE TABLE IF NOT EXISTS mails (
  at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  site LowCardinality(String),
  gate LowCardinality(String),
  listener LowCardinality(String),
  ip IPv6 CODEC(ZSTD(1)),
  sid UUID CODEC(ZSTD(1)),
  transaction UInt32,
  reversePath String CODEC(ZSTD(1)),
  nullReversePath Bool,
  acceptedCount UInt32,
  refusedCount UInt32,
  domains Array(LowCardinality(String)),
  octets UInt64 CODEC(T64, ZSTD(1)),
  outcome LowCardinality(String),
  replyCode UInt16,
  replyText String CODEC(ZSTD(1)),
  bodySha256 String CODEC(ZSTD(1)),
  durationUs UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (toStartOfHour(at), outcome, sid, transaction)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS mails_from_events TO mails AS
SELECT
  at, site, gate, listener, ip, sid, transaction, reversePath, nullReversePath, acceptedCount, refusedCount, domains, octets,
  outcome, e.reply.code AS replyCode, e.reply.text AS replyText, bodySha256, durationUs
FROM events AS e
WHERE type = 'mail';
