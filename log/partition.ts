import { partitionKeyOf } from '../events/codec.ts';
import type { MailEvent } from '../events/event.ts';

/** Partitions of a log that is made without saying how many. */
export const PARTITION_COUNT_DEFAULT = 4;
/** Most partitions of a log. */
export const PARTITION_COUNT_MAX = 256;

const FNV_OFFSET_BASIS = 0x81_1c_9d_c5;
const FNV_PRIME = 0x01_00_01_93;

/**
 * The partition of a key: FNV-1a over its UTF-16 code units, mixed once more, modulo the number of partitions. It must
 * never change: a key that moved would lose its order, and replay would not see what live saw.
 */
export function partitionOf(key: string, partitionCount: number): number {
  let hash = FNV_OFFSET_BASIS;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), FNV_PRIME);
  // The low bits of FNV-1a depend on the low bits of the key only; keys of neighbouring networks are much alike.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  return ((hash ^ (hash >>> 13)) >>> 0) % partitionCount;
}

/** The partitions that an event is in: one, or all for a control event. Its copy in partition 0 is the one to count. */
export function partitionsOf(event: MailEvent, partitionCount: number): readonly number[] {
  const key = partitionKeyOf(event);
  if (key === undefined) return Array.from({ length: partitionCount }, (_, partition) => partition);
  return [partitionOf(key, partitionCount)];
}
