import { expect, test } from 'vitest';
import {
  DISK_OCTETS_MAX_DEFAULT,
  FILE_OCTETS_MAX_DEFAULT,
  fileOctetsMaxOf,
  pressureAt,
} from '../../log/disk-budget.ts';
import type { Stream } from '../../log/event-log.ts';

const pressure = (stream: Stream, usedOctets: number, batchOctets: number): number =>
  pressureAt(stream, { usedOctets, batchOctets, diskOctetsMax: 1000 });

test.each([
  [0, 0],
  [899, 0],
  [900, 1],
  [949, 1],
  [950, 2],
  [970, 2],
  [971, 3],
  [1000, 3],
  [2000, 3],
])('with %i of 1000 octets used, a batch of 10 octets of events is under pressure %i', (used, want) => {
  expect(pressure('postern.events', used, 10)).toBe(want);
});

test.each([
  [899, 0],
  [950, 0],
  [990, 0],
  [991, 3],
])('with %i of 1000 octets used, a decision of 10 octets is under pressure %i', (used, want) => {
  expect(pressure('postern.decisions', used, 10)).toBe(want);
});

test('a file is at most a sixteenth of the cap', () => {
  expect(fileOctetsMaxOf(DISK_OCTETS_MAX_DEFAULT)).toBe(FILE_OCTETS_MAX_DEFAULT);
  expect(fileOctetsMaxOf(2 * DISK_OCTETS_MAX_DEFAULT)).toBe(FILE_OCTETS_MAX_DEFAULT);
  expect(fileOctetsMaxOf(32_000_000)).toBe(2_000_000);
});
