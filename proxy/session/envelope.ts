import { MAIL_DOMAINS_MAX } from '../../events/event.ts';
import { type Command, hasNonAscii, serialiseCommand } from '../command.ts';
import { checkParameters, declaredSize } from '../parameters.ts';
import type { ForwardPath, ReversePath } from '../path.ts';
import { evaluate } from '../policy/evaluate.ts';
import { sourceBlocked } from '../policy/source-blocked.ts';
import { mayRelay } from '../policy/source-class.ts';
import type { OwnReply, UpstreamReply } from '../reply.ts';
import type { Verdict } from '../verdict.ts';
import { closeSession, enterCommand } from './closing.ts';
import { OWN_REPLIES } from './own-replies.ts';
import { sourceFacts } from './source-facts.ts';
import { field, type Turn } from './turn.ts';

type Mail = Extract<Command, { verb: 'MAIL' }>;
type Rcpt = Extract<Command, { verb: 'RCPT' }>;

/** MAIL (RFC 5321 section 4.1.1.2). */
export function onMail(turn: Turn, command: Mail): void {
  const { draft } = turn;
  if (draft.helo === undefined) return refuse(turn, OWN_REPLIES.sendHello, 'protocol.sequence');
  if (draft.transaction !== undefined) return refuse(turn, OWN_REPLIES.nestedMail, 'protocol.sequence');
  const fault = checkParameters('MAIL', command.parameters, draft.offer.keywords);
  if (fault !== undefined) return refuse(turn, fault.reply, 'protocol.parameter');
  if (hasNonAscii(command.reversePath) && !wantsUtf8(command))
    return refuse(turn, OWN_REPLIES.utf8ReversePath, 'protocol.utf8');
  const verdict = evaluate(
    'mail',
    { ...sourceFacts(turn), reversePath: command.reversePath, declaredOctets: declaredSize(command.parameters) },
    turn.lists,
  );
  if (verdict.action !== 'accept') return refuseByRule(turn, verdict);
  turn.observe(verdict.observed);
  forwardFresh(turn, command, 'mail');
}

const wantsUtf8 = (command: Mail): boolean =>
  command.parameters.some(({ keyword }) => keyword.toUpperCase() === 'SMTPUTF8');

/** Forwards MAIL or AUTH; a transaction that only the server behind still has is cleared first. */
export function forwardFresh(turn: Turn, command: Command, awaited: 'mail' | 'auth'): void {
  const { deadlines } = turn.settings;
  turn.awaitUpstream();
  if (turn.draft.upstreamDirty) {
    turn.sendUpstream('silent-rset', serialiseCommand({ verb: 'RSET' }), deadlines.upstreamRsetMs);
  } else turn.sendUpstream(awaited, serialiseCommand(command), deadlines.upstreamReplyMs);
}

/** The reply to our own RSET: the client's command goes out now. */
export function onSilentRset(turn: Turn, reply: UpstreamReply): void {
  const { draft } = turn;
  const command = draft.pending?.command;
  if (reply.code >= 300 || command === undefined) {
    turn.answerOwn(OWN_REPLIES.upstreamNonsense, { action: 'defer', rule: 'protocol.upstream-fault' });
    closeSession(turn, { closedBy: 'upstream' });
    return;
  }
  draft.upstreamDirty = false;
  forwardFresh(turn, command, command.verb === 'AUTH' ? 'auth' : 'mail');
}

export function onMailReply(turn: Turn, reply: UpstreamReply): void {
  const { draft } = turn;
  const command = draft.pending?.command;
  if (reply.code < 300 && command?.verb === 'MAIL') {
    noteSender(turn, command.reversePath);
    draft.transactionCount += 1;
    draft.transaction = {
      number: draft.transactionCount,
      reversePath: command.reversePath,
      smtputf8: wantsUtf8(command),
      binaryMime: command.parameters.some(
        ({ keyword, value }) => keyword.toUpperCase() === 'BODY' && value?.toUpperCase() === 'BINARYMIME',
      ),
      startedUs: draft.pending?.startedUs ?? turn.now.monotonicUs,
      acceptedCount: 0,
      refusedCount: 0,
      domains: [],
      octets: 0,
      chunked: false,
      bareLineFeedNoted: false,
    };
  } else noteRefusal(turn);
  turn.answerUpstream(reply);
  enterCommand(turn);
}

