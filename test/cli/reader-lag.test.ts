import { expect, test } from 'vitest';
import { analyzerLimits, type LagChange, MOMENTS_MAX, ReaderLag } from '../../cli/gate/reader-lag.ts';

const { behindMs: BEHIND_MS, backMs: BACK_MS } = analyzerLimits;

const START = 1_000_000;

/** Looks at one watch; times in milliseconds after the start. */
class Looks {
  readonly lag = new ReaderLag(START, analyzerLimits);

  /** @param seen - What the watch has seen, and where the log ends. */
  at(
    ms: number,
    seen?: readonly [nextOffset: number, end: number],
    stamp: number | undefined = ms,
  ): LagChange | undefined {
    const readers = seen === undefined ? undefined : [{ name: 'events-0', nextOffset: seen[0], end: seen[1] }];
    return this.lag.look(START + ms, { stamp, readers });
  }

  lagAt(ms: number): number {
    return this.lag.lagMs(START + ms);
  }
}

test('analyzers that keep up are told of never', () => {
  const looks = new Looks();
  for (let second = 0; second < 60; second += 1) {
    expect(looks.at(second * 1000, [second * 100, (second + 1) * 100])).toBeUndefined();
    expect(looks.lagAt(second * 1000)).toBeLessThanOrEqual(1000);
  }
  expect(looks.lag.unseen).toEqual(new Map([['events-0', 100]]));
});

test('what is unseen for longer than the limit is told once, with its age; the end once', () => {
  const looks = new Looks();
  expect(looks.at(0, [10, 11])).toBeUndefined();
  for (const ms of [1000, 2000, 3000, 4000, BEHIND_MS]) expect(looks.at(ms, [10, 11 + ms])).toBeUndefined();
  const told = { kind: 'behind', reason: 'it has not read what is in the log' };
  expect(looks.at(BEHIND_MS + 1, [10, 9000])).toEqual(told);
  expect(looks.at(7000, [10, 9000])).toBeUndefined();
  expect([looks.lagAt(7000), looks.lag.unseen.get('events-0')]).toEqual([7000, 8990]);
  expect(looks.at(8000, [9000, 9000])).toEqual({ kind: 'back', behindMs: 8000 });
  expect(looks.at(9000, [9000, 9000])).toBeUndefined();
});

test('analyzers that read on, but stay behind, are as far behind as the oldest record that they have not seen', () => {
  const looks = new Looks();
  for (let second = 0; second <= 30; second += 1) {
    looks.at(second * 1000, [Math.max(0, second - 20) * 100, (second + 1) * 100]);
  }
  expect(looks.lagAt(30_000)).toBe(20_000);
  expect(looks.lag.isBehind).toBe(true);
});

test('they are back only when well below the limit', () => {
  const looks = new Looks();
  for (let second = 0; second <= 6; second += 1) looks.at(second * 1000, [0, second + 1]);
  expect(looks.lag.isBehind).toBe(true);
  expect(looks.at(7000, [5, 8])).toMatchObject({ kind: 'back' });
  const near = new Looks();
  for (let ms = 0; ms <= 6000; ms += 500) near.at(ms, [0, ms + 1]);
  expect(near.at(6001, [6001 - BACK_MS - 501, 7000])).toBeUndefined();
  expect(near.lag.isBehind).toBe(true);
  expect(near.at(6001, [6001 - BACK_MS, 7000])).toMatchObject({ kind: 'back' });
});

test('a report that stays the same is silence, whether there is mail or not', () => {
  const looks = new Looks();
  looks.at(0, [5, 5], 1);
  expect(looks.at(1000, [5, 5], 2)).toBeUndefined();
  expect(looks.at(1000 + BEHIND_MS, [5, 5], 2)).toBeUndefined();
  expect(looks.at(1001 + BEHIND_MS, [5, 5], 2)).toEqual({ kind: 'behind', reason: 'it does not report' });
  expect(looks.at(8000, [5, 5], 3)).toEqual({ kind: 'back', behindMs: 7000 });
});

test('analyzers that never report are told of once the limit is over; a clock that stepped back is still a report', () => {
  const looks = new Looks();
  expect(looks.lag.look(START + BEHIND_MS, { stamp: undefined, readers: [] })).toBeUndefined();
  expect(looks.lag.look(START + BEHIND_MS + 1, { stamp: undefined, readers: [] })?.kind).toBe('behind');
  expect(looks.at(6000, [0, 0], 500)?.kind).toBe('back');
  expect(looks.at(9000, [0, 0], 400)).toBeUndefined();
  expect(looks.lagAt(9000)).toBe(0);
});

test('while the log cannot be read, what was unseen stays unseen', () => {
  const looks = new Looks();
  looks.at(0, [0, 1]);
  for (const ms of [1000, 3000, 5000]) expect(looks.at(ms)).toBeUndefined();
  expect(looks.at(5001)?.kind).toBe('behind');
});

test('a log that is another one than was read is not unseen', () => {
  const looks = new Looks();
  for (const ms of [0, 3000, 6000]) expect(looks.at(ms, [500, 3])).toBeUndefined();
  expect(looks.lag.unseen.get('events-0')).toBe(0);
});

test('moments do not grow without end: beyond them new records count as a little older, never as younger', () => {
  const looks = new Looks();
  for (let second = 0; second <= MOMENTS_MAX; second += 1) looks.at(second * 1000, [0, second + 1]);
  expect(looks.lagAt(MOMENTS_MAX * 1000)).toBe(MOMENTS_MAX * 1000);
  looks.at(MOMENTS_MAX * 1000, [MOMENTS_MAX, MOMENTS_MAX + 1]);
  expect(looks.lagAt(MOMENTS_MAX * 1000)).toBe(1000);
});
