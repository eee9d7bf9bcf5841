import { Buffer } from 'node:buffer';
import type { Priority } from '../events/priority.ts';
import { assert } from '../lib/assert.ts';
import {
  APPEND_OCTETS_MAX,
  DROPPED,
  type LogRecord,
  type Offset,
  RECORD_OCTETS_MAX,
  type Stream,
} from './event-log.ts';
import { partitionOf } from './partition.ts';

/**
 * How much a log near its disk cap still takes: 0 everything, 1 nothing of priority `low`, 2 nothing of `normal` either,
 * 3 nothing at all. Below 3 it is the priority code below which records are dropped.
 */
export type Pressure = 0 | 1 | 2 | 3;

/** Priorities as one octet each, in the order in which they are dropped. */
const priorityCodes: Readonly<Record<Priority, number>> = { low: 0, normal: 1, high: 2 };

/** Records of one batch for one partition, in order. */
export interface BatchGroup {
  readonly partition: number;
  /** Number of records, at least 1. */
  readonly count: number;
  /** One octet a record, the index in `priorities`. */
  readonly priorities: Uint8Array;
  /** The records as lines in UTF-8 with LF between them. */
  readonly lines: Buffer;
}

/** What one append brings to a log: every record goes in, or none does. */
export interface Batch {
  readonly stream: Stream;
  readonly groups: readonly BatchGroup[];
}

/** Where the records of a batch went. */
export interface Placement {
  /** Under which pressure: records whose priority is below it were dropped. */
  readonly pressure: Pressure;
  /** The first offset of each group. */
  readonly firsts: readonly Offset[];
}

/** Which group a record is in, and where in it. */
interface Place {
  readonly group: number;
  readonly index: number;
}

interface Draft {
  readonly partition: number;
  readonly lines: string[];
  readonly priorities: number[];
}

/** A batch, and what it takes to tell each record's offset later. */
export interface GroupedRecords {
  readonly batch: Batch;
  readonly places: readonly Place[];
}

/**
 * Sorts the records of one append by partition; they must be of one stream, and at least one.
 *
 * @returns undefined if a record, or all of them together, are too large.
 */
export function groupAppend(records: readonly LogRecord[], partitionCount: number): GroupedRecords | undefined {
  if (records.some(({ payload }) => isTooLong(payload))) return undefined;
  const grouped = groupRecords(records, partitionCount);
  return octetsOf(grouped.batch) > APPEND_OCTETS_MAX ? undefined : grouped;
}

// A UTF-16 code unit makes at most three octets.
const isTooLong = (payload: string): boolean =>
  payload.length * 3 > RECORD_OCTETS_MAX && Buffer.byteLength(payload) > RECORD_OCTETS_MAX;

/** {@link groupAppend} of records that are known to be small. */
export function groupRecords(records: readonly LogRecord[], partitionCount: number): GroupedRecords {
  const stream = records[0]?.stream;
  assert(stream !== undefined, 'an append has at least one record');
  const drafts: Draft[] = [];
  const byPartition = new Array<number | undefined>(partitionCount);
  const put = (partition: number, record: LogRecord): Place => {
    let group = byPartition[partition];
    if (group === undefined) {
      group = drafts.push({ partition, lines: [], priorities: [] }) - 1;
      byPartition[partition] = group;
    }
    const draft = drafts[group];
    assert(draft !== undefined, 'a group is where it was put');
    draft.priorities.push(priorityCodes[record.priority ?? 'high']);
    return { group, index: draft.lines.push(record.payload) - 1 };
  };
  const places = records.map((record) => {
    assert(record.stream === stream, 'the records of one append are of one stream');
    assert(record.payload !== '' && !record.payload.includes('\n'), 'a payload is one line');
    if (record.everyPartition !== true) return put(partitionOf(record.key, partitionCount), record);
    for (let partition = 1; partition < partitionCount; partition += 1) put(partition, record);
    return put(0, record);
  });
  return { batch: { stream, groups: drafts.map(groupOf) }, places };
}

const groupOf = ({ partition, lines, priorities }: Draft): BatchGroup => ({
  partition,
  count: lines.length,
  priorities: Uint8Array.from(priorities),
  lines: Buffer.from(lines.join('\n'), 'utf8'),
});

/** The offset of each record of an append; {@link DROPPED} for one that gave way. */
export function offsetsOf(grouped: GroupedRecords, placement: Placement): readonly Offset[] {
  const { pressure, firsts } = placement;
  const kept = grouped.batch.groups.map(({ priorities }) => keptIndices(priorities, pressure));
  return grouped.places.map(({ group, index }) => {
    const position = kept[group]?.[index] ?? -1;
    return position === -1 ? DROPPED : (firsts[group] ?? 0) + position;
  });
}

/** For each record its index among those kept, or -1. */
function keptIndices(priorities: Uint8Array, pressure: Pressure): Int32Array {
  const indices = new Int32Array(priorities.length);
  let next = 0;
  for (const [index, priority] of priorities.entries()) {
    indices[index] = priority < pressure ? -1 : next;
    if (priority >= pressure) next += 1;
  }
  return indices;
}

/** What a batch becomes under pressure. */
export interface Sifted {
  readonly groups: readonly (BatchGroup | undefined)[];
  /** The lines that were dropped. */
  readonly dropped: readonly string[];
}

/** Takes out the records that give way under a pressure; a group of which nothing is left is undefined. */
export function sift(batch: Batch, pressure: Pressure): Sifted {
  if (pressure === 0) return { groups: batch.groups, dropped: [] };
  const dropped: string[] = [];
  const groups = batch.groups.map((group) => {
    if (group.priorities.every((priority) => priority >= pressure)) return group;
    const lines = group.lines.toString('utf8').split('\n');
    const kept = lines.filter((line, index) => {
      const keeps = (group.priorities[index] ?? 0) >= pressure;
      if (!keeps) dropped.push(line);
      return keeps;
    });
    if (kept.length === 0) return undefined;
    const priorities = [...group.priorities.filter((priority) => priority >= pressure)];
    return groupOf({ partition: group.partition, lines: kept, priorities });
  });
  return { groups, dropped };
}

/** Octets of the lines of a batch. */
export const octetsOf = (batch: Batch): number => batch.groups.reduce((sum, group) => sum + group.lines.length, 0);
