import { upperAscii } from '../../lib/ascii.ts';
import type { ForwardPath } from '../path.ts';
import { found } from './refusal.ts';
import type { Answer, Rule, SourceClass } from './rule.ts';

const forged: Answer = {
  action: 'refuse',
  code: 550,
  enhanced: '5.7.1',
  reason: 'no mail with this reverse-path was sent, it was forged',
};
const doubtful: Answer = {
  action: 'defer',
  code: 451,
  enhanced: '4.7.1',
  reason: 'no mail with this reverse-path is known here, try again later',
};

/** A decision stands behind the rule, and no decision touches never-listed networks. */
const concerned: readonly SourceClass[] = ['stranger', 'with-history', 'provider'];

/** RFC 5321 section 4.5.1, RFC 2142 section 4: they must be reachable, whatever happens. */
const alwaysReachable: ReadonlySet<string> = new Set(['POSTMASTER', 'ABUSE']);
/** Reverse-paths that carry a proof of their own (BATV, SRS), which the server behind can check. */
const carriesProof = /^(?:prvs=|btv1==|srs[01][=+-])/i;

/**
 * While a domain of ours is flooded with bounces of mail that others forged in its name, a bounce has to be about mail that was
 * sent: its forward-path must be a reverse-path that went out. Where that cannot be known for certain the bounce waits instead
 * of being lost: its sender tries again for days, and the flood is over by then.
 */
export const bounceUnverified: Rule<'rcpt'> = {
  id: 'bounce.unverified',
  stage: 'rcpt',
  concerns: concerned,
  summary:
    'A null reverse-path to an address that sent no mail through the gate within 30 days, while a decision of `bounce-flood` is in force for its domain. Deferred; refused where `policy.outgoingSeen` says that all outgoing mail passes the gate, and it has watched for a week. Never for postmaster, abuse, and addresses with a BATV or SRS tag.',
  answers: [doubtful, forged],
  check(facts, lists) {
    const { reversePath, forwardPath, wallMs, settings } = facts;
    if (reversePath.kind !== 'null' || !isChecked(forwardPath)) return undefined;
    const { domain, localPart } = forwardPath;
    if (domain.kind === 'literal' || domain.ascii === undefined) return undefined;
    const scrutiny = lists.bounceScrutiny(domain.ascii, wallMs);
    if (scrutiny === undefined) return undefined;
    const hasSent = lists.hasSent(localPart, domain.ascii, wallMs);
    if (hasSent === true) return undefined;
    const isCertain = hasSent === false && settings.outgoingSeen;
    const finding = found('bounce.unverified', isCertain ? forged : doubtful, facts);
    return scrutiny === 'observe' ? { ...finding, observed: true } : finding;
  },
};

const isChecked = (path: ForwardPath): path is Extract<ForwardPath, { kind: 'mailbox' }> =>
  path.kind === 'mailbox' && !alwaysReachable.has(upperAscii(path.localPart)) && !carriesProof.test(path.localPart);
