import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PARTITION_COUNT_MAX, partitionOf, partitionsOf } from '../../log/partition.ts';
import { aCommand, aGateStart } from '../support/events.ts';

// These never change: a key that moved would lose its order.
test.each([
  ['', 8, 1],
  ['192.0.2.0/24', 8, 7],
  ['198.51.100.0/24', 8, 2],
  ['203.0.113.0/24', 8, 2],
  ['2001:db8:1::/48', 8, 1],
  ['site', 8, 5],
  ['192.0.2.0/24', 5, 4],
])('%j of %i is in partition %i', (key, count, partition) => {
  expect(partitionOf(key, count)).toBe(partition);
});

test('any key has one partition of those there are', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: PARTITION_COUNT_MAX }), (key, count) => {
      const partition = partitionOf(key, count);
      expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true);
      expect(partitionOf(key, count)).toBe(partition);
    }),
  );
});

test('neighbouring networks are spread evenly', () => {
  const counts = new Array<number>(8).fill(0);
  for (let network = 0; network < 65_536; network += 1) {
    const partition = partitionOf(`10.${network >> 8}.${network & 255}.0/24`, 8);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 8192)).toBeLessThan(820);
});

test('an event is in the partition of its network, a control event in all', () => {
  expect(partitionsOf(aCommand({ ip: '192.0.2.9' }), 8)).toEqual([partitionOf('192.0.2.0/24', 8)]);
  expect(partitionsOf(aGateStart(), 3)).toEqual([0, 1, 2]);
});
