import type { BlocklistEntry } from '../../blocklist/entry.ts';
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

/** By its flag, not by its class: a trusted network may be on the never-list too. An authenticated source is not its address. */
const concerned: readonly SourceClass[] = ['stranger', 'with-history', 'provider', 'trusted-network', 'certificate'];

/** Judged by the admission, from the blocklist. */
export const sourceBlocked: RuleDescription = {
  id: 'source.blocked',
  stage: 'connect',
  concerns: concerned,
  summary: 'A decision is in force against the source: refused at the greeting, deferred, or dropped without a word.',
  answers: [refused, deferred],
};

/** What a decision in force does to a connection; a `slow` one lets it in. */
export function blockedBy(entry: BlocklistEntry, facts: RefusalFacts): Objection | undefined {
  switch (entry.action) {
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
