import type { DecisionMade } from '../../events/decision.ts';
import { escapeField } from '../../lib/escape.ts';
import { formatDuration } from '../duration.ts';
import type { Observed } from '../watch/modes-in-use.ts';

const shown = (text: string): string => escapeField(text, 200);
/** Beyond it nobody counts the days: ten years, milliseconds. */
export const FOR_GOOD_MS = 315_360_000_000;

/** How long a decision still holds, or that it is over. */
export function lastingText(until: number, nowMs: number): string {
  if (until <= nowMs) return 'over';
  return until - nowMs > FOR_GOOD_MS ? 'for good' : `${formatDuration(until - nowMs)} left`;
}

/** One decision in one line. */
export function decisionLine(decision: DecisionMade, isObserved: Observed, nowMs: number): string {
  const { value, action, scenario, origin, by, until, roles, id } = decision;
  const who = origin === 'operator' ? `by ${shown(by ?? 'an operator')}` : shown(scenario);
  const mode = isObserved === null ? ', whether it acts is not known' : isObserved ? ', observed only' : '';
  const where = roles.length === 3 ? '' : ` on ${roles.join(', ')}`;
  return `${shown(value).padEnd(20)} ${action.padEnd(7)} ${lastingText(until, nowMs).padEnd(14)} ${who}${where}${mode} (${shown(id)})`;
}
