import type { RuleDescription } from './rule.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine. Nothing may be said before the header. */
export const deadlineProxyHeader: RuleDescription = {
  id: 'deadline.proxy-header',
  stage: 'any',
  concerns: everyone,
  summary: 'A balancer does not send its PROXY header in time, or sends something else.',
  answers: [],
};
