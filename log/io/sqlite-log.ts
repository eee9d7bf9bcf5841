import { mkdirSync } from 'node:fs';
import { assert } from '../../lib/assert.ts';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { DISK_OCTETS_MAX_DEFAULT, DISK_OCTETS_MAX_FLOOR, fileOctetsMaxOf } from '../disk-budget.ts';
import { type Stream, streams } from '../event-log.ts';
import { PARTITION_COUNT_DEFAULT, PARTITION_COUNT_MAX } from '../partition.ts';
import type { Durability } from './database.ts';
import { DiskUsage } from './disk-usage.ts';
import { listFiles } from './file-names.ts';
import { OffsetStore } from './offset-store.ts';
import { SqliteLog } from './owned-log.ts';
import { OwnedStream } from './owned-stream.ts';
import { takeOwnerLock } from './owner-lock.ts';
import { StreamReader } from './stream-reader.ts';
import type { Damage, StreamFault, StreamPlace } from './stream-writer.ts';

export type { SqliteLog };

/** Age at which a file is full: whole files are trimmed, so it is also how exact retention is. */
export const FILE_AGE_MS_MAX: Readonly<Record<Stream, number>> = {
  'postern.events': 3_600_000,
  'postern.evidence': 3_600_000,
  'postern.decisions': 86_400_000,
  'postern.snapshots': 3_600_000,
};
export interface SqliteLogOptions {
  /** Made with mode 0700 if it is not there. */
  readonly directory: string;
  /** Whose gaps the log tells of. */
  readonly site: string;
  readonly gate: string;
  /** Fixed at birth; an existing log keeps its own unless another number is given, which is a fault. */
  readonly partitionCount?: number;
  /** Default `fsync`. */
  readonly durable?: Durability;
  /** Octets on disk, all files together; at least {@link DISK_OCTETS_MAX_FLOOR}. */
  readonly diskOctetsMax?: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now?: () => number;
}

/** Why a log cannot be opened. */
export type OpenFault =
  | StreamFault
  /** Another process, or another log of this one, owns the directory. */
  | { readonly kind: 'owned'; readonly directory: string }
  | { readonly kind: 'unusable'; readonly directory: string; readonly reason: string };

/** Opens the log of a directory as its only owner. */
export async function openSqliteLog(options: SqliteLogOptions): Promise<Result<SqliteLog, OpenFault>> {
  const { directory } = options;
  let lock: Disposable | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    lock = takeOwnerLock(directory);
    if (lock === undefined) return err({ kind: 'owned', directory });
    const log = openOwned(options, lock);
    if (log instanceof SqliteLog) {
      await log.upkeep();
      return ok(log);
    }
    lock[Symbol.dispose]();
    return err(log);
  } catch (error) {
    lock?.[Symbol.dispose]();
    return err({ kind: 'unusable', directory, reason: messageOf(error) });
  }
}

function openOwned(options: SqliteLogOptions, lock: Disposable): SqliteLog | OpenFault {
  const { directory, site, gate, now = Date.now } = options;
  const found = partitionCountOf(directory);
  const partitionCount = options.partitionCount ?? found ?? PARTITION_COUNT_DEFAULT;
  if (found !== undefined && found !== partitionCount) return { kind: 'partition-count', found };
  assert(partitionCount >= 1 && partitionCount <= PARTITION_COUNT_MAX, 'the number of partitions was checked');
  const diskOctetsMax = Math.max(options.diskOctetsMax ?? DISK_OCTETS_MAX_DEFAULT, DISK_OCTETS_MAX_FLOOR);
  const store = OffsetStore.open(directory, partitionCount);
  const usage = new DiskUsage(directory);
  const damages: Damage[] = [];
  let lastMs = 0;
  const nowMs = (): number => {
    lastMs = Math.max(lastMs, now());
    return lastMs;
  };
  const owned = openStreams(usage, diskOctetsMax, {
    directory,
    partitionCount,
    durable: options.durable ?? 'fsync',
    origin: { site, gate },
    store,
    onDamage: (damage) => void damages.push(damage),
    now: nowMs,
  });
  if (!(owned instanceof Map)) {
    store[Symbol.dispose]();
    return owned;
  }
  for (const stream of owned.values()) lastMs = Math.max(lastMs, stream.lastAtMs());
  const origin = { site, gate };
  return new SqliteLog({ lock, store, usage, damages, owned, partitionCount, diskOctetsMax, origin, nowMs });
}

/** What all streams of a log have in common. */
type CommonPlace = Omit<StreamPlace, 'stream' | 'floorOf'> & { readonly store: OffsetStore };

function openStreams(
  usage: DiskUsage,
  diskOctetsMax: number,
  { store, ...common }: CommonPlace,
): Map<Stream, OwnedStream> | StreamFault {
  const owned = new Map<Stream, OwnedStream>();
  for (const stream of streams) {
    const place = { ...common, stream, floorOf: (partition: number) => store.highest(stream, partition) };
    const fileOctetsMax = fileOctetsMaxOf(diskOctetsMax);
    const limits = { diskOctetsMax, fileOctetsMax, fileAgeMsMax: FILE_AGE_MS_MAX[stream] };
    const opened = OwnedStream.open(place, limits, usage);
    if (!(opened instanceof OwnedStream)) {
      for (const other of owned.values()) other.close();
      return opened;
    }
    owned.set(stream, opened);
  }
  return owned;
}

/** Partitions of the log that is in a directory; undefined if nobody can tell. */
function partitionCountOf(directory: string): number | undefined {
  for (const stream of streams) {
    const reader = new StreamReader(directory, stream, () => undefined);
    const newest = listFiles(directory, stream).numbers.findLast((number) => reader.basesOf(number) !== undefined);
    const count = newest === undefined ? undefined : reader.basesOf(newest)?.length;
    reader.close();
    if (count !== undefined) return count;
  }
  return undefined;
}
