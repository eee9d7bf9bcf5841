import fc from 'fast-check';
import { expect, test } from 'vitest';
import { priorities } from '../../events/priority.ts';
import { groupRecords } from '../../log/batch.ts';
import { APPEND_OCTETS_MAX, RECORD_OCTETS_MAX, streams } from '../../log/event-log.ts';
import { FRAME_OCTETS_MAX } from '../../log/frame-assembler.ts';
import { U48_MAX } from '../../log/frame-cursor.ts';
import { PARTITION_COUNT_MAX } from '../../log/partition.ts';
import { REWRITE_RECORDS_MAX, type Rewrite, rewriteOutcomes, rewritesOctets } from '../../log/rewriting.ts';
import {
  type Answer,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  GROUP_NAME_OCTETS_MAX,
  type Request,
  WIRE_VERSION,
} from '../../log/wire.ts';

const PARTITIONS = 3;
const producer = '00112233445566778899aabbccddeeff';

const anyBatch = fc
  .array(
    fc.record({
      stream: fc.constant('postern.events' as const),
      key: fc.string({ maxLength: 4 }),
      payload: fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
      priority: fc.constantFrom(...priorities),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((records) => groupRecords(records, PARTITIONS).batch);
const anyNumber = fc.integer({ min: 0, max: U48_MAX });
const anyStream = fc.constantFrom(...streams);
const anyLine = fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text));
const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  fc.constant({ kind: 'hello', version: WIRE_VERSION, producer } as const),
  fc.record({ kind: fc.constant('append' as const), batchId: anyNumber, batch: anyBatch }),
  fc.constant({ kind: 'subscribe' } as const),
  fc.record({
    kind: fc.constant('commit' as const),
    requestId: fc.nat(),
    stream: anyStream,
    partition: fc.nat({ max: PARTITIONS - 1 }),
    offset: anyNumber,
    group: fc.constantFrom('analyze', 'é', 'g'.repeat(GROUP_NAME_OCTETS_MAX)),
  }),
  fc.record({
    kind: fc.constant('trim' as const),
    requestId: fc.nat(),
    beforeAtMs: anyNumber,
    stream: fc.option(anyStream, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('suspect' as const), stream: anyStream, fileNumber: fc.nat() }),
  fc.record({
    kind: fc.constant('rewrite' as const),
    requestId: fc.nat(),
    rewriting: fc.record({
      stream: anyStream,
      partition: fc.nat({ max: PARTITIONS - 1 }),
      records: fc.array(fc.record({ offset: anyNumber, before: anyLine, after: anyLine }), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
  }),
  fc.record({ kind: fc.constant('scrub' as const), requestId: fc.nat() }),
);
const anyAnswer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({
    kind: fc.constant('welcome' as const),
    version: fc.nat({ max: 255 }),
    partitionCount: fc.nat({ max: 256 }),
  }),
  fc.record({
    kind: fc.constant('appended' as const),
    batchId: anyNumber,
    placement: fc.record({
      pressure: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
      firsts: fc.array(anyNumber, { maxLength: 5 }),
    }),
  }),
  fc.record({ kind: fc.constant('done' as const), requestId: fc.nat(), value: anyNumber }),
  fc.record({ kind: fc.constant('failed' as const), requestId: fc.nat() }),
  fc.record({
    kind: fc.constant('rewritten' as const),
    requestId: fc.nat(),
    outcomes: fc.array(fc.constantFrom(...rewriteOutcomes), { maxLength: 9 }),
  }),
  fc.record({ kind: fc.constant('wake' as const), streams: fc.subarray([...streams]) }),
);

/** Octets of any class as a list. */
function plain(request: Request | undefined): unknown {
  if (request?.kind !== 'append') return request;
  const { stream, groups } = request.batch;
  const plainGroups = groups.map((group) => ({ ...group, priorities: [...group.priorities], lines: [...group.lines] }));
  return { ...request, batch: { stream, groups: plainGroups } };
}

test('a request is read as it was sent; cut short or longer it is none', () => {
  fc.assert(
    fc.property(anyRequest, fc.nat(), (request, cut) => {
      const frame = encodeRequest(request).subarray(4);
      expect(plain(decodeRequest(frame, PARTITIONS))).toEqual(plain(request));
      // The name of a group is the end of its frame, so a shorter name is another request.
      if (request.kind === 'commit') return;
      expect(decodeRequest(frame.subarray(0, cut % frame.length), PARTITIONS)).toBeUndefined();
      expect(decodeRequest(Buffer.concat([frame, Buffer.alloc(1)]), PARTITIONS)).toBeUndefined();
    }),
  );
});

test('an answer is read as it was sent; cut short or longer it is none', () => {
  fc.assert(
    fc.property(anyAnswer, fc.nat(), (answer, cut) => {
      const frame = encodeAnswer(answer).subarray(4);
      expect(decodeAnswer(frame)).toEqual(answer);
      // The outcomes of a rewriting are the end of their frame.
      if (answer.kind === 'rewritten') return;
      expect(decodeAnswer(frame.subarray(0, cut % frame.length))).toBeUndefined();
      expect(decodeAnswer(Buffer.concat([frame, Buffer.alloc(1)]))).toBeUndefined();
    }),
  );
});

test('no octets throw', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 24 }), fc.uint8Array({ maxLength: 60 }), (kind, octets) => {
      const frame = Buffer.concat([Buffer.from([kind]), octets]);
      decodeRequest(frame, PARTITIONS);
      decodeAnswer(frame);
      expect(frame).toHaveLength(octets.length + 1);
    }),
  );
});

