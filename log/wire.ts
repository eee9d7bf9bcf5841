import { Buffer } from 'node:buffer';
import { unreachable } from '../lib/assert.ts';
import type { Batch, BatchGroup, Placement, Pressure } from './batch.ts';
import { type Offset, RECORD_OCTETS_MAX, type Stream, streams } from './event-log.ts';
import { FrameCursor, FrameWriter } from './frame-cursor.ts';
import { PARTITION_COUNT_MAX } from './partition.ts';
import {
  REWRITE_RECORDS_MAX,
  type RewriteOutcome,
  type Rewriting,
  readRewrites,
  rewriteOutcomes,
  rewritesOctets,
  writeRewrites,
} from './rewriting.ts';

/**
 * What the log process and its clients say to each other over the Unix socket: frames of one octet of kind and fields,
 * integers least significant octet first. Both sides come from one release; a difference of version ends the connection.
 */
export const WIRE_VERSION = 2;
/** Octets of the random id of a producer. */
export const PRODUCER_ID_OCTETS = 16;
/** Batches of one producer that may wait for their acknowledgement; the log remembers as many to know a resend. */
export const BATCHES_IN_FLIGHT_MAX = 16;
/** Octets of the name of a consumer group. */
export const GROUP_NAME_OCTETS_MAX = 64;

/** From a client to the log. */
export type Request =
  /** The first frame of a connection. */
  | { readonly kind: 'hello'; readonly version: number; readonly producer: string }
  | { readonly kind: 'append'; readonly batchId: number; readonly batch: Batch }
  /** Wants a `wake` after each commit. */
  | { readonly kind: 'subscribe' }
  | {
      readonly kind: 'commit';
      readonly requestId: number;
      readonly stream: Stream;
      readonly partition: number;
      readonly offset: Offset;
      readonly group: string;
    }
  | {
      readonly kind: 'trim';
      readonly requestId: number;
      readonly beforeAtMs: number;
      readonly stream: Stream | undefined;
    }
  /** This file could not be read. */
  | { readonly kind: 'suspect'; readonly stream: Stream; readonly fileNumber: number }
  | { readonly kind: 'rewrite'; readonly requestId: number; readonly rewriting: Rewriting }
  | { readonly kind: 'scrub'; readonly requestId: number };

/** From the log to a client. */
export type Answer =
  | { readonly kind: 'welcome'; readonly version: number; readonly partitionCount: number }
  /** Pressure 3, `full`: nothing was appended. */
  | { readonly kind: 'appended'; readonly batchId: number; readonly placement: Placement }
  | { readonly kind: 'done'; readonly requestId: number; readonly value: number }
  /** The disk would not have it. */
  | { readonly kind: 'failed'; readonly requestId: number }
  | { readonly kind: 'rewritten'; readonly requestId: number; readonly outcomes: readonly RewriteOutcome[] }
  | { readonly kind: 'wake'; readonly streams: readonly Stream[] };

const kinds = {
  hello: 1,
  append: 2,
  subscribe: 3,
  commit: 4,
  trim: 5,
  suspect: 6,
  rewrite: 7,
  scrub: 8,
  welcome: 17,
  appended: 18,
  done: 19,
  wake: 20,
  failed: 21,
  rewritten: 22,
} as const;

const ALL_STREAMS = 0xff;
const GROUP_HEADER_OCTETS = 10;
const LF = 0x0a;

const codeOf = (stream: Stream): number => streams.indexOf(stream);

/** Octets of the `append` frame of a batch, length excluded. */
export const appendFrameOctets = (batch: Batch): number =>
  batch.groups.reduce((sum, { count, lines }) => sum + GROUP_HEADER_OCTETS + count + lines.length, 10);

