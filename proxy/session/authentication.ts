import { Buffer } from 'node:buffer';
import type { Command } from '../command.ts';
import { authGuarded } from '../policy/auth-guarded.ts';
import { evaluate } from '../policy/evaluate.ts';
import { unrestrained } from '../policy/source-blocked.ts';
import { sourceClassOf } from '../policy/source-class.ts';
import type { OwnReply, UpstreamReply } from '../reply.ts';
import { type SaslData, serialiseSaslLine } from '../sasl.ts';
import { credentialsOf, SASL_LINES_KEPT_MAX } from '../sasl-credentials.ts';
import { guardAccount, releaseExchange } from './account-guard.ts';
import { abortUpstream, closeSession, enterCommand } from './closing.ts';
import { forwardFresh, refuse, refuseByRule } from './envelope.ts';
import { OWN_REPLIES } from './own-replies.ts';
import { sourceFacts } from './source-facts.ts';
import type { Turn } from './turn.ts';

/** Most rounds of one SASL exchange: far above any mechanism, so that no exchange lasts for ever. */
export const SASL_ROUNDS_MAX = 1000;

/** Mechanisms that may put a security layer on the connection after 235 (RFC 4422 section 3.7). */
const layeredMechanisms: ReadonlySet<string> = new Set(['GSSAPI', 'GSS-SPNEGO', 'NTLM', 'DIGEST-MD5']);

/** The prompt of LOGIN for the account; servers write `Username:`, `User Name` and the like. */
const asksForAccount = ({ lines }: UpstreamReply): boolean =>
  /^user/i.test(Buffer.from(lines[0] ?? '', 'base64').toString('latin1'));

/** AUTH (RFC 4954): the exchange is the client's and the server's; the gate relays its rounds and keeps nothing of them. */
export function onAuth(turn: Turn, command: Extract<Command, { verb: 'AUTH' }>): void {
  const { draft } = turn;
  if (draft.helo?.verb !== 'EHLO') return refuse(turn, OWN_REPLIES.sendHello, 'protocol.sequence');
  if (draft.authenticated) return refuse(turn, OWN_REPLIES.authTwice, 'protocol.sequence');
  if (draft.transaction !== undefined) return refuse(turn, OWN_REPLIES.authInTransaction, 'protocol.sequence');
  const mechanism = command.mechanism.toUpperCase();
  const verdict = evaluate('auth', { ...sourceFacts(turn), mechanism, attempts: draft.authFailures }, turn.lists);
  if (verdict.action !== 'accept') return refuseByRule(turn, verdict);
  turn.observe(verdict.observed);
  if (draft.offer.mechanisms.size === 0) return refuse(turn, OWN_REPLIES.authNotOffered, 'protocol.sequence');
  if (!draft.offer.mechanisms.has(mechanism)) return refuse(turn, OWN_REPLIES.mechanismNotOffered, 'auth.mechanism');
  draft.saslRounds = 0;
  draft.saslLines = command.initialResponse === undefined ? [] : [command.initialResponse];
  draft.isExchangeJudged = false;
  const guard = guardAccount(turn, mechanism, 'command');
  if (guard === 'pass') forwardFresh(turn, command, 'auth');
  else if (guard === 'defer') deferGuarded(turn);
}

/** An exchange that was held goes on, or is deferred after all. */
export function onExchangeReleased(turn: Turn): void {
  releaseExchange(turn, (shownIn) => (shownIn === 'command' ? deferGuarded(turn) : cancel(turn, 'guarded')));
}

/** 454 without the server behind: it counts as a failure of the session, so that nobody asks on and on. */
function deferGuarded(turn: Turn): void {
  turn.draft.authFailures += 1;
  recordAttempt(turn, 'deferred');
  turn.answerOwn(guardedReply(turn), { action: 'defer', rule: authGuarded.id });
  enterCommand(turn);
}

const guardedReply = ({ settings, draft }: Turn): OwnReply => authGuarded.reply(settings, draft.reference);

/** A reply inside the exchange: 334 goes on, anything else ends it. The number of rounds is the server's business. */
export function onAuthReply(turn: Turn, reply: UpstreamReply): void {
  const { draft, settings } = turn;
  if (reply.code === 334) {
    if (mechanismOf(turn) === 'LOGIN' && asksForAccount(reply)) {
      // Whatever was said before was not the account: an empty initial response, mostly.
      draft.saslLines = [];
      draft.isExchangeJudged = false;
    }
    turn.writeUpstream(reply);
    turn.enter('sasl', { kind: 'sasl' });
    turn.setTimer('sasl', settings.deadlines.saslLineMs);
    if (draft.clientEnded) leaveExchange(turn);
    return;
  }
  const mechanism = mechanismOf(turn);
  if (reply.code === 235) {
    draft.authenticated = true;
    if (!draft.restraint.byOperator) draft.restraint = unrestrained;
    draft.sourceClass = sourceClassOf({ ...draft.source, authenticated: true });
    draft.layeredMechanism = layeredMechanisms.has(mechanism);
  } else draft.authFailures += 1;
  recordAttempt(turn, outcomeOf(reply.code), reply.code);
  turn.answerUpstream(reply);
  enterCommand(turn);
}

