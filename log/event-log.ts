import type { Priority } from '../events/priority.ts';
import type { Result } from '../lib/result.ts';

/** Named logs. Only `postern.events` has writers in the gate. */
export const streams = ['postern.events', 'postern.evidence', 'postern.decisions', 'postern.snapshots'] as const;
export type Stream = (typeof streams)[number];

/** Position of a record in one partition of one stream, from 0, without holes while it is written. */
export type Offset = number;

/** In place of the offset of a record that a log near its disk cap has dropped, and counted in a `log-gap`. */
export const DROPPED: Offset = -1;

/** Octets of the longest record, in UTF-8; a longer one is `too-large`. */
export const RECORD_OCTETS_MAX = 1_048_576;
/** Octets of all records of one append; more are `too-large`. */
export const APPEND_OCTETS_MAX = 2_097_152;

/** Where a record was before it was sent on to another log, which may have got it more than once. */
export interface Origin {
  /** Names the log that it was in, and no other that ever was: up to 64 letters, digits and signs of `-._`. */
  readonly log: string;
  readonly partition: number;
  readonly offset: Offset;
}

/** One record to append: `payload` is one line of JSON without line ends; records of one key keep their order. */
export interface LogRecord {
  readonly stream: Stream;
  readonly key: string;
  readonly payload: string;
  /** A copy goes into every partition, whatever the key (control events); its offset is that in partition 0. */
  readonly everyPartition?: boolean;
  /** What may be dropped near the disk cap; `high`, which is kept until the disk is full, when absent. */
  readonly priority?: Priority;
  /** Where a stream keeps the last record of each key: of each key and this. */
  readonly part?: string;
  /** Kept by logs that others are sent on to. */
  readonly origin?: Origin;
}

/** One record as the log holds it. */
export interface StoredRecord {
  readonly offset: Offset;
  readonly payload: string;
  readonly origin?: Origin;
}

/** One page: records in offset order, and where the next page starts (after trimmed or damaged ranges too). */
export interface Page {
  readonly records: readonly StoredRecord[];
  readonly nextOffset: Offset;
}

/** Why an append was not taken. `full`: the disk cap; `unreachable`: the owner of the files is not there. */
export type AppendFault = 'full' | 'unreachable' | 'too-large';

/**
 * The port of the event log (design: append, read, follow, commit, trim). One contract suite runs against every adapter.
 *
 * What `append` acknowledged survives `kill -9` of any process. A consumer commits an offset only after its effect is
 * durable, and handles a record twice without harm.
 */
export interface EventLog extends AsyncDisposable {
  /** Number of partitions of every stream; fixed for the life of a log. */
  readonly partitionCount: number;
  /**
   * Appends all records or none; resolves once they are durable, with one offset a record, in order ({@link DROPPED} for
   * one of low priority that gave way). All records of one call belong to one stream.
   */
  append(records: readonly LogRecord[]): Promise<Result<readonly Offset[], AppendFault>>;
  /** Reads at most `limit` records from `from` on (inclusive); an empty page at the end. */
  read(stream: Stream, partition: number, from: Offset, limit: number): Promise<Page>;
  /** Pages from `from` on, for ever, each as soon as it is there; ends when `signal` aborts. */
  follow(stream: Stream, partition: number, from: Offset, signal: AbortSignal): AsyncIterable<Page>;
  /** First offset kept and the offset the next record will get. */
  bounds(stream: Stream, partition: number): Promise<{ readonly first: Offset; readonly next: Offset }>;
  /**
   * Remembers that `group` (1 to 64 octets) has finished everything before `offset`. Rejects if the disk will not have it,
   * or the owner of the files is not there for long.
   */
  commit(group: string, stream: Stream, partition: number, offset: Offset): Promise<void>;
  /** What `group` committed last; 0 if nothing. */
  committed(group: string, stream: Stream, partition: number): Promise<Offset>;
  /** Drops whole files whose records were all appended before `beforeAtMs`, of one stream or all; tells how many went. */
  trim(beforeAtMs: number, stream?: Stream): Promise<number>;
}
