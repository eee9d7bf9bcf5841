import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Priority, priorities } from '../../events/priority.ts';
import { EventQueue, type QueuedEvent } from '../../proxy/event-queue.ts';

const anEvent = (order: number, priority: Priority, octets = 1): QueuedEvent => ({
  stream: 'postern.events',
  key: 'k',
  payload: 'x'.repeat(octets),
  priority,
  type: 'command',
  atMs: 0,
  order,
});
const all = { eventsMax: 1000, octetsMax: 100_000 };

function queueOf(limits: { eventsMax: number; octetsMax: number }): { queue: EventQueue; dropped: QueuedEvent[] } {
  const dropped: QueuedEvent[] = [];
  return { queue: new EventQueue(limits, (event) => dropped.push(event)), dropped };
}

test('events leave in the order in which they came, whatever their priority', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...priorities)), fc.integer({ min: 1, max: 5 }), (ranks, eventsMax) => {
      const { queue } = queueOf(all);
      for (const [order, priority] of ranks.entries()) queue.push(anEvent(order, priority));
      const orders: number[] = [];
      while (queue.count > 0) orders.push(...queue.take({ ...all, eventsMax }).map(({ order }) => order));
      expect(orders).toEqual([...ranks.keys()]);
    }),
  );
});

test('whatever comes, the bounds hold and every event is taken or dropped', () => {
  const anyPush = fc.tuple(fc.constantFrom(...priorities), fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(fc.array(anyPush, { maxLength: 60 }), (pushes) => {
      const { queue, dropped } = queueOf({ eventsMax: 10, octetsMax: 100 });
      for (const [order, [priority, octets]] of pushes.entries()) {
        queue.push(anEvent(order, priority, octets));
        expect(queue.fill).toBeLessThanOrEqual(1);
      }
      const taken = queue.take(all);
      const orders = [...taken, ...dropped].map(({ order }) => order);
      expect(orders.sort((a, b) => a - b)).toEqual([...pushes.keys()]);
      expect(queue.fill).toBe(0);
    }),
  );
});

test('the oldest of the lowest priority gives way', () => {
  const { queue, dropped } = queueOf({ eventsMax: 4, octetsMax: 1000 });
  for (const [order, priority] of (['normal', 'low', 'high', 'low'] as const).entries())
    queue.push(anEvent(order, priority));
  for (const [index, gone] of [1, 3, 0].entries()) {
    queue.push(anEvent(10 + index, 'high'));
    expect(dropped.at(-1)?.order).toBe(gone);
  }
  expect(queue.take(all).map(({ order }) => order)).toEqual([2, 10, 11, 12]);
});

test.each(priorities)('a new event of priority %s gives way to its equals', (priority) => {
  const { queue, dropped } = queueOf({ eventsMax: 2, octetsMax: 1000 });
  for (const order of [0, 1, 2]) queue.push(anEvent(order, priority));
  expect(dropped.map(({ order }) => order)).toEqual([2]);
});

test('an event that is larger than the queue is dropped', () => {
  const { queue, dropped } = queueOf({ eventsMax: 10, octetsMax: 100 });
  queue.push(anEvent(0, 'high', 101));
  expect(dropped).toHaveLength(1);
  expect(queue.count).toBe(0);
});

test('no more octets are taken than allowed, but for a single event', () => {
  const { queue } = queueOf(all);
  for (const [order, octets] of [50, 40, 20, 200].entries()) queue.push(anEvent(order, 'high', octets));
  const sizes = Array.from({ length: 4 }, () =>
    queue.take({ eventsMax: 10, octetsMax: 100 }).map(({ order }) => order),
  );
  expect(sizes).toEqual([[0, 1], [2], [3], []]);
});
