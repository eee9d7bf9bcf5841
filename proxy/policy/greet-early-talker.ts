import { outsideRule } from './refusal.ts';
import { untrusted } from './source-class.ts';

/** Found by the session machine while the greeting is held or the server behind is dialled (RFC 5321 section 4.3.1). */
export const greetEarlyTalker = outsideRule({
  id: 'greet.early-talker',
  stage: 'connect',
  concerns: untrusted,
  summary: 'The client speaks before it is greeted.',
  answer: { action: 'close', code: 554, enhanced: '5.5.0', reason: 'client spoke before the greeting' },
});
