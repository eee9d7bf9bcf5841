import { expect, test } from 'vitest';
import { partedRewriting, REWRITE_OCTETS_MAX, REWRITE_RECORDS_MAX, type Rewrite } from '../../log/rewriting.ts';

const place = { stream: 'postern.events', partition: 1 } as const;
const parts = (records: readonly Rewrite[]): readonly number[] =>
  [...partedRewriting({ ...place, records })].map((part) => {
    expect(part).toMatchObject(place);
    return part.records.length;
  });
const records = (count: number, octets = 1): readonly Rewrite[] =>
  Array.from({ length: count }, (_, offset) => ({ offset, before: 'x'.repeat(octets), after: 'y'.repeat(octets) }));

test('a rewriting has no more records than one may have', () => {
  expect(parts([])).toEqual([]);
  expect(parts(records(REWRITE_RECORDS_MAX))).toEqual([REWRITE_RECORDS_MAX]);
  expect(parts(records(REWRITE_RECORDS_MAX + 1))).toEqual([REWRITE_RECORDS_MAX, 1]);
});

test('nor more octets, if it has more than one record', () => {
  const quarter = REWRITE_OCTETS_MAX / 4;
  expect(parts(records(3, quarter))).toEqual([2, 1]);
  expect(parts(records(2, quarter))).toEqual([2]);
  expect(parts(records(2, quarter + 1))).toEqual([1, 1]);
  expect(parts(records(2, REWRITE_OCTETS_MAX))).toEqual([1, 1]);
});

test('records keep their order', () => {
  const all = records(REWRITE_RECORDS_MAX * 2 + 5);
  expect([...partedRewriting({ ...place, records: all })].flatMap((part) => part.records)).toEqual(all);
});
