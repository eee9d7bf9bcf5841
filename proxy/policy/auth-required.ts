import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { untrusted } from './source-class.ts';

const authFirst: Answer = { action: 'refuse', code: 530, enhanced: '5.7.0', reason: 'authentication required' };

/** RFC 6409 section 4.3: who submits mail is known. */
export const authRequired: Rule<'mail'> = {
  id: 'auth.required',
  stage: 'mail',
  concerns: untrusted,
  summary: 'MAIL without AUTH on a listener that requires it.',
  answers: [authFirst],
  check: (facts) =>
    facts.settings.listener.authRequired && !facts.authenticated ? found('auth.required', authFirst, facts) : undefined,
};
