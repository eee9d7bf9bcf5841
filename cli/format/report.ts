import { escapeField } from '../../lib/escape.ts';
import type { CoveredSummary } from '../report/gather.ts';
import type { Observed } from '../watch/modes-in-use.ts';
import { coverageNote } from './coverage.ts';
import { modesNote } from './modes-note.ts';

const shown = (text: string): string => escapeField(text, 100);
const modeText = (isObserved: Observed): string => (isObserved === null ? 'unknown' : isObserved ? 'observes' : 'acts');
const time = (atMs: number): string => new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');

/** What was refused and what would have been, for people: accepted mail first. */
export function formatReport({
  sinceMs,
  untilMs,
  modes,
  sessions,
  acceptedMail,
  affected,
  scenarios,
  rules,
  coverage,
}: CoveredSummary): string {
  const isUnknown = modes === 'unknown';
  const lines = [
    `${time(sinceMs)} to ${time(Math.max(sinceMs, untilMs))} UTC: ${sessions} sessions, ${acceptedMail} messages accepted.`,
    `${coverageNote(coverage)}${modesNote(modes)}`,
  ];
  if (affected.length === 0)
    lines.push(
      `No accepted message would have been kept out by a decision that ${isUnknown ? 'may only observe' : 'only observes'}.`,
    );
  else {
    lines.push('Accepted mail that decisions would have kept out, had they acted:');
    for (const each of affected) {
      lines.push(
        `  ${String(each.acceptedMail).padStart(7)}  ${shown(each.source).padEnd(24)} ${shown(each.scenario)}`,
      );
    }
    lines.push('  Look at each with postern why <address> before you promote its scenario.');
  }
  lines.push('', 'Scenario              mode      decisions  sources  sessions  accepted mail');
  for (const { scenario, isObserved, decisions, sources, sessions: count, acceptedMail: mail } of scenarios) {
    const numbers = [
      String(decisions).padStart(9),
      String(sources).padStart(8),
      String(count).padStart(9),
      String(mail).padStart(14),
    ];
    lines.push(`${shown(scenario).padEnd(21)} ${modeText(isObserved).padEnd(9)}${numbers.join(' ')}`);
  }
  if (scenarios.length === 0) lines.push('  (no decision was made)');
  lines.push('', 'Rule                  refused  observed');
  for (const { rule, refused, observed } of rules) {
    lines.push(`${shown(rule).padEnd(21)} ${String(refused).padStart(7)} ${String(observed).padStart(9)}`);
  }
  const promotable = scenarios.filter(
    ({ isObserved, acceptedMail: mail, decisions }) => isObserved === true && mail === 0 && decisions > 0,
  );
  if (promotable.length > 0) {
    lines.push(
      '',
      'Ready to act, by this: set in watch.scenarios',
      ...promotable.map(({ scenario }) => `  ${shown(scenario)}: enforce`),
    );
  }
  return `${lines.join('\n')}\n`;
}
