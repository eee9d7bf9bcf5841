import { crossesTlsEnd } from '../sasl.ts';
import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { everyone } from './source-class.ts';

const notAllowed: Answer = { action: 'refuse', code: 504, enhanced: '5.5.4', reason: 'mechanism not available' };

/** What the server behind does not offer is refused by the session machine in the same way (RFC 4954 section 4). */
export const authMechanism: Rule<'auth'> = {
  id: 'auth.mechanism',
  stage: 'auth',
  concerns: everyone,
  summary:
    'The mechanism is not allowed by the configuration, or cannot work where TLS ends before the server (EXTERNAL, DIGEST-MD5, channel binding).',
  answers: [notAllowed],
  check(facts) {
    const { mechanism, settings } = facts;
    const isAllowed = crossesTlsEnd(mechanism) && (settings.authMechanisms?.includes(mechanism) ?? true);
    return isAllowed ? undefined : found('auth.mechanism', notAllowed, facts);
  },
};
