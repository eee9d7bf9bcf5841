import type { RuleDescription } from './rule.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine. A client that reads nothing gets no reply either. */
export const deadlineWrite: RuleDescription = {
  id: 'deadline.write',
  stage: 'any',
  concerns: everyone,
  summary: 'The client does not read its replies.',
  answers: [],
};
