-- Where a record was before it was sent on to the common log: a record may be there twice, and in the store it is once.
ALTER TABLE events
  ADD COLUMN IF NOT EXISTS originLog LowCardinality(String),
  ADD COLUMN IF NOT EXISTS originPartition UInt16 CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS originOffset UInt64 CODEC(Delta, ZSTD(1));

ALTER TABLE decisions
  ADD COLUMN IF NOT EXISTS originLog LowCardinality(String),
  ADD COLUMN IF NOT EXISTS originPartition UInt16 CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS originOffset UInt64 CODEC(Delta, ZSTD(1));
