import { upperAscii } from '../../lib/ascii.ts';
import { forwardPathKey } from '../recipient-memory.ts';
import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { everyone } from './source-class.ts';

const unknown: Answer = { action: 'refuse', code: 550, enhanced: '5.1.1', reason: 'no such address here' };

/**
 * By the list of known addresses where the domain has one; else what the server behind said to the same source a moment ago.
 * The postmaster of each of our domains is always known (RFC 5321 section 4.5.1).
 */
export const recipientUnknown: Rule<'rcpt'> = {
  id: 'recipient.unknown',
  stage: 'rcpt',
  concerns: everyone,
  summary:
    'The address is in a domain of ours and not on its list of known addresses, or the server behind refused it to the same source within the last minute (then with the reply of the server).',
  answers: [unknown],
  check(facts, lists) {
    const { forwardPath, ip, wallMs } = facts;
    if (forwardPath.kind === 'postmaster' || upperAscii(forwardPath.localPart) === 'POSTMASTER') return undefined;
    const { domain, localPart } = forwardPath;
    if (domain.kind === 'literal' || domain.ascii === undefined) return undefined;
    if (lists.isOwnDomain(domain.ascii) !== true) return undefined;
    const known = lists.isKnownRecipient(localPart, domain.ascii);
    if (known === false) {
      return { ...found('recipient.unknown', unknown, facts), nearMiss: lists.isNearMiss(localPart, domain.ascii) };
    }
    const key = forwardPathKey(forwardPath);
    const reply = key === undefined ? undefined : lists.refusedRecently(ip, key, wallMs);
    if (reply !== undefined) return { action: 'refuse', reply };
    return known === 'unavailable' ? 'unavailable' : undefined;
  },
};
