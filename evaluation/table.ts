import { medianOf } from './confidence.ts';
import type { Score } from './score.ts';

const head = [
  'scenario',
  'defender',
  'sessions',
  'slowed at',
  'stopped at',
  'alarm at',
  'stopped',
  'slowed',
  'sources stopped',
  'mail deferred',
  'mail refused',
  'mail',
] as const;

/** One table of all runs: a row for each scenario and defender, medians and sums over the seeds. `scores` by defender and scenario. */
export function tableOf(scores: ReadonlyMap<string, readonly Score[]>): string {
  const rows = [...scores].map(([key, of]) => {
    const [defender = '', scenario = ''] = key.split('\n');
    return rowOf(scenario, defender, of);
  });
  rows.sort((a, b) => orderOf(a[0] ?? '') - orderOf(b[0] ?? ''));
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function rowOf(scenario: string, defender: string, scores: readonly Score[]): readonly string[] {
  const sum = (of: (score: Score) => number): number => scores.reduce((total, score) => total + of(score), 0);
  const sessions = sum((score) => score.sessions);
  const isAttack = scenario.startsWith('A');
  return [
    scenario,
    defender,
    String(Math.round(sessions / scores.length)),
    untilCell(scores, (score) => score.untilSlowed, 'never'),
    untilCell(scores, (score) => score.untilStopped, 'never'),
    isAttack ? untilCell(scores, (score) => score.untilAlarm, 'never') : '-',
    share(
      sum((score) => score.stopped),
      sessions,
    ),
    share(
      sum((score) => score.slowed),
      sessions,
    ),
    share(
      sum((score) => score.sourcesStopped),
      sum((score) => score.sources),
    ),
    String(sum((score) => score.messagesDeferred)),
    String(sum((score) => score.messagesRefused)),
    String(sum((score) => score.messages)),
  ];
}

/** The median over the seeds; in brackets of how many, where it was not always. `never`: where it was less than half of them. */
export function untilCell(scores: readonly Score[], of: (score: Score) => number | undefined, never: string): string {
  const found = scores.flatMap((score) => of(score) ?? []);
  if (found.length === 0 || found.length * 2 < scores.length) return never;
  return `${medianOf(found)}${found.length < scores.length ? ` (${found.length}/${scores.length})` : ''}`;
}

const share = (part: number, whole: number): string => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`);

/** The background first, then honest scenarios, then attacks. */
export const orderOf = (id: string): number =>
  id === 'background' ? 0 : (id.startsWith('A') ? 1000 : 100) + Number(id.slice(1));
