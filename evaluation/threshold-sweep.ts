import { postern } from './defenders/postern.ts';
import { type Score, scoresOf } from './score.ts';
import type { TrafficScenario } from './traffic/actor.ts';
import type { World } from './traffic/world.ts';

/** What the thresholds are multiplied by; 1 is Postern as it is. */
export const thresholdFactors: readonly number[] = [0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4];

/** Attacks whose offences until they are stopped have columns of their own. */
const shown: readonly string[] = ['A2', 'A5', 'A11', 'A12', 'A16'];

/**
 * How early attacks are stopped, and what that costs honest senders, as all thresholds of sources go up and down together: an operating
 * characteristic. A Markdown table, a row for each factor; medians over the seeds for attacks, sums for honest mail.
 *
 * @param worldOf - A fresh world of a seed.
 */
export function sweepTable(
  worldOf: (seed: number) => World,
  scenarios: readonly TrafficScenario[],
  seeds: readonly number[],
): string {
  const head = [
    'thresholds',
    'honest mail kept out',
    'per million',
    'honest sessions slowed',
    'attacks stopped',
    ...shown,
  ];
  const rows = thresholdFactors.map((factor) => {
    const scores = seeds.flatMap((seed) => scoresOf(worldOf(seed), scenarios, postern(undefined, factor), seed).scores);
    return [`× ${factor}`, ...cellsOf(scores)];
  });
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
}

/** One row but for its factor. */
export function cellsOf(scores: readonly Score[]): readonly string[] {
  const honest = scores.filter(({ scenario }) => !isAttack(scenario));
  const sum = (of: (score: Score) => number): number => honest.reduce((total, score) => total + of(score), 0);
  const keptOut = sum((score) => score.messagesDeferred + score.messagesRefused);
  const byAttack = Map.groupBy(
    scores.filter(({ scenario }) => isAttack(scenario)),
    ({ scenario }) => scenario,
  );
  const medians = new Map([...byAttack].map(([id, of]) => [id, medianUntilStopped(of)] as const));
  const stopped = [...medians.values()].filter((median) => median !== undefined).length;
  return [
    keptOut.toLocaleString('en'),
    perMillion(
      keptOut,
      sum((score) => score.messages),
    ),
    `${(
      (100 * sum((score) => score.slowed)) /
        Math.max(
          1,
          sum((score) => score.sessions),
        )
    ).toFixed(2)} %`,
    `${stopped} of ${medians.size}`,
    ...shown.map((id) => String(medians.get(id) ?? '–')),
  ];
}

const isAttack = (scenario: string): boolean => scenario.startsWith('A');

const perMillion = (part: number, whole: number): string =>
  whole === 0 ? '–' : Math.round((1e6 * part) / whole).toLocaleString('en');

/** Undefined: in fewer than half of the seeds was the first source stopped. */
function medianUntilStopped(scores: readonly Score[]): number | undefined {
  const found = scores.map(({ untilStopped }) => untilStopped ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const median = found[Math.floor((found.length - 1) / 2)];
  return median === Number.POSITIVE_INFINITY ? undefined : median;
}
