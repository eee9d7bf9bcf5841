import { bootstrapOf, upperBoundOfNone } from './confidence.ts';
import type { ByScenario } from './goals.ts';
import type { MessageCounts } from './score.ts';
import { orderOf } from './table.ts';

const columns = ['turned away', 'slowed', 'held at AUTH', 'any of them in the warm-up'] as const;

/**
 * Honest messages by class, a million each: turned away (deferred or refused), slowed from the start, held at AUTH
 * (which waits while passwords are guessed, or because the account left its habit). Behind a
 * zero the most that it may be, behind a figure its interval over the seeds, both with 95 % confidence.
 */
export function honestTable(scores: ByScenario): string {
  const classes = [...scores]
    .filter(([id, runs]) => !id.startsWith('A') && sumOf(runs, messagesOf) > 0)
    .sort(([one], [other]) => orderOf(one) - orderOf(other));
  const rows = classes.map(([id, runs]) => [
    id,
    String(sumOf(runs, messagesOf)),
    ...[turnedAway, slowed, held].map((of) => rateOf(runs, of)),
    rateOf(
      runs.map(({ warmUp }) => warmUp),
      (counts) => turnedAway(counts) + slowed(counts) + held(counts),
    ),
  ]);
  const lines = [['per 10^6', 'messages', ...columns], ...rows].map(([id = '', messages = '', ...cells]) =>
    `${id.padEnd(11)}${messages.padStart(9)}  ${cells.map((cell) => cell.padEnd(30)).join('')}`.trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

const messagesOf = (counts: MessageCounts): number => counts.messages;
const turnedAway = (counts: MessageCounts): number => counts.messagesDeferred + counts.messagesRefused;
const slowed = (counts: MessageCounts): number => counts.messagesSlowed;
const held = (counts: MessageCounts): number => counts.messagesHeld;

const sumOf = (runs: readonly MessageCounts[], of: (counts: MessageCounts) => number): number =>
  runs.reduce((sum, score) => sum + of(score), 0);

const perMillion = (runs: readonly MessageCounts[], of: (counts: MessageCounts) => number): number =>
  (1e6 * sumOf(runs, of)) / Math.max(1, sumOf(runs, messagesOf));

function rateOf(runs: readonly MessageCounts[], of: (counts: MessageCounts) => number): string {
  if (sumOf(runs, messagesOf) === 0) return '-';
  if (sumOf(runs, of) === 0) return `0 (< ${figure(1e6 * upperBoundOfNone(sumOf(runs, messagesOf)))})`;
  const interval = bootstrapOf(runs, (some) => perMillion(some, of));
  return `${figure(perMillion(runs, of))} [${figure(interval?.low ?? 0)}, ${figure(interval?.high ?? 0)}]`;
}

const figure = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en');
