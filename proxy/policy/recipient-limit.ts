import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { everyone } from './source-class.ts';

const tooMany: Answer = { action: 'defer', code: 452, enhanced: '4.5.3', reason: 'too many recipients' };

/** RFC 5321 section 4.5.3.1.10: the client sends to those accepted and begins another transaction for the rest. */
export const recipientLimit: Rule<'rcpt'> = {
  id: 'recipient.limit',
  stage: 'rcpt',
  concerns: everyone,
  summary: 'The mail transaction has as many accepted forward-paths as it may have.',
  answers: [tooMany],
  check: (facts) =>
    facts.acceptedCount >= facts.settings.limits.forwardPathsMax ? found('recipient.limit', tooMany, facts) : undefined,
};
