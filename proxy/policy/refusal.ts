import { type OwnReply, ownReply } from '../reply.ts';
import type { RuleId, SessionSettings } from '../settings.ts';
import type { Answer, Finding, OutsideRule } from './rule.ts';

/** Longest contact kept in a refusal: a forward-path (RFC 5321 section 4.5.3.1.3) without its brackets. */
export const CONTACT_LENGTH_MAX = 254;
/** Longest reason kept in a refusal; with it the whole line stays below the 512 octets of RFC 5321 section 4.5.3.1.5. */
export const REASON_LENGTH_MAX = 120;

/** What a refusal is made of. */
export interface Refusal {
  readonly code: number;
  readonly enhanced: string;
  readonly reason: string;
  readonly rule: RuleId;
  /** Whom to ask, as the configuration says it. */
  readonly contact: string;
  /** Finds the session again. */
  readonly reference: string;
}

/**
 * The one form of a refusal: `Refused: <reason>, contact <contact> [<rule> <reference>]`. Reason and contact are cut so that
 * the reference always arrives whole.
 */
export function refusal({ code, enhanced, reason, rule, contact, reference }: Refusal): OwnReply {
  const why = reason.slice(0, REASON_LENGTH_MAX);
  const whom = contact.slice(0, CONTACT_LENGTH_MAX);
  return ownReply(code, enhanced, `Refused: ${why}, contact ${whom} [${rule} ${reference}]`);
}

/** What names the session in a refusal. */
export interface RefusalFacts {
  readonly settings: Pick<SessionSettings, 'contact'>;
  readonly reference: string;
}

/** The finding of a rule that gives this answer. */
export const found = (rule: RuleId, answer: Answer, facts: RefusalFacts): Exclude<Finding, 'unavailable'> => ({
  action: answer.action,
  reply: replyOf(rule, answer, facts),
});

const replyOf = (rule: RuleId, { code, enhanced, reason }: Answer, facts: RefusalFacts): OwnReply =>
  refusal({ code, enhanced, reason, rule, contact: facts.settings.contact, reference: facts.reference });

/** The answer where a rule could not know and its stage defers. */
export const cannotKnow: Answer = {
  action: 'defer',
  code: 451,
  enhanced: '4.7.1',
  reason: 'cannot be checked at the moment, try again later',
};

/** What an outside rule says of itself; its reply is that of its one answer. */
type OutsideDescription = Omit<OutsideRule, 'answers' | 'reply'> & { readonly answer: Answer };

/** A rule that is found out elsewhere and gives one answer. */
export const outsideRule = ({ answer, ...description }: OutsideDescription): OutsideRule => ({
  ...description,
  answers: [answer],
  reply: (settings, reference) => replyOf(description.id, answer, { settings, reference }),
});
