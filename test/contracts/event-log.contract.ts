import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type EventLog,
  type LogRecord,
  RECORD_OCTETS_MAX,
  type StoredRecord,
  type Stream,
} from '../../log/event-log.ts';
import { FOLLOW_RECORDS_MAX } from '../../log/io/follow.ts';
import { partitionOf } from '../../log/partition.ts';

const stream = 'postern.events';

/** A log of four partitions whose clock moves when the test says so. */
export interface LogUnderTest {
  readonly log: EventLog;
  readonly clock: { nowMs: number };
  /** Ends what `log` needs, in the reverse order. */
  readonly close: () => Promise<void>;
}

const record = (key: string, payload: string, of: Stream = stream): LogRecord => ({ stream: of, key, payload });

/** What every adapter of the port `EventLog` does. */
export function eventLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  const opened = async (): Promise<LogUnderTest> => {
    const made = await open();
    onTestFinished(made.close);
    return made;
  };
  const all = async (log: EventLog, partition: number, of: Stream = stream): Promise<StoredRecord[]> => {
    const records: StoredRecord[] = [];
    for (let from = 0; ; ) {
      const page = await log.read(of, partition, from, 100);
      if (page.records.length === 0) return records;
      records.push(...page.records);
      from = page.nextOffset;
    }
  };

  describe(name, () => {
    test('what was appended is read back, in order, at the offsets that were told', async () => {
      const { log } = await opened();
      const first = await log.append([record('a', '{"n":1}'), record('b', '{"n":2}'), record('a', '{"n":3}')]);
      const second = await log.append([record('a', '{"n":4}')]);
      if (!first.ok || !second.ok) throw new Error('the append was refused');
      const [a1, b1, a2] = first.value;
      expect([a1, a2, second.value[0]]).toEqual([0, 1, 2]);
      expect(b1).toBe(partitionOf('a', 4) === partitionOf('b', 4) ? 1 : 0);
      expect((await all(log, partitionOf('a', 4))).map(({ payload }) => payload)).toEqual([
        '{"n":1}',
        '{"n":3}',
        '{"n":4}',
      ]);
    });

    test('any batching of any records reads back as one sequence a partition, without holes', async () => {
      const anyBatches = fc.array(
        fc.array(fc.tuple(fc.nat({ max: 20 }), fc.string({ unit: 'grapheme' })), { maxLength: 8 }),
        {
          maxLength: 8,
        },
      );
      await fc.assert(
        fc.asyncProperty(anyBatches, async (batches) => {
          const { log, close } = await open();
          const want = new Map<number, string[]>();
          for (const batch of batches) {
            const records = batch.map(([key, text]) => record(`key-${key}`, JSON.stringify({ text })));
            for (const { key, payload } of records) {
              const partition = partitionOf(key, 4);
              want.set(partition, [...(want.get(partition) ?? []), payload]);
            }
            const outcome = await log.append(records);
            expect(outcome.ok && outcome.value.length).toBe(records.length);
          }
          for (const partition of [0, 1, 2, 3]) {
            const read = await all(log, partition);
            expect(read.map(({ payload }) => payload)).toEqual(want.get(partition) ?? []);
            expect(read.map(({ offset }) => offset)).toEqual(read.map((_, index) => index));
            expect(await log.bounds(stream, partition)).toEqual({ first: 0, next: read.length });
          }
          await close();
        }),
        { numRuns: 12 },
      );
    });

    test('appends that are under way together all get in', async () => {
      const { log } = await opened();
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, (_, n) => log.append([record('one', `{"n":${n}}`)])),
      );
      expect(outcomes.flatMap((outcome) => (outcome.ok ? outcome.value : []))).toEqual(outcomes.map((_, n) => n));
      expect((await all(log, partitionOf('one', 4))).map(({ payload }) => payload)).toEqual(
        outcomes.map((_, n) => `{"n":${n}}`),
      );
    });

    test('a record for every partition is in each, and its offset is that in partition 0', async () => {
      const { log } = await opened();
      const key = Array.from({ length: 64 }, (_, n) => `k${n}`).find((k) => partitionOf(k, 4) === 0) ?? '';
      await log.append([record(key, '{"n":1}')]);
      const outcome = await log.append([{ ...record('', '{"n":2}'), everyPartition: true }]);
      expect(outcome).toEqual({ ok: true, value: [1] });
      for (const partition of [0, 1, 2, 3]) {
        expect((await all(log, partition)).at(-1)?.payload).toBe('{"n":2}');
      }
    });

    test('streams do not mix', async () => {
      const { log } = await opened();
      await log.append([record('a', '{"n":1}')]);
      await log.append([record('a', '{"n":2}', 'postern.decisions')]);
      expect(await all(log, partitionOf('a', 4), 'postern.decisions')).toEqual([{ offset: 0, payload: '{"n":2}' }]);
      expect(await all(log, partitionOf('a', 4))).toEqual([{ offset: 0, payload: '{"n":1}' }]);
    });

    test('a page begins at any offset and has no more records than asked for', async () => {
      const { log } = await opened();
      await log.append([0, 1, 2, 3, 4, 5, 6].map((n) => record('a', `{"n":${n}}`)));
      await log.append([7, 8].map((n) => record('a', `{"n":${n}}`)));
      const partition = partitionOf('a', 4);
      for (const from of [0, 1, 5, 6, 7, 8]) {
        for (const limit of [1, 2, 9]) {
          const page = await log.read(stream, partition, from, limit);
          expect(page.records.map(({ offset }) => offset)).toEqual(
            [0, 1, 2, 3, 4, 5, 6, 7, 8].slice(from, from + limit),
          );
          expect(page.nextOffset).toBe(Math.min(from + limit, 9));
        }
      }
      expect(await log.read(stream, partition, 9, 5)).toEqual({ records: [], nextOffset: 9 });
    });

    test('nothing is appended of an append that is empty or too large', async () => {
      const { log } = await opened();
      expect(await log.append([])).toEqual({ ok: true, value: [] });
      const large = record('a', `"${'x'.repeat(RECORD_OCTETS_MAX)}"`);
      expect(await log.append([record('a', '1'), large])).toEqual({ ok: false, error: 'too-large' });
      const most = record('a', `"${'x'.repeat(RECORD_OCTETS_MAX - 2)}"`);
      expect(await log.append([most, most])).toEqual({ ok: false, error: 'too-large' });
      expect(await log.append([most])).toEqual({ ok: true, value: [0] });
    });

    test('a follower gets what is there and what comes, and ends when told', async () => {
      const { log } = await opened();
      await log.append([record('a', '{"n":0}')]);
      const controller = new AbortController();
      const seen: string[] = [];
      const following = (async () => {
        for await (const { records } of log.follow(stream, partitionOf('a', 4), 0, controller.signal)) {
          seen.push(...records.map(({ payload }) => payload));
          if (seen.length === 3) controller.abort();
        }
      })();
      await expect.poll(() => seen.length).toBe(1);
      await log.append([record('a', '{"n":1}')]);
      await expect.poll(() => seen.length).toBe(2);
      await log.append([record('a', '{"n":2}')]);
      await following;
      expect(seen).toEqual(['{"n":0}', '{"n":1}', '{"n":2}']);
    });

    test('a follower that is far behind leaves timers their turn between its pages', async () => {
      const { log } = await opened();
      const pageCount = 6;
      await log.append(Array.from({ length: pageCount * FOLLOW_RECORDS_MAX }, () => record('a', '{}')));
      const controller = new AbortController();
      let pages = 0;
      let pagesBefore: number | undefined;
      setTimeout(() => (pagesBefore = pages), 1);
      for await (const { records } of log.follow(stream, partitionOf('a', 4), 0, controller.signal)) {
        pages += 1;
        expect(records).toHaveLength(FOLLOW_RECORDS_MAX);
        if (pages === pageCount) controller.abort();
        for (const startMs = performance.now(); performance.now() - startMs < 5; );
      }
      expect(pages).toBe(pageCount);
      expect(pagesBefore).toBeLessThan(4);
    });

    test('a follower that waits ends at once when told', async () => {
      const { log } = await opened();
      const controller = new AbortController();
      const following = (async () => {
        for await (const _ of log.follow(stream, 0, 0, controller.signal)) throw new Error('there is nothing to read');
      })();
      setTimeout(() => controller.abort(), 20);
      const startMs = performance.now();
      await following;
      expect(performance.now() - startMs).toBeLessThan(500);
    });

    test('what a group committed is remembered for that group, stream and partition alone', async () => {
      const { log } = await opened();
      expect(await log.committed('g', stream, 1)).toBe(0);
      await log.commit('g', stream, 1, 41);
      await log.commit('g', stream, 1, 42);
      expect(await log.committed('g', stream, 1)).toBe(42);
      expect(await log.committed('g', stream, 2)).toBe(0);
      expect(await log.committed('h', stream, 1)).toBe(0);
      expect(await log.committed('g', 'postern.decisions', 1)).toBe(0);
    });

    test('trimming drops what is older, and offsets go on', async () => {
      const { log, clock } = await opened();
      const partition = partitionOf('a', 4);
      await log.append([0, 1, 2].map((n) => record('a', `{"n":${n}}`)));
      expect(await log.trim(clock.nowMs)).toBe(0);
      clock.nowMs += 10;
      expect(await log.trim(clock.nowMs, 'postern.decisions')).toBe(0);
      expect(await log.trim(clock.nowMs)).toBe(3);
      expect(await log.bounds(stream, partition)).toEqual({ first: 3, next: 3 });
      expect(await log.read(stream, partition, 0, 10)).toMatchObject({ records: [] });
      expect(await log.append([record('a', '{"n":3}')])).toEqual({ ok: true, value: [3] });
      expect(await log.read(stream, partition, 0, 10)).toEqual({
        records: [{ offset: 3, payload: '{"n":3}' }],
        nextOffset: 4,
      });
      expect(await log.bounds(stream, partition)).toEqual({ first: 3, next: 4 });
    });
  });
}
