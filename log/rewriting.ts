import { Buffer } from 'node:buffer';
import { type Offset, RECORD_OCTETS_MAX, type Stream } from './event-log.ts';
import type { FrameCursor, FrameWriter } from './frame-cursor.ts';

/** Records of one rewriting. */
export const REWRITE_RECORDS_MAX = 1000;
/** Octets of one rewriting, before and after, once it has more than one record: the owner of the files does nothing else meanwhile. */
export const REWRITE_OCTETS_MAX = 1_048_576;

/** One record that is to be another one. */
export interface Rewrite {
  readonly offset: Offset;
  /** What it is now. A record that is something else stays. */
  readonly before: string;
  /** One line, as for an append. */
  readonly after: string;
}

/** Records of one partition that are to be others, in the order of their offsets; at most {@link REWRITE_RECORDS_MAX}. */
export interface Rewriting {
  readonly stream: Stream;
  readonly partition: number;
  readonly records: readonly Rewrite[];
}

/** `rewritten`: it is what it was to become. `other`: it was something else than was said. `gone`: it is not in the log any more. */
export const rewriteOutcomes = ['rewritten', 'other', 'gone'] as const;
export type RewriteOutcome = (typeof rewriteOutcomes)[number];

/**
 * Changes records where they are: events are facts that never change, but for a person who is to be forgotten. Offsets, keys and times
 * stay, and so does everything around.
 */
export interface Rewriter {
  /**
   * One outcome a record, in order. All of them are durable. A rewriting that comes again does no harm.
   *
   * @throws Where the disk will not have it, or the owner of the files is not there for long; then it may be done or not.
   */
  rewrite(rewriting: Rewriting): Promise<readonly RewriteOutcome[]>;
  /**
   * Has nothing of the octets before left on the disk: they may be in write-ahead logs still.
   *
   * @returns How many files have them still, because somebody reads them at this moment: try again.
   */
  scrub(): Promise<number>;
}

/** Cuts records into rewritings that are small enough. */
export function* partedRewriting({ stream, partition, records }: Rewriting): Generator<Rewriting> {
  let part: Rewrite[] = [];
  let octets = 0;
  for (const record of records) {
    const more = Buffer.byteLength(record.before) + Buffer.byteLength(record.after);
    if (part.length >= REWRITE_RECORDS_MAX || (part.length > 0 && octets + more > REWRITE_OCTETS_MAX)) {
      yield { stream, partition, records: part };
      part = [];
      octets = 0;
    }
    part.push(record);
    octets += more;
  }
  if (part.length > 0) yield { stream, partition, records: part };
}

/** Octets of the records of a rewriting in a frame. */
export const rewritesOctets = (records: readonly Rewrite[]): number =>
  records.reduce((sum, { before, after }) => sum + 14 + Buffer.byteLength(before) + Buffer.byteLength(after), 2);

/** Writes the records of a rewriting: their number, then of each the offset and both lines with their lengths. */
export function writeRewrites(writer: FrameWriter, records: readonly Rewrite[]): FrameWriter {
  writer.u16(records.length);
  for (const { offset, before, after } of records) {
    writer.u48(offset);
    for (const line of [before, after]) {
      const octets = Buffer.from(line, 'utf8');
      writer.u32(octets.length).octets(octets);
    }
  }
  return writer;
}

/** Reads what {@link writeRewrites} wrote; undefined for what is no rewriting. */
export function readRewrites(cursor: FrameCursor): readonly Rewrite[] | undefined {
  const count = cursor.u16();
  if (count === 0 || count > REWRITE_RECORDS_MAX) return undefined;
  const records: Rewrite[] = [];
  for (let index = 0; index < count; index += 1) {
    const offset = cursor.u48();
    const before = lineOf(cursor);
    const after = lineOf(cursor);
    if (before === undefined || after === undefined) return undefined;
    records.push({ offset, before, after });
  }
  return records;
}

function lineOf(cursor: FrameCursor): string | undefined {
  const length = cursor.u32();
  if (length === 0 || length > RECORD_OCTETS_MAX) return undefined;
  const line = cursor.octets(length).toString('utf8');
  return line.includes('\n') ? undefined : line;
}
