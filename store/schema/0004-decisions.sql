-- Every line of postern.decisions: made, and revoked by a person.
CREATE TABLE IF NOT EXISTS decisions (
  logPartition UInt16 CODEC(T64, ZSTD(1)),
  logOffset UInt64 CODEC(Delta, ZSTD(1)),
  v UInt8,
  type LowCardinality(String),
  at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  site LowCardinality(String),
  id String,
  scope LowCardinality(String),
  value String,
  roles Array(LowCardinality(String)),
  origin LowCardinality(String),
  scenario LowCardinality(String),
  action LowCardinality(String),
  level UInt8,
  until DateTime64(3, 'UTC'),
  scenarioVersion UInt32,
  configHash LowCardinality(String),
  standing LowCardinality(String),
  score Int64,
  threshold Int64,
  ledger Array(Tuple(sid String, seq UInt32, at DateTime64(3, 'UTC'), weight Int64, what LowCardinality(String))),
  forgotten Bool,
  counter Array(Tuple(sid String, seq UInt32, at DateTime64(3, 'UTC'), weight Int64, what LowCardinality(String))),
  facts Map(LowCardinality(String), Int64),
  held String,
  `by` LowCardinality(String),
  reason String CODEC(ZSTD(1)),
  INDEX byValue value TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (scenario, at, id)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;
