import type { Domain } from '../path.ts';
import { cannotKnow, found } from './refusal.ts';
import type { Answer, Lists, Rule } from './rule.ts';
import { untrusted } from './source-class.ts';

const foreignDomain: Answer = { action: 'refuse', code: 554, enhanced: '5.7.1', reason: 'relaying not allowed' };
/** RFC 5321 section 3.6.2: 550 to who asks for a relay on the way. */
const foreignHop: Answer = { action: 'refuse', code: 550, enhanced: '5.7.1', reason: 'source route not allowed' };

/**
 * Relay control. It looks at domains only, by their canonical form, every hop of a source route included; what the local part
 * may hide is for `relay.routing`. While the list of our domains is unknown everything is deferred, whatever the
 * configuration says of lists that cannot be had: never an open relay, and never a 5xx to mail that may be ours.
 */
export const relayDenied: Rule<'rcpt'> = {
  id: 'relay.denied',
  stage: 'rcpt',
  concerns: untrusted,
  summary:
    'The domain of the forward-path, or a hop of its source route, is none of ours. While our domains are unknown: 451.',
  answers: [foreignDomain, foreignHop, cannotKnow],
  check(facts, lists) {
    const { forwardPath } = facts;
    // RFC 5321 section 4.5.1: the postmaster without a domain is ours.
    if (forwardPath.kind === 'postmaster') return undefined;
    const domain = isOurs(forwardPath.domain, lists);
    if (domain === false) return found('relay.denied', foreignDomain, facts);
    const hops = forwardPath.sourceRoute.map((hop) => isOurs(hop, lists));
    if (hops.includes(false)) return found('relay.denied', foreignHop, facts);
    const isKnown = domain === true && !hops.includes('unavailable');
    return isKnown ? undefined : found('relay.denied', cannotKnow, facts);
  },
};

/** A name without a canonical form is nobody's. */
function isOurs(domain: Domain, lists: Lists): boolean | 'unavailable' {
  if (domain.kind === 'literal') return lists.isOwnAddress(domain.address);
  return domain.ascii === undefined ? false : lists.isOwnDomain(domain.ascii);
}
