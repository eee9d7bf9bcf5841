import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Counted by the session machine (RFC 5321 section 7.8). */
export const errorsLimit = outsideRule({
  id: 'errors.limit',
  stage: 'any',
  concerns: everyone,
  summary: 'Too many commands of the session were answered with 5xx since mail was last accepted.',
  answer: { action: 'close', code: 421, enhanced: '4.7.0', reason: 'too many errors' },
});
