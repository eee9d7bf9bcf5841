import { z } from 'zod';
import { jsonOf } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { EventLog, LogRecord } from '../../log/event-log.ts';
import { partitionOf } from '../../log/partition.ts';
import type { Snapshot, SnapshotFault, SnapshotStore } from '../snapshot.ts';
import { packSnapshot, unpackSnapshot } from './packed-snapshot.ts';

const STREAM = 'postern.snapshots';
/** Octets of a packed snapshot in one record: as base64 they fit. */
export const PIECE_OCTETS = 720_000;
/** Records at the end of the log that are looked at first, and how many times more each time that a snapshot is not among them. */
const LOOKED_AT_FIRST = 8;
const LOOKED_AT_FACTOR = 8;
/** Records of one read. */
const READ_RECORDS = 8;

/** One piece of a snapshot. */
const piece = z.object({
  name: z.string(),
  /** Of the snapshot: where its pieces begin to come, an earlier one may not be whole any more. */
  id: z.string(),
  index: z.int().nonnegative(),
  count: z.int().positive(),
  /** Two take turns: while one is written the other stays whole. */
  slot: z.union([z.literal(0), z.literal(1)]),
  data: z.string(),
});
type Piece = z.output<typeof piece>;

/** Snapshots in the log, so that whoever takes over a partition has its state. Of each name the last whole one counts. */
export class LogSnapshots implements SnapshotStore {
  private readonly log: EventLog;
  private readonly newId: () => string;
  /** Where the last whole snapshot of each name is. */
  private readonly slots = new Map<string, Piece['slot']>();

  /** @param newId - Gives a text that it never gave before. */
  constructor(log: EventLog, newId: () => string) {
    this.log = log;
    this.newId = newId;
  }

  async load(name: string): Promise<Result<Snapshot | undefined, SnapshotFault>> {
    try {
      const packed = await this.lastWhole(name);
      return packed === undefined ? ok(undefined) : await unpackSnapshot(packed);
    } catch {
      return err('unreadable');
    }
  }

  async save(name: string, snapshot: Snapshot): Promise<void> {
    const packed = await packSnapshot(snapshot);
    const id = this.newId();
    const slot = this.slots.get(name) === 0 ? 1 : 0;
    const count = Math.ceil(packed.length / PIECE_OCTETS);
    for (let index = 0; index < count; index += 1) {
      const data = packed.subarray(index * PIECE_OCTETS, (index + 1) * PIECE_OCTETS).toString('base64');
      const appended = await this.log.append([recordOf({ name, id, index, count, slot, data })]);
      if (!appended.ok) throw new Error(`the log does not take a state: ${appended.error}`);
    }
    this.slots.set(name, slot);
  }

  private async lastWhole(name: string): Promise<Buffer | undefined> {
    const partition = partitionOf(name, this.log.partitionCount);
    const { first, next } = await this.log.bounds(STREAM, partition);
    for (let count = LOOKED_AT_FIRST; ; count *= LOOKED_AT_FACTOR) {
      const from = Math.max(first, next - count);
      const whole = await this.lastWholeFrom(name, partition, from, next);
      if (whole !== undefined || from === first) return whole;
    }
  }

  private async lastWholeFrom(name: string, partition: number, from: number, end: number): Promise<Buffer | undefined> {
    const pieces = new Pieces(name);
    for (let at = from; at < end; ) {
      const page = await this.log.read(STREAM, partition, at, READ_RECORDS);
      for (const { payload } of page.records) pieces.add(payload);
      if (page.nextOffset <= at) break;
      at = page.nextOffset;
    }
    const [first] = pieces.whole;
    if (first === undefined) return undefined;
    this.slots.set(name, first.slot);
    return Buffer.concat(pieces.whole.map(({ data }) => Buffer.from(data, 'base64')));
  }
}

/** Puts the pieces of the snapshots of one name together. */
class Pieces {
  /** All pieces of the last snapshot that is whole; empty where none is. */
  whole: readonly Piece[] = [];
  private readonly name: string;
  private pieces: Piece[] = [];

  constructor(name: string) {
    this.name = name;
  }

  add(payload: string): void {
    const { data } = piece.safeParse(jsonOf(payload));
    if (data?.name !== this.name) return;
    if (data.index === 0) this.pieces = [];
    // A writer that was replaced may still have been at it: pieces of two snapshots do not mix.
    const isNext = data.index === this.pieces.length && data.id === (this.pieces[0]?.id ?? data.id);
    if (isNext) this.pieces.push(data);
    if (isNext && this.pieces.length === data.count) this.whole = this.pieces;
  }
}

const recordOf = (each: Piece): LogRecord => ({
  stream: STREAM,
  key: each.name,
  part: `${each.slot}/${each.index}`,
  payload: JSON.stringify(each),
});
