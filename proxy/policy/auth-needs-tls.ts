import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { everyone } from './source-class.ts';

const startTls: Answer = { action: 'refuse', code: 530, enhanced: '5.7.0', reason: 'issue STARTTLS before AUTH' };
/** RFC 4954 section 6. */
const noTlsHere: Answer = {
  action: 'refuse',
  code: 538,
  enhanced: '5.7.11',
  reason: 'AUTH needs TLS, use another port',
};

/** No password crosses the net in clear, whoever asks. */
export const authNeedsTls: Rule<'auth'> = {
  id: 'auth.needs-tls',
  stage: 'auth',
  concerns: everyone,
  summary: 'AUTH without TLS; 538 where the listener cannot start TLS. AUTH is not offered without TLS either.',
  answers: [startTls, noTlsHere],
  check(facts) {
    if (facts.tls) return undefined;
    return found('auth.needs-tls', facts.settings.listener.tls === 'starttls' ? startTls : noTlsHere, facts);
  },
};
