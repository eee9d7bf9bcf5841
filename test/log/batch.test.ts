import fc from 'fast-check';
import { expect, test } from 'vitest';
import { priorities } from '../../events/priority.ts';
import { ProgramFault } from '../../lib/assert.ts';
import { groupAppend, groupRecords, octetsOf, offsetsOf, sift } from '../../log/batch.ts';
import { APPEND_OCTETS_MAX, DROPPED, type LogRecord, RECORD_OCTETS_MAX } from '../../log/event-log.ts';
import { partitionOf } from '../../log/partition.ts';

const anyRecord = fc.record({
  stream: fc.constant('postern.events' as const),
  key: fc.nat({ max: 9 }).map(String),
  payload: fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify({ text })),
  priority: fc.constantFrom(...priorities),
  everyPartition: fc.boolean(),
});
const anyAppend = fc.array(anyRecord, { minLength: 1, maxLength: 20 });
const partitions = [0, 1, 2];

/** Where each record of an append must end up, and at which offset, if each partition begins at 100. */
function expected(records: readonly LogRecord[], pressure: number): { lines: string[][]; offsets: number[] } {
  const lines: string[][] = partitions.map(() => []);
  const offsets = records.map((record) => {
    const rank = priorities.indexOf(record.priority ?? 'high');
    const into = record.everyPartition === true ? [2, 1, 0] : [partitionOf(record.key, 3)];
    const places = into.map((partition) =>
      rank < pressure ? DROPPED : 99 + (lines[partition]?.push(record.payload) ?? 0),
    );
    return places.at(-1) ?? DROPPED;
  });
  return { lines, offsets };
}

test('the groups hold what a partition gets, in order, and the offsets tell where it went, whatever gives way', () => {
  fc.assert(
    fc.property(anyAppend, fc.constantFrom(0, 1, 2), (records, pressure) => {
      const grouped = groupRecords(records, 3);
      const { groups, dropped } = sift(grouped.batch, pressure);
      const want = expected(records, pressure);
      const lines: string[][] = partitions.map(() => []);
      for (const group of groups) {
        if (group === undefined) continue;
        lines[group.partition] = group.lines.toString().split('\n');
        expect(group.count).toBe(lines[group.partition]?.length);
        expect(group.priorities).toHaveLength(group.count);
      }
      expect(lines).toEqual(want.lines);
      const copies = records.reduce((sum, { everyPartition }) => sum + (everyPartition ? 3 : 1), 0);
      expect(dropped).toHaveLength(copies - want.lines.flat().length);
      const firsts = groups.map(() => 100);
      expect(offsetsOf(grouped, { pressure, firsts })).toEqual(want.offsets);
    }),
  );
});

test('a record without a priority never gives way', () => {
  const { batch } = groupRecords([{ stream: 'postern.decisions', key: 'a', payload: '1' }], 3);
  expect(sift(batch, 2).dropped).toEqual([]);
});

test.each([
  ['a record of the largest size', [RECORD_OCTETS_MAX], true],
  ['a record above it', [RECORD_OCTETS_MAX + 1], false],
  ['records of the largest size together', [APPEND_OCTETS_MAX - RECORD_OCTETS_MAX - 1, RECORD_OCTETS_MAX], true],
  ['records above it', [APPEND_OCTETS_MAX - RECORD_OCTETS_MAX, RECORD_OCTETS_MAX], false],
])('%s', (_name, sizes, taken) => {
  const records = sizes.map((size) => ({ stream: 'postern.events' as const, key: 'a', payload: 'x'.repeat(size) }));
  const grouped = groupAppend(records, 3);
  expect(grouped !== undefined).toBe(taken);
  if (grouped !== undefined) expect(octetsOf(grouped.batch)).toBeLessThanOrEqual(APPEND_OCTETS_MAX);
});

test('the size of a record is that of its UTF-8', () => {
  const payload = 'é'.repeat(RECORD_OCTETS_MAX / 2);
  expect(groupAppend([{ stream: 'postern.events', key: 'a', payload }], 3)).toBeDefined();
  expect(groupAppend([{ stream: 'postern.events', key: 'a', payload: `${payload}é` }], 3)).toBeUndefined();
});

test.each([
  ['several streams', [['postern.events', '1'] as const, ['postern.decisions', '1'] as const]],
  ['an empty payload', [['postern.events', ''] as const]],
  ['a payload of two lines', [['postern.events', '1\n2'] as const]],
])('%s are a fault of the caller', (_name, parts) => {
  const records = parts.map(([stream, payload]) => ({ stream, key: 'a', payload }));
  expect(() => groupRecords(records, 3)).toThrow(ProgramFault);
});
