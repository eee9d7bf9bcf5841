import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Counted by the session machine. */
export const junkLimit = outsideRule({
  id: 'junk.limit',
  stage: 'any',
  concerns: everyone,
  summary: 'Too many commands that move no mail: beyond the limit each counts as an error.',
  answer: { action: 'close', code: 421, enhanced: '4.7.0', reason: 'too many commands that move no mail' },
});