const outcomeOf = (code: number): 'accepted' | 'refused' | 'deferred' | 'cancelled' =>
  code === 235 ? 'accepted' : code === 501 ? 'cancelled' : code < 500 ? 'deferred' : 'refused';

const mechanismOf = (turn: Turn): string => {
  const command = turn.draft.pending?.command;
  return command?.verb === 'AUTH' ? command.mechanism.toUpperCase() : '?';
};

export function recordAttempt(
  turn: Turn,
  outcome: 'accepted' | 'refused' | 'deferred' | 'cancelled' | 'aborted',
  code?: number,
): void {
  const mechanism = turn.draft.pending?.facts.mechanism ?? '?';
  const credentials = credentialsOf(mechanism, turn.draft.saslLines);
  turn.draft.saslLines = [];
  turn.recordAttempt(
    { type: 'auth-attempt', mechanism, outcome, ...(code === undefined ? {} : { code }) },
    credentials,
  );
}

/** The client left in the middle of the exchange. */
export function leaveExchange(turn: Turn): void {
  recordAttempt(turn, 'aborted');
  abortUpstream(turn);
  closeSession(turn, { closedBy: 'client' });
}

/** One line of the client inside the exchange. */
export function onSaslLine(turn: Turn, data: SaslData): void {
  const { draft } = turn;
  draft.saslRounds += 1;
  if (draft.saslLines.length < SASL_LINES_KEPT_MAX) draft.saslLines = [...draft.saslLines, data];
  if (draft.saslRounds > SASL_ROUNDS_MAX) return cancel(turn, 'overlong');
  const guard = guardAccount(turn, mechanismOf(turn), 'line');
  if (guard === 'defer') return cancel(turn, 'guarded');
  if (guard === 'pass') relay(turn, serialiseSaslLine(data));
}

/** `*` (RFC 4954 section 4): the server behind answers it. */
export function onSaslCancel(turn: Turn): void {
  relay(turn, CANCEL);
}

const CANCEL: Uint8Array = Buffer.from('*\r\n', 'latin1');

function relay(turn: Turn, octets: Uint8Array): void {
  turn.clearTimer('sasl');
  turn.awaitUpstream();
  turn.sendUpstream('auth', octets, turn.settings.deadlines.upstreamReplyMs);
}

/** What is no SASL response ends the exchange on both sides; nothing of the line is kept. */
export function onSaslFault(turn: Turn, fault: 'bare-cr' | 'bare-lf' | 'overlong' | 'not-base64'): void {
  if (fault === 'overlong' || fault === 'not-base64') return cancel(turn, fault);
  turn.clearTimer('sasl');
  turn.anomaly(fault);
  recordAttempt(turn, 'aborted');
  const reply = fault === 'bare-cr' ? OWN_REPLIES.bareCarriageReturn : OWN_REPLIES.bareLineFeed;
  turn.answerOwn(reply, { action: 'close', rule: 'protocol.bare-line-ending' });
  abortUpstream(turn);
  closeSession(turn, { closedBy: 'gate', rule: 'protocol.bare-line-ending' });
}

function cancel(turn: Turn, fault: NonNullable<Turn['draft']['saslFault']>): void {
  turn.clearTimer('sasl');
  if (fault === 'overlong') turn.anomaly('sasl-overlong');
  turn.draft.saslFault = fault;
  turn.awaitUpstream();
  turn.sendUpstream('sasl-cancel', CANCEL, turn.settings.deadlines.upstreamReplyMs);
}

/** The server's answer to our cancel is not the client's: it gets the reason. */
export function onSaslCancelReply(turn: Turn, reply: UpstreamReply): void {
  const { draft } = turn;
  if (reply.code < 400) {
    turn.anomaly('bad-reply', undefined, 'cancelled AUTH was answered with success');
    recordAttempt(turn, 'aborted');
    turn.answerOwn(OWN_REPLIES.upstreamNonsense, { action: 'defer', rule: 'protocol.upstream-fault' });
    abortUpstream(turn);
    closeSession(turn, { closedBy: 'upstream' });
    return;
  }
  if (draft.saslFault === 'guarded') return deferGuarded(turn);
  const overlong = draft.saslFault === 'overlong';
  draft.authFailures += 1;
  recordAttempt(turn, 'cancelled', reply.code);
  turn.answerOwn(overlong ? OWN_REPLIES.responseTooLong : OWN_REPLIES.notBase64, {
    action: 'refuse',
    rule: overlong ? 'protocol.line-too-long' : 'protocol.syntax',
  });
  enterCommand(turn);
}
