import type { Offset } from '../log/event-log.ts';
import type { Parameters } from './database.ts';

/** Where one partition of a stream begins in the log, as it was read. */
export interface LogStart {
  /** Offset of the first record that was read; where there was none, the one that the next will get. */
  readonly first: Offset;
  /** No record that was read is older, milliseconds since 1970-01-01 UTC. */
  readonly earliestMs: number;
}

/**
 * Rows whose records were not read from the log. Offsets say so exactly. After the loss of a log its offsets come once more, with other
 * records: what has one of those and is older than all that was read is of the log that was lost.
 */
export const BEFORE_LOG = `(logOffset < arrayElement({firsts:Array(UInt64)}, logPartition + 1)
  OR toUnixTimestamp64Milli(at) < arrayElement({earliests:Array(Int64)}, logPartition + 1))`;

/** Parameters of {@link BEFORE_LOG}. @param starts - Of every partition, in order. */
export const beforeLogParameters = (starts: readonly LogStart[]): Parameters => ({
  firsts: starts.map(({ first }) => first),
  earliests: starts.map(({ earliestMs }) => earliestMs),
});
