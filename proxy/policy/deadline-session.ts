import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine. */
export const deadlineSession = outsideRule({
  id: 'deadline.session',
  stage: 'any',
  concerns: everyone,
  summary: 'The session lasts longer than it may.',
  answer: { action: 'close', code: 421, enhanced: '4.4.2', reason: 'session too long' },
});