/** One request as a frame. */
export function encodeRequest(request: Request): Buffer {
  switch (request.kind) {
    case 'hello':
      return new FrameWriter(2 + PRODUCER_ID_OCTETS)
        .u8(kinds.hello)
        .u8(request.version)
        .octets(Buffer.from(request.producer, 'hex'))
        .finish();
    case 'append':
      return encodeAppend(request.batchId, request.batch);
    case 'subscribe':
      return new FrameWriter(1).u8(kinds.subscribe).finish();
    case 'commit': {
      const group = Buffer.from(request.group, 'utf8');
      return new FrameWriter(14 + group.length)
        .u8(kinds.commit)
        .u32(request.requestId)
        .u8(codeOf(request.stream))
        .u16(request.partition)
        .u48(request.offset)
        .octets(group)
        .finish();
    }
    case 'trim':
      return new FrameWriter(12)
        .u8(kinds.trim)
        .u32(request.requestId)
        .u48(request.beforeAtMs)
        .u8(request.stream === undefined ? ALL_STREAMS : codeOf(request.stream))
        .finish();
    case 'suspect':
      return new FrameWriter(6).u8(kinds.suspect).u8(codeOf(request.stream)).u32(request.fileNumber).finish();
    case 'rewrite':
      return encodeRewrite(request.requestId, request.rewriting);
    case 'scrub':
      return new FrameWriter(5).u8(kinds.scrub).u32(request.requestId).finish();
    default:
      return unreachable(request);
  }
}

function encodeAppend(batchId: number, batch: Batch): Buffer {
  const writer = new FrameWriter(appendFrameOctets(batch))
    .u8(kinds.append)
    .u48(batchId)
    .u8(codeOf(batch.stream))
    .u16(batch.groups.length);
  for (const { partition, count, priorities, lines } of batch.groups) {
    writer.u16(partition).u32(count).u32(lines.length).octets(priorities).octets(lines);
  }
  return writer.finish();
}

const encodeRewrite = (requestId: number, { stream, partition, records }: Rewriting): Buffer =>
  writeRewrites(
    new FrameWriter(8 + rewritesOctets(records)).u8(kinds.rewrite).u32(requestId).u8(codeOf(stream)).u16(partition),
    records,
  ).finish();

/**
 * Reads one request.
 *
 * @param partitionCount - Partitions of this log: no request may name another one.
 * @returns undefined for a malformed frame; the connection is then beyond repair.
 */
export function decodeRequest(frame: Buffer, partitionCount: number): Request | undefined {
  const cursor = new FrameCursor(frame);
  const request = readRequest(cursor, partitionCount);
  return cursor.isWhole ? request : undefined;
}

function readRequest(cursor: FrameCursor, partitionCount: number): Request | undefined {
  switch (cursor.u8()) {
    case kinds.hello:
      return { kind: 'hello', version: cursor.u8(), producer: cursor.octets(PRODUCER_ID_OCTETS).toString('hex') };
    case kinds.append:
      return readAppend(cursor, partitionCount);
    case kinds.subscribe:
      return { kind: 'subscribe' };
    case kinds.commit:
      return readCommit(cursor, partitionCount);
    case kinds.trim: {
      const [requestId, beforeAtMs, code] = [cursor.u32(), cursor.u48(), cursor.u8()];
      const stream = streams[code];
      return stream === undefined && code !== ALL_STREAMS ? undefined : { kind: 'trim', requestId, beforeAtMs, stream };
    }
    case kinds.suspect: {
      const stream = streams[cursor.u8()];
      return stream === undefined ? undefined : { kind: 'suspect', stream, fileNumber: cursor.u32() };
    }
    case kinds.rewrite:
      return readRewrite(cursor, partitionCount);
    case kinds.scrub:
      return { kind: 'scrub', requestId: cursor.u32() };
    default:
      return undefined;
  }
}

function readCommit(cursor: FrameCursor, partitionCount: number): Request | undefined {
  const requestId = cursor.u32();
  const stream = streams[cursor.u8()];
  const partition = cursor.u16();
  const offset = cursor.u48();
  const group = cursor.rest(GROUP_NAME_OCTETS_MAX).toString('utf8');
  if (stream === undefined || partition >= partitionCount || group === '') return undefined;
  return { kind: 'commit', requestId, stream, partition, offset, group };
}

function readRewrite(cursor: FrameCursor, partitionCount: number): Request | undefined {
  const requestId = cursor.u32();
  const stream = streams[cursor.u8()];
  const partition = cursor.u16();
  const records = readRewrites(cursor);
  if (stream === undefined || partition >= partitionCount || records === undefined) return undefined;
  return { kind: 'rewrite', requestId, rewriting: { stream, partition, records } };
}

