import type { BlocklistEntry } from '../../blocklist/entry.ts';
import type { OwnReply } from '../reply.ts';
import type { SessionSettings } from '../settings.ts';
import type { Objection } from './judgement.ts';
import { found, type RefusalFacts } from './refusal.ts';
import type { Answer, RuleDescription, SourceClass } from './rule.ts';

const refused: Answer = { action: 'refuse', code: 554, enhanced: '5.7.1', reason: 'your address is blocked' };
const deferred: Answer = {
  action: 'close',
  code: 421,
  enhanced: '4.7.0',
  reason: 'your address is blocked for a while, try again later',
};

/** To a forward-path of a mail transaction that began before the decision, and may end. */
const deferredForwardPath: Answer = { ...deferred, action: 'defer', code: 451 };

/** By its flag, not by its class: a trusted network may be on the never-list too. An authenticated source is not its address. */
const concerned: readonly SourceClass[] = ['stranger', 'with-history', 'provider', 'trusted-network', 'certificate'];

/** Judged by the admission, from the blocklist. */
export const sourceBlocked: RuleDescription = {
  id: 'source.blocked',
  stage: 'connect',
  concerns: concerned,
  summary:
    'A decision is in force against the source: slowed down, deferred, refused at the greeting, or dropped without a word. A live session ends after its mail transaction.',
  answers: [refused, deferred, deferredForwardPath],
};

/** What a decision in force does to a connection; a `slow` one lets it in. */
export function blockedBy(entry: BlocklistEntry, facts: RefusalFacts): Objection | undefined {
  switch (entry.action) {
    case 'allow':
    case 'slow':
      return undefined;
    case 'defer':
      return found(sourceBlocked.id, deferred, facts);
    case 'refuse':
      return found(sourceBlocked.id, refused, facts);
    case 'drop':
      return { ...found(sourceBlocked.id, deferred, facts), silent: true };
  }
}

/** What a decision in force does to a session that lives. */
export interface Restraint {
  /** Each command waits so long before it is looked at, milliseconds; 0: none does. */
  readonly slowMs: number;
  /** The session ends with this reply once its mail transaction is over; undefined: it may go on. */
  readonly ending: OwnReply | undefined;
  /** Answers a further forward-path until then. */
  readonly forwardPath: OwnReply | undefined;
  /** It holds for an authenticated session too. */
  readonly byOperator: boolean;
}

/** Nothing is in force. */
export const unrestrained: Restraint = { slowMs: 0, ending: undefined, forwardPath: undefined, byOperator: false };

/** What an entry does to a session that lives; observed ones do nothing. */
export function restraintBy(entry: BlocklistEntry | undefined, facts: RestraintFacts): Restraint {
  if (entry === undefined || entry.observed || entry.action === 'allow') return unrestrained;
  const byOperator = entry.origin === 'operator';
  if (entry.action === 'slow') return { ...unrestrained, slowMs: facts.settings.limits.slowDelayMs, byOperator };
  return {
    slowMs: 0,
    ending: found(sourceBlocked.id, deferred, facts).reply,
    forwardPath: found(sourceBlocked.id, deferredForwardPath, facts).reply,
    byOperator,
  };
}

interface RestraintFacts extends RefusalFacts {
  readonly settings: Pick<SessionSettings, 'contact' | 'limits'>;
}
