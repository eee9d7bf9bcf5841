import type { Pressure } from './batch.ts';
import type { Stream } from './event-log.ts';

/** Octets that a log may take on disk, unless configured. */
export const DISK_OCTETS_MAX_DEFAULT = 4 * 1024 ** 3;
/** Smallest cap that can be configured: a few files with their write-ahead logs. */
export const DISK_OCTETS_MAX_FLOOR = 32 * 1024 ** 2;
/** From this share of the cap on, files that every consumer has finished go, oldest first. */
export const ROOM_SHARE = 0.85;
/** From this share on, records of priority `low` are dropped. */
export const DROP_LOW_SHARE = 0.9;
/** From this share on, records of priority `normal` are dropped as well. */
export const DROP_NORMAL_SHARE = 0.95;

/** From this share on the disk is full for events; what is left is for what is decided from them. */
export const EVENTS_SHARE = 0.98;

/** Octets at which a file is full, unless the cap is small. */
export const FILE_OCTETS_MAX_DEFAULT = 256 * 1024 ** 2;
/** A cap holds at least this many files, so that room can be made without losing much. */
const FILES_IN_CAP = 16;

/** Octets at which a file of a log with this cap is full. */
export const fileOctetsMaxOf = (diskOctetsMax: number): number =>
  Math.min(FILE_OCTETS_MAX_DEFAULT, Math.floor(diskOctetsMax / FILES_IN_CAP));

/**
 * What a log with `usedOctets` on disk does with another batch.
 *
 * @param batchOctets - Octets of the batch: with them the log stays below its cap, or takes nothing.
 */
export function pressureAt(
  stream: Stream,
  { usedOctets, batchOctets, diskOctetsMax }: { usedOctets: number; batchOctets: number; diskOctetsMax: number },
): Pressure {
  // Only the facts of the gate give way: a flood of them must not keep a decision against it out of the log.
  if (stream !== 'postern.events') return usedOctets + batchOctets > diskOctetsMax ? 3 : 0;
  if (usedOctets + batchOctets > EVENTS_SHARE * diskOctetsMax) return 3;
  const share = usedOctets / diskOctetsMax;
  if (share >= DROP_NORMAL_SHARE) return 2;
  return share >= DROP_LOW_SHARE ? 1 : 0;
}
