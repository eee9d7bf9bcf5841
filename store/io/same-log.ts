import type { EventLog, Offset } from '../../log/event-log.ts';
import { type Batch, tableOf } from '../batch.ts';
import type { StoreDatabase } from '../database.ts';
import { StoreUnavailable } from './positions.ts';

/** Records at the end of a log that are looked at. */
const LOOKED_AT = 500;

/**
 * Is a log that ends before what the store has of it the same one, whose end was lost, or another one in its place? The last records
 * that both have are the same ones, or they are not. Where they have none in common it is another one.
 */
export async function isSameLog(
  log: EventLog,
  database: StoreDatabase,
  { stream, partition }: Pick<Batch, 'stream' | 'partition'>,
  { first, next }: { readonly first: Offset; readonly next: Offset },
): Promise<boolean> {
  const from = Math.max(first, next - LOOKED_AT);
  const stored = await database.query<{ offset: string; at: string; type: string }>(
    `SELECT logOffset AS offset, toString(toUnixTimestamp64Milli(at)) AS at, type FROM ${tableOf[stream]}
     WHERE logPartition = {partition:UInt16} AND logOffset >= {from:UInt64} AND logOffset < {next:UInt64}`,
    { partition, from, next },
  );
  if (!stored.ok) throw new StoreUnavailable(stored.error);
  const known = new Map(
    stored.value.map(({ offset, at, type }) => [Number(offset), [`"at":${at},`, `"type":"${type}"`]]),
  );
  const { records } = await log.read(stream, partition, from, LOOKED_AT);
  const common = records.flatMap(({ offset, payload }) => {
    const parts = known.get(offset);
    return parts === undefined ? [] : [parts.every((part) => payload.includes(part))];
  });
  return common.length > 0 && common.every((isSame) => isSame);
}
