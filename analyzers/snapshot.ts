import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { jsonOf } from '../lib/json.ts';

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

/** Keeps the last snapshot of each partition. */
export interface SnapshotStore {
  /** Undefined where there is none, or none that can be read. */
  load(name: string): Promise<Snapshot | undefined>;
  /** Replaces the one before as a whole. */
  save(name: string, snapshot: Snapshot): Promise<void>;
}

const head = z.object({
  format: z.literal(1),
  stateHash: z.string(),
  offset: z.int().nonnegative(),
  decisionOffsets: z.array(z.int().nonnegative()),
});
const LINE_FEED = 0x0a;

/** A line of JSON, and the state behind it. */
export function encodeSnapshot({ state, ...rest }: Snapshot): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ format: 1, ...rest })}\n`), state]);
}

export function decodeSnapshot(octets: Uint8Array): Snapshot | undefined {
  const end = octets.indexOf(LINE_FEED);
  const line = Buffer.from(octets.subarray(0, Math.max(0, end))).toString('utf8');
  const { data } = head.safeParse(jsonOf(line));
  if (data === undefined) return undefined;
  const { stateHash, offset, decisionOffsets } = data;
  return { stateHash, offset, decisionOffsets, state: octets.subarray(end + 1) };
}
