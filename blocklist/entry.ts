import type { Role } from '../events/event.ts';
import type { Prefix } from '../lib/ip.ts';

/** What a decision does to a source, mildest first. */
export const blocklistActions = ['slow', 'defer', 'refuse', 'drop'] as const;
export type BlocklistAction = (typeof blocklistActions)[number];

/** A decision in force. */
export interface BlocklistEntry {
  /** Id of the decision. */
  readonly id: string;
  readonly prefix: Prefix;
  readonly action: BlocklistAction;
  /** End, integer milliseconds since 1970-01-01 UTC; at this moment it is over. */
  readonly untilMs: number;
  /** The detector, or how an operator came to it. */
  readonly scenario: string;
  /** Listeners it holds for. */
  readonly roles: readonly Role[];
  /** It only observes: recorded, never acted on. */
  readonly observed: boolean;
}
