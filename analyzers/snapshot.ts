import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { jsonOf } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';

/** State of the detectors of one partition, and where they were when it was taken. */
export interface Snapshot {
  /** What the detectors were made of: others cannot go on from it. */
  readonly stateHash: string;
  /** Offset of the next event that they have not seen. */
  readonly offset: number;
  /** Ends of the partitions of `postern.decisions` at that time: what was decided since lies behind them. */
  readonly decisionOffsets: readonly number[];
  readonly state: Uint8Array;
}

/**
 * Why a snapshot cannot be used: it is `damaged` (cut off, or other octets than were written), of another `format` (an other
 * release), or `unreadable` for the system.
 */
export type SnapshotFault = 'damaged' | 'format' | 'unreadable';

/** Keeps the last snapshot of each partition. */
export interface SnapshotStore {
  /** Undefined where there is none. */
  load(name: string): Promise<Result<Snapshot | undefined, SnapshotFault>>;
  /** Replaces the one before as a whole. */
  save(name: string, snapshot: Snapshot): Promise<void>;
}

const FORMAT = 1;
const head = z.object({
  stateHash: z.string(),
  offset: z.int().nonnegative(),
  decisionOffsets: z.array(z.int().nonnegative()),
});
const anyFormat = z.object({ format: z.int() });
const LINE_FEED = 0x0a;

/** A line of JSON, and the state behind it. */
export function encodeSnapshot({ state, ...rest }: Snapshot): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ format: FORMAT, ...rest })}\n`), state]);
}

export function decodeSnapshot(octets: Uint8Array): Result<Snapshot, Exclude<SnapshotFault, 'unreadable'>> {
  const end = octets.indexOf(LINE_FEED);
  const line = jsonOf(Buffer.from(octets.subarray(0, Math.max(0, end))).toString('utf8'));
  const { data: told } = anyFormat.safeParse(line);
  if (told !== undefined && told.format !== FORMAT) return err('format');
  const { data } = head.safeParse(line);
  if (told === undefined || data === undefined) return err('damaged');
  return ok({ ...data, state: octets.subarray(end + 1) });
}
