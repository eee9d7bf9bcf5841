-- The country of each source, where the configuration names a file of countries. Of several rows about an address the latest
-- counts (`at`): ask for argMax(country, at) with GROUP BY ip.
CREATE TABLE IF NOT EXISTS countries_of_sources (
  ip IPv6 CODEC(ZSTD(1)),
  -- ISO 3166-1 alpha-2; empty where the file has none.
  country LowCardinality(String),
  -- An hour in which it was a source, no more than a day before the last: a row is kept as long as the sums of its source.
  hour DateTime('UTC') CODEC(ZSTD(1)),
  at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(at)
ORDER BY ip
SETTINGS non_replicated_deduplication_window = 10000;
