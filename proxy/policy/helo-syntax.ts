import { isHostName } from '../host-name.ts';
import { parseDomain } from '../path.ts';
import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { untrusted } from './source-class.ts';

const malformed: Answer = {
  action: 'refuse',
  code: 501,
  enhanced: '5.5.4',
  reason: 'the name in EHLO is neither a domain nor an address literal',
};

/** RFC 5321 section 4.1.1.1. The programs of users name themselves as they like, so that only other servers are judged. */
export const heloSyntax: Rule<'helo'> = {
  id: 'helo.syntax',
  stage: 'helo',
  concerns: untrusted,
  summary: 'On mx, the name in EHLO or HELO is neither a domain name nor an address literal.',
  answers: [malformed],
  check(facts) {
    if (facts.role !== 'mx') return undefined;
    const domain = parseDomain(facts.name);
    const isGood = domain?.kind === 'literal' || (domain?.ascii !== undefined && isHostName(domain.ascii));
    return isGood ? undefined : found('helo.syntax', malformed, facts);
  },
};
