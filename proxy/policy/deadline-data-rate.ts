import { outsideRule } from './refusal.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine. Time in which the server behind does not read is not the client's. */
export const deadlineDataRate = outsideRule({
  id: 'deadline.data-rate',
  stage: 'any',
  concerns: everyone,
  summary: 'A body arrives slower than it may after a time of grace.',
  answer: { action: 'close', code: 421, enhanced: '4.4.2', reason: 'message too slow' },
});
