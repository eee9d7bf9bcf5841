import type { RuleDescription } from './rule.ts';
import { everyone } from './source-class.ts';

/** Kept by the session machine. There is no protocol to say anything in. */
export const deadlineTls: RuleDescription = {
  id: 'deadline.tls',
  stage: 'any',
  concerns: everyone,
  summary: 'The client does not finish its TLS handshake in time.',
  answers: [],
};
