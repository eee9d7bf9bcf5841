import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine (RFC 5321 section 4.5.3.2.7). */
export const deadlineCommand = outsideRule({
  id: 'deadline.command',
  stage: 'any',
  concerns: everyone,
  summary: 'The client sends no command in time.',
  answer: { action: 'close', code: 421, enhanced: '4.4.2', reason: 'no command in time' },
});
