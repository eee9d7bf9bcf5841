import { outsideRule } from './refusal.ts';
import { untrusted } from './source-class.ts';

/** Judged by the admission, from the table of sources. Networks of ours open as many connections as they need. */
export const limitsPerSource = outsideRule({
  id: 'limits.per-source',
  stage: 'connect',
  concerns: untrusted,
  summary: 'The source (an IPv4 address or an IPv6 /64) has as many connections open as it may have.',
  answer: {
    action: 'close',
    code: 421,
    enhanced: '4.7.0',
    reason: 'too many connections from your address, try again later',
  },
});
