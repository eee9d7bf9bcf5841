import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredRecord } from '../../log/event-log.ts';
import { freshOf, ORIGINS_MAX, type OriginMarks, onceEach } from '../../store/origin-marks.ts';

const record = (offset: number, log: string, at: number): StoredRecord => ({
  offset,
  payload: `{"n":"${log} ${at}"}`,
  origin: { log, partition: 0, offset: at },
});

describe('records that were sent on more than once', () => {
  test('whatever is sent again, in whatever batches it is read: each is there once, in its order', () => {
    // Two logs send their records; now and then one begins further back.
    const sent = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat({ max: 3 }), fc.nat({ max: 4 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(sent, fc.integer({ min: 1, max: 7 }), (steps, batchLength) => {
        const next = { a: 0, b: 0 };
        const line: StoredRecord[] = [];
        for (const [log, back, count] of steps) {
          const from = Math.max(0, next[log as 'a' | 'b'] - back);
          for (let at = from; at < from + count; at += 1) line.push(record(line.length, log, at));
          next[log as 'a' | 'b'] = Math.max(next[log as 'a' | 'b'], from + count);
        }
        let marks: OriginMarks = {};
        const kept: StoredRecord[] = [];
        for (let start = 0; start < line.length; start += batchLength) {
          const fresh = freshOf(line.slice(start, start + batchLength), marks);
          // The same batch once more, from the same marks: the same records.
          expect(freshOf(line.slice(start, start + batchLength), { ...marks })).toEqual(fresh);
          ({ marks } = fresh);
          kept.push(...fresh.records);
        }
        for (const log of ['a', 'b'] as const) {
          expect(kept.filter(({ origin }) => origin?.log === log).map(({ origin }) => origin?.offset)).toEqual(
            Array.from({ length: next[log] }, (_, at) => at),
          );
        }
      }),
    );
  });

  test('records without an origin are left alone', () => {
    const records = [
      { offset: 0, payload: '{}' },
      { offset: 1, payload: '{}' },
    ];
    expect(freshOf(records, { 'a/0': 5 })).toEqual({ records, marks: { 'a/0': 5 } });
  });

  test('page after page, each is read once', () => {
    const fresh = onceEach();
    const pages = [
      [record(0, 'a', 0), record(1, 'a', 1)],
      [record(2, 'a', 1), record(3, 'b', 1)],
      [record(4, 'b', 1)],
      [record(5, 'a', 2)],
    ];
    expect(pages.map((page) => fresh(page).map(({ offset }) => offset))).toEqual([[0, 1], [3], [], [5]]);
  });

  test('partitions of a log have marks of their own', () => {
    const records = [0, 1].map((partition) => ({
      offset: partition,
      payload: '{}',
      origin: { log: 'a', partition, offset: 3 },
    }));
    expect(freshOf(records, {}).records).toHaveLength(2);
  });

  test(`of more than ${ORIGINS_MAX} origins the one that was longest silent is forgotten`, () => {
    const records = Array.from({ length: ORIGINS_MAX + 1 }, (_, index) => record(index, `log-${index}`, 7));
    const { marks } = freshOf(
      [...records.slice(0, ORIGINS_MAX), record(ORIGINS_MAX, 'log-0', 8), ...records.slice(-1)],
      {},
    );
    expect(Object.keys(marks)).toHaveLength(ORIGINS_MAX);
    expect([marks['log-0/0'], marks['log-1/0'], marks[`log-${ORIGINS_MAX}/0`]]).toEqual([8, undefined, 7]);
  });
});
