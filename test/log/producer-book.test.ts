import { expect, test } from 'vitest';
import { PRODUCERS_MAX, ProducerBook } from '../../log/producer-book.ts';
import { BATCHES_IN_FLIGHT_MAX } from '../../log/wire.ts';

const committed = (batchId: number) => ({ batchId, placement: { pressure: 0, firsts: [batchId * 10] } }) as const;

function commit(book: ProducerBook, producer: string, batchIds: readonly number[], atMs: number): void {
  book.set(producer, book.entryWith(producer, batchIds.map(committed), atMs));
}

test('a batch that is in is known by its producer and number, with its place', () => {
  const book = new ProducerBook();
  commit(book, 'a', [1, 2], 5);
  expect(book.placementOf('a', 2)).toEqual({ pressure: 0, firsts: [20] });
  expect(book.placementOf('a', 3)).toBeUndefined();
  expect(book.placementOf('b', 2)).toBeUndefined();
});

test('as many batches are known as can be without acknowledgement', () => {
  const book = new ProducerBook();
  for (let batchId = 1; batchId <= 40; batchId += 1) commit(book, 'a', [batchId], batchId);
  expect(book.placementOf('a', 40 - BATCHES_IN_FLIGHT_MAX)).toBeUndefined();
  for (let batchId = 41 - BATCHES_IN_FLIGHT_MAX; batchId <= 40; batchId += 1) {
    expect(book.placementOf('a', batchId)).toBeDefined();
  }
});

test('the producer not heard of for longest is forgotten first', () => {
  const book = new ProducerBook();
  for (let n = 0; n < PRODUCERS_MAX; n += 1) commit(book, `p${n}`, [1], n);
  commit(book, 'p0', [2], 1000);
  commit(book, 'new', [1], 1001);
  expect(book.entries.size).toBe(PRODUCERS_MAX);
  expect(book.placementOf('p0', 1)).toBeDefined();
  expect(book.placementOf('p1', 1)).toBeUndefined();
});
