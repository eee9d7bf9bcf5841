import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { everyone } from './source-class.ts';

const tooMany: Answer = { action: 'close', code: 421, enhanced: '4.7.0', reason: 'too many failed AUTH attempts' };

/** RFC 4954 section 6 leaves the number to the server. */
export const authAttempts: Rule<'auth'> = {
  id: 'auth.attempts',
  stage: 'auth',
  concerns: everyone,
  summary: 'Another AUTH after as many failed ones as a session may have.',
  answers: [tooMany],
  check: (facts) =>
    facts.attempts >= facts.settings.limits.authAttemptsMax ? found('auth.attempts', tooMany, facts) : undefined,
};
