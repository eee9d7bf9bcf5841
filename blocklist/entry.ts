import type { DecisionMade, DecisionOrigin } from '../events/decision.ts';
import type { Role } from '../events/event.ts';

/** What a decision does to a source, mildest first. */
export const blocklistActions = ['slow', 'defer', 'refuse', 'drop'] as const;
export type BlocklistAction = (typeof blocklistActions)[number];

/** A decision in force about addresses, without the account of it: that lies in the log. */
export interface BlocklistEntry {
  /** Id of the decision. */
  readonly id: string;
  readonly scope: 'ip' | 'range';
  /** An address or a range, canonical. */
  readonly value: string;
  /** `allow`: no decision holds for it, whoever makes one. */
  readonly action: BlocklistAction | 'allow';
  /** When it was made, milliseconds since 1970-01-01 UTC. */
  readonly madeMs: number;
  /** End, integer milliseconds since 1970-01-01 UTC; at this moment it is over. */
  readonly untilMs: number;
  /** The detector, or how an operator came to it. */
  readonly scenario: string;
  readonly origin: DecisionOrigin;
  /** Rung of the ladder. */
  readonly level: number;
  /** Listeners it holds for. */
  readonly roles: readonly Role[];
  /** It only observes: recorded, never acted on. */
  readonly observed: boolean;
  /** A breaker made it milder than it was decided. */
  readonly held?: boolean;
}

/** An entry of a decision about addresses; undefined for one about anything else. */
export function entryOf(decision: DecisionMade, observed: boolean): BlocklistEntry | undefined {
  const { action } = decision;
  if (decision.scope !== 'ip' && decision.scope !== 'range') return undefined;
  if (action === 'verify-bounces' || action === 'stress') return undefined;
  return {
    id: decision.id,
    scope: decision.scope,
    value: decision.value,
    action,
    madeMs: decision.at,
    untilMs: decision.until,
    scenario: decision.scenario,
    origin: decision.origin,
    level: decision.level,
    roles: decision.roles,
    observed,
  };
}

/** The stronger of two first; of equals the one that ends later. */
export const strongestFirst = (a: BlocklistEntry, b: BlocklistEntry): number =>
  strength(b) - strength(a) || b.untilMs - a.untilMs;

/** `allow` is stronger than anything. */
const strength = ({ action }: BlocklistEntry): number =>
  action === 'allow' ? blocklistActions.length : blocklistActions.indexOf(action);
