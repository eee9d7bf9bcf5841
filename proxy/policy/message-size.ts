import { found } from './refusal.ts';
import type { Answer, Finding, Rule, RuleDescription, SourceFacts } from './rule.ts';
import { everyone } from './source-class.ts';

const tooBig: Answer = { action: 'refuse', code: 552, enhanced: '5.3.4', reason: 'message too big' };

const description = {
  id: 'message.size',
  concerns: everyone,
  answers: [tooBig],
} as const satisfies Partial<RuleDescription>;

const check = (facts: SourceFacts, octets: number): Finding | undefined =>
  octets > facts.settings.limits.messageOctetsMax ? found(description.id, tooBig, facts) : undefined;

/** RFC 1870 section 6.1: what is declared too big need not be sent. */
export const messageSizeDeclared: Rule<'mail'> = {
  ...description,
  stage: 'mail',
  summary: 'MAIL declares a SIZE above the limit.',
  check: (facts) => check(facts, facts.declaredOctets ?? 0),
};

/** RFC 1870 section 6.3. */
export const messageSize: Rule<'data'> = {
  ...description,
  stage: 'data',
  summary: 'The body is longer than the limit, whatever MAIL declared.',
  check: (facts) => check(facts, facts.octets),
};
