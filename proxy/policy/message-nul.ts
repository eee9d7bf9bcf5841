import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Found by the body scanner: old servers keep lines as C strings. */
export const messageNul = outsideRule({
  id: 'message.nul',
  stage: 'data',
  concerns: everyone,
  summary: 'The body has a NUL.',
  answer: { action: 'refuse', code: 554, enhanced: '5.6.0', reason: 'NUL in the message not allowed' },
});
