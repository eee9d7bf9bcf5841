import type { DecisionEvent, DecisionMade } from '../events/decision.ts';
import { parsePrefix } from '../lib/ip.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { type Refusal, refused } from './answer.ts';

/** Decisions of one answer, at most: the newest. */
export const DECISIONS_MAX = 1000;

/** A decision as the page shows it. */
export type ListedDecision = Pick<
  DecisionMade,
  'id' | 'scope' | 'value' | 'roles' | 'action' | 'level' | 'scenario' | 'origin' | 'at' | 'until' | 'reason'
> & {
  /** It only observes; null: that is not known. */
  readonly observed: boolean | null;
  readonly by?: string;
};

/**
 * What is in force, newest first.
 *
 * @param decisions - The last one of each key.
 * @param ip - Only what is about this address or range, a range around it, or a part of it; empty: all.
 */
export function decisionsInForce(
  decisions: readonly DecisionEvent[],
  isObserved: (decision: DecisionMade) => boolean | null,
  ip: string,
  nowMs: number,
): Result<readonly ListedDecision[], Refusal> {
  const about = ip === '' ? undefined : parsePrefix(ip);
  if (ip !== '' && about === undefined) return err(refused(400, 'That is neither an address nor a range.'));
  const inForce = decisions
    .filter((decision) => decision.type === 'decision-made')
    .filter(({ until, value }) => nowMs < until && (ip === '' || isAround(value, ip)))
    .toSorted((a, b) => b.at - a.at)
    .slice(0, DECISIONS_MAX);
  return ok(inForce.map((decision) => listed(decision, isObserved(decision))));
}

function isAround(value: string, ip: string): boolean {
  const one = parsePrefix(value);
  const other = parsePrefix(ip);
  if (one === undefined || other === undefined || one.family !== other.family) return false;
  return one.first <= other.last && other.first <= one.last;
}

function listed(decision: DecisionMade, observed: boolean | null): ListedDecision {
  const { id, scope, value, roles, action, level, scenario, origin, at, until, reason, by } = decision;
  const all = { id, scope, value, roles, action, level, scenario, origin, at, until, reason, observed };
  return by === undefined ? all : { ...all, by };
}
