import type { Score } from './score.ts';
import { orderOf, untilCell } from './table.ts';
import { everyone } from './traffic/all.ts';

/** Scores by defender and scenario, as `main.ts` collects them. */
type Scores = ReadonlyMap<string, readonly Score[]>;

const NEVER = '–';
const titles: ReadonlyMap<string, string> = new Map(everyone.map(({ id, title }) => [id, title]));
const sum = (runs: readonly Score[], of: (score: Score) => number): number =>
  runs.reduce((total, score) => total + of(score), 0);

/** The tables of `docs/detection.md`: reactions to attacks, and honest messages kept out. */
export function markdownTables(scores: Scores): string {
  const defenders = [...new Set([...scores.keys()].map((key) => key.split('\n')[0] ?? ''))];
  const ids = [...new Set([...scores.keys()].map((key) => key.split('\n')[1] ?? ''))].sort(
    (one, other) => orderOf(one) - orderOf(other),
  );
  const of = (defender: string, id: string): readonly Score[] => scores.get(`${defender}\n${id}`) ?? [];
  const others = defenders.filter((name) => name !== 'Postern');
  const attacks = ids
    .filter((id) => id.startsWith('A'))
    .map((id) => [
      id,
      titles.get(id) ?? '',
      untilCell(of('Postern', id), (score) => score.untilSlowed, NEVER),
      untilCell(of('Postern', id), (score) => score.untilStopped, NEVER),
      untilCell(of('Postern', id), (score) => score.untilAlarm, NEVER),
      ...others.map((name) => untilCell(of(name, id), (score) => score.untilStopped, NEVER)),
    ]);
  const honest = ids
    .filter((id) => !id.startsWith('A'))
    .map((id) => [
      id,
      titles.get(id) ?? '',
      messagesOf(of('Postern', id)),
      ...defenders.map((name) => awayOf(of(name, id))),
    ]);
  const all = (name: string): readonly Score[] => ids.filter((id) => !id.startsWith('A')).flatMap((id) => of(name, id));
  const total = ['', '**all**', messagesOf(all('Postern')), ...defenders.map((name) => `**${awayOf(all(name))}**`)];
  return [
    table(['', 'attack', 'slowed at', 'stopped at', 'told at', ...others], attacks),
    table(['', 'honest', 'messages', ...defenders], [...honest.filter(([, , messages]) => messages !== '0'), total]),
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

const messagesOf = (runs: readonly Score[]): string => sum(runs, (score) => score.messages).toLocaleString('en');
const awayOf = (runs: readonly Score[]): string =>
  sum(runs, (score) => score.messagesDeferred + score.messagesRefused).toLocaleString('en');
