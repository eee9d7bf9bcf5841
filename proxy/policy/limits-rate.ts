import { outsideRule } from './refusal.ts';
import { untrusted } from './source-class.ts';

/** Judged by the admission, from the table of sources. */
export const limitsRate = outsideRule({
  id: 'limits.rate',
  stage: 'connect',
  concerns: untrusted,
  summary: 'The source opens connections faster than it may.',
  answer: {
    action: 'close',
    code: 421,
    enhanced: '4.7.0',
    reason: 'too many new connections from your address, try again later',
  },
});
