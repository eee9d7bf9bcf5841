import { expect, test } from 'vitest';
import { bootstrapOf, medianOf, quantileOf, upperBoundOfNone } from '../../evaluation/confidence.ts';
import { goalResults, goalsTable } from '../../evaluation/goals.ts';
import { honestTable } from '../../evaluation/honest-table.ts';
import { markdownTables } from '../../evaluation/markdown-tables.ts';
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

const withWarmUp = (score: Score): Score =>
  score.warmUp.messages > 0 ? score : { ...score, warmUp: { ...score.warmUp, messages: 1000 } };
const hardly = { ...quiet.warmUp, messages: 1000, messagesDeferred: 1, messagesSlowed: 1 };

test('honest messages by class: a zero with its bound, a figure with its interval, attacks not at all', () => {
  const table = honestTable(
    new Map([
      ['B4', [quiet, { ...quiet, messagesHeld: 3, messagesSlowed: 1, warmUp: hardly }].map(withWarmUp)],
      ['B1', [quiet]],
      ['A1', [{ ...quiet, messagesRefused: 5 }]],
      ['B19', [{ ...quiet, messages: 0 }]],
    ]),
  );
  expect(table.split('\n').map((line) => line.split(' ')[0])).toEqual(['per', 'B1', 'B4', '']);
  expect(table).toMatch(/^B1 +1000 {2}0 \(< 2,990\) +0 \(< 2,990\) +0 \(< 2,990\) +-$/m);
  expect(table).toMatch(/^B4 +2000 {2}0 \(< 1,500\) +500 \[0, 1,000\] +1,500 \[0, 3,000\] +1,000 \[0, 2,000\]$/m);
});

test('what waits at AUTH is slowed, and after an alarm four in five attempts are to be hindered', () => {
  const held = new Map([['B26', [{ ...quiet, messagesHeld: 1 }]]]);
  expect(resultOf(held, 'legitimate messages slowed')).toMatchObject({ measured: 1000, missedBy: 900 });
  const after = (hindered: number) =>
    new Map([['A14', [{ ...quiet, sessionsAfterAlarm: 10, hinderedAfterAlarm: hindered }]]]);
  const title = 'A14, sessions after the alarm not hindered';
  expect(resultOf(after(8), title)).toMatchObject({ reached: true });
  expect(resultOf(after(7), title)).toMatchObject({ reached: false });
  expect(resultOf(after(0), title)).toMatchObject({ measured: 100 });
});

test('joe-jobs are told by bins of five minutes, begun ones whole', () => {
  const at = (seconds: number) => new Map([['A36', [{ ...quiet, secondsUntilAlarm: seconds }]]]);
  expect(resultOf(at(300), 'A36 (joe-job, sixtyfold) told')).toMatchObject({ measured: 1, reached: true });
  expect(resultOf(at(301), 'A36 (joe-job, sixtyfold) told')).toMatchObject({ measured: 2, reached: false });
});

test('the tables for the documentation: who reacted when, and honest messages kept out, with their sum', () => {
  const lines = markdownTables(
    new Map([
      ['Postern\nA1', [{ ...quiet, untilSlowed: 4, untilStopped: 5 }]],
      ['fail2ban\nA1', [quiet]],
      ['Postern\nB4', [quiet]],
      ['fail2ban\nB4', [{ ...quiet, messagesRefused: 700, messagesDeferred: 300 }]],
      ['Postern\nB19', [{ ...quiet, messages: 0 }]],
    ]),
  ).split('\n');
  expect(lines).toContain('|  | attack | slowed at | stopped at | told at | fail2ban |');
  expect(lines).toContain('| A1 | dictionary, one guess a second, one connection | 4 | 5 | – | – |');
  expect(lines).toContain('| B4 | a weekly newsletter, 3 % dead | 1,000 | 0 | 1,000 |');
  expect(lines).toContain('|  | **all** | 1,000 | **0** | **1,000** |');
  expect(lines.join('\n')).not.toContain('B19');
});
