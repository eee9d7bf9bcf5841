import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Judged by the admission, from the table of sources. */
export const limitsTotal = outsideRule({
  id: 'limits.total',
  stage: 'connect',
  concerns: everyone,
  summary:
    'The gate has as many connections open as it may have. Strangers have to leave `limits.reservedShare` of them to others.',
  answer: { action: 'close', code: 421, enhanced: '4.7.0', reason: 'too many connections, try again later' },
});
