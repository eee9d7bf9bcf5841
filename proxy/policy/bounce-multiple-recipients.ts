import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { untrusted } from './source-class.ts';

const oneOnly: Answer = {
  action: 'defer',
  code: 452,
  enhanced: '4.5.3',
  reason: 'one recipient at a time for mail with a null reverse-path',
};

/**
 * A notification goes to the one reverse-path of the mail it reports on (RFC 5321 sections 4.5.5 and 6.1), so two recipients
 * point to forged ones. 452 and not 550: a client that has a good reason sends to each by itself (section 4.5.3.1.10), and
 * nothing is lost.
 */
export const bounceMultipleRecipients: Rule<'rcpt'> = {
  id: 'bounce.multiple-recipients',
  stage: 'rcpt',
  concerns: untrusted,
  summary: 'A second forward-path after a null reverse-path.',
  answers: [oneOnly],
  check: (facts) =>
    facts.reversePath.kind === 'null' && facts.acceptedCount > 0
      ? found('bounce.multiple-recipients', oneOnly, facts)
      : undefined,
};
