import { decodeDecision, decodeEvent } from '../events/codec.ts';
import { eventSchemas } from '../events/event.ts';
import { escapeField } from '../lib/escape.ts';
import type { Offset, Origin, StoredRecord, Stream } from '../log/event-log.ts';

/** Streams that go into the store, each into a table. */
export const storedStreams = ['postern.events', 'postern.decisions'] as const satisfies readonly Stream[];
export type StoredStream = (typeof storedStreams)[number];

export const tableOf: Readonly<Record<StoredStream, string>> = {
  'postern.events': 'events',
  'postern.decisions': 'decisions',
};

/** Records of one insert, at most, and their octets. */
export const BATCH_RECORDS_MAX = 40_000;
export const BATCH_OCTETS_MAX = 16_777_216;
/** A line that is no event is kept so long, in UTF-16 code units. */
export const UNREADABLE_LINE_MAX = 2000;

/** A range of offsets of one partition, which goes into the store as one insert: always the same one. */
export interface Batch {
  readonly stream: StoredStream;
  readonly partition: number;
  /** Of the log: where it was lost, offsets come once more, with other records. */
  readonly epoch: string;
  readonly first: Offset;
  /** The offset after the last. */
  readonly next: Offset;
}

/** Every partition of every stream that is stored. */
export const allPlaces = (partitionCount: number): readonly Pick<Batch, 'stream' | 'partition'>[] =>
  storedStreams.flatMap((stream) => Array.from({ length: partitionCount }, (_, partition) => ({ stream, partition })));

/** Tells a batch that is in the store already. */
export const tokenOf = ({ stream, partition, epoch, first, next }: Batch): string =>
  `${epoch}/${stream}/${partition}/${first}-${next}`;

/**
 * The row of a record: its line as it is, with its place in the log. Nothing where it is a copy: a control event is in every
 * partition, and counts in the first.
 */
export function rowOf(partition: number, record: StoredRecord): string | undefined {
  return isCopy(partition, record.payload) ? undefined : placed(partition, record);
}

/** Control events have no address of a client. Inside a text the quotes would have a backslash before them. */
const isCopy = (partition: number, payload: string): boolean =>
  partition > 0 && !payload.includes('"ip":"') && controlType.test(payload);

const controlTypes = Object.entries(eventSchemas).flatMap(([type, { shape }]) => ('ip' in shape ? [] : [type]));
const controlType = new RegExp(`"type":"(?:${controlTypes.join('|')})"`);

/** The rows of a batch for its table; no line is looked at. */
export const rowsOf = ({ stream, partition }: Batch, records: readonly StoredRecord[]): readonly string[] =>
  stream === 'postern.events'
    ? records.flatMap((record) => rowOf(partition, record) ?? [])
    : records.map((record) => placed(partition, record));

/** What of a batch this release can read, and rows of the table `unreadable` for the rest. */
export function sifted(
  { stream, partition }: Batch,
  records: readonly StoredRecord[],
): { readonly readable: readonly StoredRecord[]; readonly unreadable: readonly string[] } {
  const readable: StoredRecord[] = [];
  const unreadable: string[] = [];
  for (const record of records) {
    const fault = faultOf(stream, record.payload);
    if (fault === undefined) readable.push(record);
    else unreadable.push(unreadableRow(stream, partition, record, fault));
  }
  return { readable, unreadable };
}

const placed = (partition: number, { offset, payload, origin }: StoredRecord): string =>
  `{"logPartition":${partition},"logOffset":${offset},${origin === undefined ? '' : originFields(origin)}${payload.slice(1)}`;

/** The name of a log needs no escape in JSON. */
const originFields = ({ log, partition, offset }: Origin): string =>
  `"originLog":"${log}","originPartition":${partition},"originOffset":${offset},`;

export const unreadableRow = (
  stream: StoredStream,
  partition: number,
  { offset, payload }: StoredRecord,
  reason: string,
): string =>
  JSON.stringify({
    stream,
    logPartition: partition,
    logOffset: offset,
    reason,
    line: escapeField(payload, UNREADABLE_LINE_MAX),
  });

/** Why a line is nothing of this release. */
function faultOf(stream: StoredStream, line: string): string | undefined {
  const decoded = stream === 'postern.events' ? decodeEvent(line) : decodeDecision(line);
  if (decoded.ok) return undefined;
  const { error } = decoded;
  return error.kind === 'invalid' ? `${error.kind}: ${error.field} ${error.reason}` : error.kind;
}
