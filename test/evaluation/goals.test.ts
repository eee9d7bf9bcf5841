import { expect, test } from 'vitest';
import { bootstrapOf, medianOf, quantileOf, upperBoundOfNone } from '../../evaluation/confidence.ts';
import { goalResults, goalsTable } from '../../evaluation/goals.ts';
import { reactionsTable } from '../../evaluation/reactions.ts';
import type { Score } from '../../evaluation/score.ts';
import { quiet } from '../support/scores.ts';

const resultOf = (scores: ReadonlyMap<string, readonly Score[]>, title: string) =>
  goalResults(scores).find((result) => result.title === title);

test('a goal is reached at its limit, missed above it by how much, and not measured without traffic', () => {
  const at = (hours: number) => new Map([['A14', [{ ...quiet, secondsUntilAlarm: hours * 3600 }]]]);
  expect(resultOf(at(6), 'A14 told')).toMatchObject({ measured: 6, reached: true, missedBy: 0 });
  expect(resultOf(at(7.5), 'A14 told')).toMatchObject({ measured: 7.5, reached: false, missedBy: 1.5 });
  expect(resultOf(new Map(), 'A14 told')).toMatchObject({ measured: undefined, reached: undefined });
});

test('what never comes misses its goal', () => {
  const never = new Map([['A4', [quiet, quiet, { ...quiet, untilStopped: 5 }]]]);
  expect(resultOf(never, 'A4 stopped')).toMatchObject({ measured: Number.POSITIVE_INFINITY, reached: false });
  expect(goalsTable(never)).toMatch(/^A4 stopped .* never {2}missed by never$/m);
});

test('messages turned away count for a million of all honest ones, deferred or refused', () => {
  const scores = new Map([
    ['B1', [{ ...quiet, messagesDeferred: 1 }]],
    ['B7', [{ ...quiet, messagesRefused: 1 }]],
    ['A1', [{ ...quiet, messagesRefused: 500 }]],
  ]);
  expect(resultOf(scores, 'legitimate messages turned away')).toMatchObject({ measured: 1000, missedBy: 999 });
});

test('the bound of a zero is that of Clopper and Pearson, about three in n', () => {
  expect(upperBoundOfNone(3000)).toBeCloseTo(3 / 3000, 5);
  expect(upperBoundOfNone(0)).toBe(1);
  expect(goalsTable(new Map([['B1', [quiet]]]))).toContain(
    'none of 1000 legitimate messages was turned away: at most 2991',
  );
});

test('a bootstrap gives the same interval again, which holds the median and is a point where all are alike', () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const median = (of: readonly number[]): number => medianOf(of) ?? 0;
  const interval = bootstrapOf(values, median);
  expect(bootstrapOf(values, median)).toEqual(interval);
  expect(interval?.low).toBeLessThan(5);
  expect(interval?.high).toBeGreaterThan(5);
  expect(bootstrapOf([4, 4, 4], median)).toEqual({ low: 4, high: 4 });
  expect(bootstrapOf([], median)).toBeUndefined();
  expect(quantileOf(values, 0.95)).toBe(9);
});

test('reactions are told in seconds, with the sources reached and how many of those decided on attacked', () => {
  const scores = new Map([
    ['A1', [{ ...quiet, secondsUntilSlowed: 3, answersGiven: 5, sources: 4, sourcesDecided: 3 }]],
    ['B1', [{ ...quiet, sourcesDecided: 1, messagesSlowed: 7 }]],
  ]);
  const table = reactionsTable(scores);
  expect(table).toMatch(/^A1 +3 \[3, 3\] p95 3 +never +never +5 {2}75\.0 %$/m);
  expect(table).toContain('precision: 3 of 4 sources decided on attacked (75.00 %)');
  expect(table).toContain('B1: 7 messages slowed, 1 sources');
});
