import { assert } from '../../lib/assert.ts';
import type { BodyFault } from '../client-unit.ts';
import { serialiseCommand } from '../command.ts';
import { evaluate } from '../policy/evaluate.ts';
import { messageBareLineEnding } from '../policy/message-bare-line-ending.ts';
import { messageNul } from '../policy/message-nul.ts';
import type { UpstreamReply } from '../reply.ts';
import {
  abandonTransaction,
  answerFinally,
  countOctets,
  giveUp,
  judgeBody,
  newBody,
  noteBodyEnd,
  receivedOctets,
} from './body.ts';
import { abortUpstream, endTransaction, endTruncated, enterCommand } from './closing.ts';
import { refuse, refuseByRule } from './envelope.ts';
import { OWN_REPLIES } from './own-replies.ts';
import { sourceFacts } from './source-facts.ts';
import type { Turn } from './turn.ts';

/** The dot and its line end, which are not of the body. */
const DOT_LINE_OCTETS = 3;

/** DATA (RFC 5321 section 4.1.1.4). The 354 is always the server's own. */
export function onData(turn: Turn): void {
  const { draft, settings } = turn;
  const { transaction } = draft;
  if (draft.helo === undefined) return refuse(turn, OWN_REPLIES.sendHello, 'protocol.sequence');
  if (transaction === undefined) return refuse(turn, OWN_REPLIES.mailFirst, 'protocol.sequence');
  if (transaction.chunked) return refuse(turn, OWN_REPLIES.dataAfterBdat, 'protocol.sequence');
  if (transaction.binaryMime) return refuse(turn, OWN_REPLIES.binaryNeedsBdat, 'protocol.sequence');
  if (transaction.acceptedCount === 0) {
    abandonTransaction(turn);
    return refuse(turn, OWN_REPLIES.noValidRecipients, 'protocol.sequence');
  }
  const verdict = evaluate('data', { ...sourceFacts(turn), octets: 0 }, turn.lists);
  if (verdict.action !== 'accept') {
    abandonTransaction(turn);
    return refuseByRule(turn, verdict);
  }
  turn.observe(verdict.observed);
  // The client must wait for the reply (RFC 2920 section 3.1): what comes before it is neither commands nor a body.
  turn.enter('awaiting', { kind: 'silent' });
  turn.sendUpstream('data', serialiseCommand({ verb: 'DATA' }), settings.deadlines.upstreamDataMs);
}

/** The reply of the server behind to DATA. */
export function onDataReply(turn: Turn, reply: UpstreamReply): void {
  const { draft, settings } = turn;
  if (reply.code >= 400) {
    abandonTransaction(turn);
    turn.answerUpstream(reply);
    enterCommand(turn);
    return;
  }
  turn.writeUpstream(reply);
  draft.body = newBody(turn, { last: true, chunkOctets: 0 });
  turn.effect({ kind: 'begin-digest' });
  const field = receivedOctets(turn);
  if (field.length > 0) turn.effect({ kind: 'body-upstream', chunks: [field], digest: false });
  const allowNul = settings.modes['message.nul'] !== 'enforce';
  const normalise = draft.source.normaliseLineEndings;
  const octetsMax = turn.enforced('message.size') ? settings.limits.messageOctetsMax : Number.MAX_SAFE_INTEGER;
  turn.enter('data', { kind: 'data', allowNul, normalise, octetsMax });
  turn.setTimer('data', settings.deadlines.dataMs);
  if (draft.clientEnded) endTruncated(turn);
}

/** Body octets of DATA. */
export function onDataOctets(turn: Turn, chunks: readonly Uint8Array[], octets: number): void {
  if (!countOctets(turn, octets)) return;
  turn.effect({ kind: 'body-upstream', chunks, digest: true });
  turn.setTimer('data', turn.settings.deadlines.dataMs);
}

/** End of data: the dot is the commit, so the verdict on the body comes before it leaves (RFC 5321 section 4.1.1.4). */
export function onDataEnd(turn: Turn, terminator: Uint8Array): void {
  const { draft, settings } = turn;
  turn.clearTimer('data');
  const verdict = judgeBody(turn);
  if (verdict.action !== 'accept') {
    abortUpstream(turn);
    answerFinally(turn, { reply: verdict.reply, rule: verdict.rule, outcome: 'rejected' });
    return;
  }
  noteBodyEnd(turn);
  turn.awaitUpstream();
  draft.awaited = 'end-of-data';
  turn.setTimer('upstream-reply', settings.deadlines.upstreamEndOfDataMs);
  turn.effect({ kind: 'end-body-upstream', octets: terminator, bodyOctets: terminator.length - DOT_LINE_OCTETS });
}

/** What may not stand in a DATA body, or too much of it: nothing from there on leaves the gate. */
export function onDataViolation(turn: Turn, fault: BodyFault): void {
  if (fault === 'too-large') return onTooLarge(turn);
  turn.anomaly(fault, undefined, 'in the body');
  const rule = fault === 'nul' ? messageNul : messageBareLineEnding;
  giveUp(turn, { reply: rule.reply(turn.settings, turn.draft.reference), rule: rule.id, outcome: 'rejected' });
}

/** Longer than the limit: 552 at the real end (RFC 1870 section 6.3). */
function onTooLarge(turn: Turn): void {
  const octets = turn.settings.limits.messageOctetsMax + 1;
  const verdict = evaluate('data', { ...sourceFacts(turn), octets }, turn.lists);
  assert(verdict.action !== 'accept', 'the limit of the scanner is that of the rule');
  giveUp(turn, { reply: verdict.reply, rule: verdict.rule, outcome: 'rejected' });
}

/** The server's verdict on the whole body: relayed as it is, never made up. */
export function onEndOfDataReply(turn: Turn, reply: UpstreamReply): void {
  const { draft } = turn;
  draft.body = undefined;
  turn.answerUpstream(reply);
  endTransaction(turn, reply.code < 300 ? 'accepted' : 'rejected', reply);
  enterCommand(turn);
}
