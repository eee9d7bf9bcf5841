import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine (RFC 5321 section 4.5.3.2.5). */
export const deadlineData = outsideRule({
  id: 'deadline.data',
  stage: 'any',
  concerns: everyone,
  summary: 'Nothing more of a body arrives in time.',
  answer: { action: 'close', code: 421, enhanced: '4.4.2', reason: 'message not finished in time' },
});
