import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine (RFC 4954). */
export const deadlineSasl = outsideRule({
  id: 'deadline.sasl',
  stage: 'any',
  concerns: everyone,
  summary: 'The client does not send its part of an AUTH exchange in time.',
  answer: { action: 'close', code: 421, enhanced: '4.4.2', reason: 'no response in time' },
});