function readAppend(cursor: FrameCursor, partitionCount: number): Request | undefined {
  const batchId = cursor.u48();
  const stream = streams[cursor.u8()];
  const groupCount = cursor.u16();
  if (stream === undefined || groupCount === 0 || groupCount > partitionCount) return undefined;
  const groups: BatchGroup[] = [];
  const seen = new Set<number>();
  for (let index = 0; index < groupCount; index += 1) {
    const partition = cursor.u16();
    const count = cursor.u32();
    const octets = cursor.u32();
    const priorities = cursor.octets(count);
    const lines = cursor.octets(octets);
    if (partition >= partitionCount || seen.has(partition) || !holdsLines(lines, count)) return undefined;
    seen.add(partition);
    groups.push({ partition, count, priorities, lines });
  }
  return { kind: 'append', batchId, batch: { stream, groups } };
}

/** There are `count` lines, none empty and none too long. */
function holdsLines(lines: Buffer, count: number): boolean {
  let seen = 0;
  let start = 0;
  while (start <= lines.length && seen <= count) {
    const found = lines.indexOf(LF, start);
    const end = found === -1 ? lines.length : found;
    if (end === start || end - start > RECORD_OCTETS_MAX) return false;
    seen += 1;
    start = end + 1;
  }
  return seen === count;
}

/** One answer as a frame. */
export function encodeAnswer(answer: Answer): Buffer {
  switch (answer.kind) {
    case 'welcome':
      return new FrameWriter(4).u8(kinds.welcome).u8(answer.version).u16(answer.partitionCount).finish();
    case 'appended': {
      const { pressure, firsts } = answer.placement;
      const writer = new FrameWriter(10 + 6 * firsts.length).u8(kinds.appended).u48(answer.batchId).u8(pressure);
      writer.u16(firsts.length);
      for (const first of firsts) writer.u48(first);
      return writer.finish();
    }
    case 'done':
      return new FrameWriter(11).u8(kinds.done).u32(answer.requestId).u48(answer.value).finish();
    case 'failed':
      return new FrameWriter(5).u8(kinds.failed).u32(answer.requestId).finish();
    case 'rewritten':
      return new FrameWriter(5 + answer.outcomes.length)
        .u8(kinds.rewritten)
        .u32(answer.requestId)
        .octets(Uint8Array.from(answer.outcomes, (outcome) => rewriteOutcomes.indexOf(outcome)))
        .finish();
    case 'wake':
      return new FrameWriter(2)
        .u8(kinds.wake)
        .u8(answer.streams.reduce((mask, stream) => mask | (1 << codeOf(stream)), 0))
        .finish();
    default:
      return unreachable(answer);
  }
}

/** Reads one answer; undefined for a malformed frame. */
export function decodeAnswer(frame: Buffer): Answer | undefined {
  const cursor = new FrameCursor(frame);
  const answer = readAnswer(cursor);
  return cursor.isWhole ? answer : undefined;
}

function readAnswer(cursor: FrameCursor): Answer | undefined {
  switch (cursor.u8()) {
    case kinds.welcome:
      return { kind: 'welcome', version: cursor.u8(), partitionCount: cursor.u16() };
    case kinds.appended: {
      const [batchId, pressure, count] = [cursor.u48(), pressureOf(cursor.u8()), cursor.u16()];
      if (pressure === undefined || count > PARTITION_COUNT_MAX) return undefined;
      const firsts = Array.from({ length: count }, () => cursor.u48());
      return { kind: 'appended', batchId, placement: { pressure, firsts } };
    }
    case kinds.done:
      return { kind: 'done', requestId: cursor.u32(), value: cursor.u48() };
    case kinds.failed:
      return { kind: 'failed', requestId: cursor.u32() };
    case kinds.rewritten: {
      const requestId = cursor.u32();
      const outcomes = [...cursor.rest(REWRITE_RECORDS_MAX)].map((code) => rewriteOutcomes[code]);
      return outcomes.includes(undefined)
        ? undefined
        : { kind: 'rewritten', requestId, outcomes: outcomes.flatMap((outcome) => outcome ?? []) };
    }
    case kinds.wake: {
      const mask = cursor.u8();
      return { kind: 'wake', streams: streams.filter((stream) => (mask & (1 << codeOf(stream))) !== 0) };
    }
    default:
      return undefined;
  }
}

const pressureOf = (code: number): Pressure | undefined =>
  code === 0 || code === 1 || code === 2 || code === 3 ? code : undefined;