/** Who may send mail anywhere sends some in the name of a domain of ours. */
function noteSender(turn: Turn, reversePath: ReversePath): void {
  if (!mayRelay.includes(turn.draft.sourceClass) || reversePath.kind === 'null') return;
  const { localPart, domain } = reversePath;
  if (domain.kind === 'literal' || domain.ascii === undefined || turn.lists.isOwnDomain(domain.ascii) !== true) return;
  turn.effect({ kind: 'sender-seen', localPart, asciiDomain: domain.ascii });
}

/** RCPT (RFC 5321 section 4.1.1.3). */
export function onRcpt(turn: Turn, command: Rcpt): void {
  const { draft } = turn;
  const { transaction } = draft;
  if (draft.helo === undefined) return refuse(turn, OWN_REPLIES.sendHello, 'protocol.sequence');
  if (transaction === undefined || transaction.chunked) return refuse(turn, OWN_REPLIES.mailFirst, 'protocol.sequence');
  const fault = checkParameters('RCPT', command.parameters, draft.offer.keywords);
  if (fault !== undefined) return refuseForwardPath(turn, () => refuse(turn, fault.reply, 'protocol.parameter'));
  if (hasNonAscii(command.forwardPath) && !transaction.smtputf8)
    return refuseForwardPath(turn, () => refuse(turn, OWN_REPLIES.utf8ForwardPath, 'protocol.utf8'));
  const verdict = evaluate(
    'rcpt',
    {
      ...sourceFacts(turn),
      reversePath: transaction.reversePath,
      forwardPath: command.forwardPath,
      acceptedCount: transaction.acceptedCount,
    },
    turn.lists,
  );
  if (verdict.action !== 'accept') return refuseForwardPath(turn, () => refuseByRule(turn, verdict));
  const blocked = draft.restraint.forwardPath;
  if (blocked !== undefined) return refuseForwardPath(turn, () => refuse(turn, blocked, sourceBlocked.id));
  turn.observe(verdict.observed);
  turn.awaitUpstream();
  turn.sendUpstream('rcpt', serialiseCommand(command), turn.settings.deadlines.upstreamReplyMs);
}

function refuseForwardPath(turn: Turn, refuseIt: () => void): void {
  countForwardPath(turn, undefined);
  noteRefusal(turn);
  refuseIt();
}

/** `accepted`: the forward-path the server behind took; undefined counts a refused one. */
function countForwardPath(turn: Turn, accepted: ForwardPath | undefined): void {
  const { draft } = turn;
  const { transaction } = draft;
  if (transaction === undefined) return;
  if (accepted === undefined) {
    draft.transaction = { ...transaction, refusedCount: transaction.refusedCount + 1 };
    return;
  }
  const domain = accepted.kind === 'mailbox' ? field(accepted.domain.text.toLowerCase()) : '';
  const known = domain === '' || transaction.domains.includes(domain) || transaction.domains.length >= MAIL_DOMAINS_MAX;
  draft.transaction = {
    ...transaction,
    acceptedCount: transaction.acceptedCount + 1,
    domains: known ? transaction.domains : [...transaction.domains, domain],
  };
}

export function onRcptReply(turn: Turn, reply: UpstreamReply): void {
  const command = turn.draft.pending?.command;
  if (reply.code < 300 && command?.verb === 'RCPT') countForwardPath(turn, command.forwardPath);
  else {
    countForwardPath(turn, undefined);
    noteRefusal(turn);
  }
  turn.answerUpstream(reply);
  enterCommand(turn);
}

/** A session in which nothing was delivered but something refused is `rejected`. */
export function noteRefusal(turn: Turn): void {
  if (turn.draft.outcome === 'none') turn.draft.outcome = 'rejected';
}

export function refuse(turn: Turn, reply: OwnReply, rule: string): void {
  turn.answerOwn(reply, { action: reply.code < 500 ? 'defer' : 'refuse', rule });
  enterCommand(turn);
}

export function refuseByRule(turn: Turn, verdict: Exclude<Verdict, { action: 'accept' }>): void {
  noteRefusal(turn);
  turn.answerOwn(
    verdict.reply,
    { action: verdict.action, rule: verdict.rule },
    { observed: verdict.observed, nearMiss: verdict.nearMiss },
  );
  if (verdict.action === 'close') closeSession(turn, { closedBy: 'gate', rule: verdict.rule });
  else enterCommand(turn);
}
