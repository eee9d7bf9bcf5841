import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ok } from '../../lib/result.ts';
import { appendAll } from '../../log/append-all.ts';
import { groupAppend } from '../../log/batch.ts';
import type { LogRecord } from '../../log/event-log.ts';

/** A log that takes what every log takes, and keeps it. */
function logOf(partitionCount: number, { takes = Number.POSITIVE_INFINITY } = {}) {
  const appends: (readonly LogRecord[])[] = [];
  return {
    appends,
    append: async (records: readonly LogRecord[]) => {
      if (groupAppend(records, partitionCount) === undefined) return { ok: false, error: 'too-large' } as const;
      if (appends.length >= takes) return { ok: false, error: 'unreachable' } as const;
      appends.push(records);
      return ok([]);
    },
  };
}

const aRecord = (payload: string, everyPartition = false): LogRecord => ({
  stream: 'postern.decisions',
  key: '198.51.100.0/24',
  payload,
  everyPartition,
});

test('any number of records of any length goes into the log, in their order', async () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 300_000 })), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(lengths, fc.constantFrom('x', 'é', '漢'), async (each, letter) => {
      const log = logOf(4);
      const records = each.map((length, index) => aRecord(`${index}${letter.repeat(length)}`));
      expect(await appendAll(log, records)).toBe(true);
      expect(log.appends.flat()).toEqual(records);
    }),
    { numRuns: 50 },
  );
});

test('a copy in every partition counts as often', async () => {
  const log = logOf(256);
  const records = Array.from({ length: 100 }, (_, index) => aRecord(`${index}${'x'.repeat(1000)}`, true));
  expect(await appendAll(log, records, 256)).toBe(true);
  expect(log.appends.flat()).toEqual(records);
  expect(log.appends.length).toBeGreaterThan(10);
});

test('it is said where the log does not take all of them', async () => {
  const records = Array.from({ length: 50 }, () => aRecord('x'.repeat(200_000)));
  expect(await appendAll(logOf(4, { takes: 2 }), records)).toBe(false);
  expect(await appendAll(logOf(4), [])).toBe(true);
});

test('nothing that is appended afterwards comes between', async () => {
  const log = logOf(4);
  const records = Array.from({ length: 50 }, () => aRecord('x'.repeat(200_000)));
  const later = aRecord('later');
  await Promise.all([appendAll(log, records), appendAll(log, [later])]);
  expect(log.appends.flat()).toEqual([...records, later]);
});
