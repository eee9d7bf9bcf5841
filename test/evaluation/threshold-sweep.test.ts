import { expect, test } from 'vitest';
import { postern } from '../../evaluation/defenders/postern.ts';
import { attackFamilies, isUnhindered } from '../../evaluation/frontier.ts';
import type { Score } from '../../evaluation/score.ts';
import { cellsOf, sweepTable, thresholdFactors } from '../../evaluation/threshold-sweep.ts';
import { attacks } from '../../evaluation/traffic/attacks.ts';
import { honest } from '../../evaluation/traffic/benign.ts';
import { DAY_MS, World } from '../../evaluation/traffic/world.ts';
import { quiet } from '../support/scores.ts';

const score = (scenario: string, more: Partial<Score>): Score => ({
  ...quiet,
  sessions: 100,
  messages: 0,
  scenario,
  ...more,
});

test('a row adds up honest mail, and takes the medians of attacks', () => {
  const cells = cellsOf([
    score('B1', { messages: 600, messagesDeferred: 1, messagesRefused: 2, slowed: 5 }),
    score('background', { messages: 400 }),
    score('A2', { untilStopped: 5 }),
    score('A2', { untilStopped: 7 }),
    score('A2', {}),
    score('A5', {}),
    score('A5', { untilStopped: 6 }),
    score('A5', {}),
  ]);
  expect(cells).toEqual(['3', '3,000', '2.50 %', '1 of 2', '7', '–', '–', '–', '–']);
});

test('twice the thresholds let twice as much pass', () => {
  const [harvest] = attackFamilies;
  if (harvest === undefined) throw new Error('no families');
  expect(isUnhindered(harvest, 1.5, postern(), 'stopped')).toBe(false);
  expect(isUnhindered(harvest, 1.5, postern(undefined, 2), 'stopped')).toBe(true);
});

test('the higher the thresholds, the later', () => {
  const startMs = 1_767_225_600_000;
  const span = { startMs, attacksMs: startMs + DAY_MS, endMs: startMs + 3 * DAY_MS };
  const some = [...honest.filter(({ id }) => id === 'B3'), ...attacks.filter(({ id }) => id === 'A2')];
  const table = sweepTable((seed) => new World(seed, 'S', span), some, [1]);
  const rows = table.trimEnd().split('\n').slice(2);
  expect(rows).toHaveLength(thresholdFactors.length);
  const until = rows.map((row) => Number(row.split(' | ')[5]));
  expect(until).toEqual([...until].sort((a, b) => a - b));
  expect(until[thresholdFactors.indexOf(1)]).toBe(5);
  expect(until[0]).toBeLessThan(5);
  expect(until.at(-1)).toBeGreaterThan(5);
}, 30_000);