const append = (lines: string, count: number, partition = 0): Request => ({
  kind: 'append',
  batchId: 1,
  batch: {
    stream: 'postern.events',
    groups: [{ partition, count, priorities: new Uint8Array(count), lines: Buffer.from(lines) }],
  },
});
const commit = (group: string, partition = 0): Request => ({
  kind: 'commit',
  requestId: 1,
  stream: 'postern.events',
  partition,
  offset: 0,
  group,
});

const rewrite = (records: readonly Rewrite[], partition = 0): Request => ({
  kind: 'rewrite',
  requestId: 1,
  rewriting: { stream: 'postern.events', partition, records },
});
const aRewrite: Rewrite = { offset: 0, before: '1', after: '2' };

test.each([
  ['fewer lines than counted', append('1\n2', 3)],
  ['more lines than counted', append('1\n2', 1)],
  ['no line', append('', 0)],
  ['an empty line', append('1\n\n2', 3)],
  ['an empty last line', append('1\n', 2)],
  ['a line that is too long', append('x'.repeat(RECORD_OCTETS_MAX + 1), 1)],
  ['a partition that is not there', append('1', 1, PARTITIONS)],
  ['a commit of a partition that is not there', commit('g', PARTITIONS)],
  ['a group without a name', commit('')],
  ['a group with too long a name', commit('g'.repeat(GROUP_NAME_OCTETS_MAX + 1))],
  ['a rewriting of nothing', rewrite([])],
  ['a rewriting of a partition that is not there', rewrite([aRewrite], PARTITIONS)],
  ['a rewriting into two lines', rewrite([{ ...aRewrite, after: '1\n2' }])],
  ['a rewriting into nothing', rewrite([{ ...aRewrite, after: '' }])],
  ['a rewriting into too long a line', rewrite([{ ...aRewrite, after: 'x'.repeat(RECORD_OCTETS_MAX + 1) }])],
  ['a rewriting of too many records', rewrite(Array.from({ length: REWRITE_RECORDS_MAX + 1 }, () => aRewrite))],
])('%s is malformed', (_name, request) => {
  expect(decodeRequest(encodeRequest(request).subarray(4), PARTITIONS)).toBeUndefined();
});

test('the same partition twice is malformed', () => {
  const group = { partition: 0, count: 1, priorities: new Uint8Array(1), lines: Buffer.from('1') };
  const request: Request = { kind: 'append', batchId: 1, batch: { stream: 'postern.events', groups: [group, group] } };
  expect(decodeRequest(encodeRequest(request).subarray(4), PARTITIONS)).toBeUndefined();
});

test('the largest append fits a frame, whatever its records', () => {
  const lineOctets = (size: number): number => APPEND_OCTETS_MAX / size + APPEND_OCTETS_MAX;
  expect(lineOctets(2) + 10 + 10 * PARTITION_COUNT_MAX).toBeLessThanOrEqual(FRAME_OCTETS_MAX);
});

test('the largest rewriting of one record fits a frame', () => {
  const longest = 'x'.repeat(RECORD_OCTETS_MAX);
  expect(8 + rewritesOctets([{ offset: 0, before: longest, after: longest }])).toBeLessThanOrEqual(FRAME_OCTETS_MAX);
});
