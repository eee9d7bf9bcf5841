import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine. Absolute: an octet now and then does not extend it. */
export const deadlineCommandLine = outsideRule({
  id: 'deadline.command-line',
  stage: 'any',
  concerns: everyone,
  summary: 'The client does not finish a command line in time.',
  answer: { action: 'close', code: 421, enhanced: '4.4.2', reason: 'command line not finished in time' },
});
