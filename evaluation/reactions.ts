import { bootstrapOf, medianOf, quantileOf } from './confidence.ts';
import type { ByScenario } from './goals.ts';
import type { Score } from './score.ts';

/** Columns of a reaction. */
const WIDTH = 44;

/** Seconds to each reaction of Postern: median with its 95 % interval over the seeds, and the 95th percentile. Then the answers
 * that an attack got (passwords tried, forward-paths answered), and the share of its sources that were slowed or stopped. */
export function reactionsTable(scores: ByScenario): string {
  const lines = [...scores].flatMap(([id, runs]) => {
    if (!id.startsWith('A')) return [];
    const cells = [
      (score: Score) => score.secondsUntilSlowed,
      (score: Score) => score.secondsUntilStopped,
      (score: Score) => score.secondsUntilAlarm,
    ].map((of) => secondsCell(runs, of));
    const answers = medianOf(runs.map((score) => score.answersGiven)) ?? 0;
    const sources = runs.reduce((sum, score) => sum + score.sources, 0);
    const decided = runs.reduce((sum, score) => sum + score.sourcesDecided, 0);
    const recall = `${((100 * decided) / sources).toFixed(1)} %`;
    return `${id.padEnd(4)} ${cells.map((cell) => cell.padEnd(WIDTH)).join('')}${String(answers).padStart(7)}  ${recall}`;
  });
  const head = ['slowed, s', 'stopped, s', 'told, s'].map((title) => title.padEnd(WIDTH)).join('');
  return `${[`     ${head}answers  sources slowed or stopped`, ...lines, precisionOf(scores)].join('\n')}\n`;
}

function secondsCell(runs: readonly Score[], of: (score: Score) => number | undefined): string {
  const { median, p95, of: count } = secondsOf(runs, of);
  if (median === undefined || p95 === undefined || count * 2 < runs.length) return 'never';
  const interval = bootstrapOf(
    runs.flatMap((score) => of(score) ?? []),
    (values) => medianOf(values) ?? 0,
  );
  return `${round(median)} [${round(interval?.low)}, ${round(interval?.high)}] p95 ${round(p95)}`;
}

/** Of the sources that were slowed or stopped, how many attacked; a source of two scenarios counts in both. */
function precisionOf(scores: ByScenario): string {
  let [attackers, honest] = [0, 0];
  const classes: string[] = [];
  for (const [id, runs] of scores) {
    const decided = runs.reduce((sum, score) => sum + score.sourcesDecided, 0);
    if (id.startsWith('A')) attackers += decided;
    else honest += decided;
    const slowed = runs.reduce((sum, score) => sum + score.messagesSlowed, 0);
    if (!id.startsWith('A') && slowed > 0) classes.push(`${id}: ${slowed} messages slowed, ${decided} sources`);
  }
  const share = attackers + honest === 0 ? '-' : `${((100 * attackers) / (attackers + honest)).toFixed(2)} %`;
  return [`precision: ${attackers} of ${attackers + honest} sources decided on attacked (${share})`, ...classes].join(
    '\n',
  );
}

const round = (value: number | undefined): number => Math.round((value ?? 0) * 10) / 10;

/** Seconds to a reaction over the seeds, of those runs in which it came. */
const secondsOf = (runs: readonly Score[], of: (score: Score) => number | undefined) => {
  const found = runs.flatMap((score) => of(score) ?? []);
  return { median: medianOf(found), p95: quantileOf(found, 0.95), of: found.length };
};
