import type { AnomalyKind } from '../../events/event.ts';
import { effectiveCapabilities } from '../capabilities.ts';
import type { UpstreamUnit } from '../input.ts';
import type { UpstreamReply } from '../reply.ts';
import { onAuthReply, onSaslCancelReply, recordAttempt } from './authentication.ts';
import { onBdatReply } from './bdat.ts';
import { answerFinally, giveUp } from './body.ts';
import { abortUpstream, closeSession, destroySession, endAbandoned, endTransaction, enterCommand } from './closing.ts';
import { onDataReply, onEndOfDataReply } from './data.ts';
import { onMailReply, onRcptReply, onSilentRset } from './envelope.ts';
import { failOpening, onGreeting, onSetupEhlo, onSetupStartTls, onSetupXclient } from './opening.ts';
import { OWN_REPLIES } from './own-replies.ts';
import { type Awaited, noOffer } from './state.ts';
import { field, type Turn } from './turn.ts';

/** One unit of the server behind. */
export function onUpstreamUnit(turn: Turn, unit: UpstreamUnit): void {
  const { draft } = turn;
  if (draft.upstream !== 'open') return;
  if (unit.kind === 'fault') {
    upstreamBroken(turn, 'bad-reply', unit.reason, unit.octets);
  } else if (draft.phase === 'data' || draft.phase === 'bdat') onReplyDuringBody(turn, unit.reply);
  else if (draft.awaited === undefined || (unit.early && draft.awaited !== 'greeting')) onUnsolicited(turn, unit.reply);
  else onAwaitedReply(turn, draft.awaited, unit.reply, unit.trailingOctets);
}

/** Reply classes that each awaited reply may have besides 4yz and 5yz (RFC 5321 section 4.3.2). */
const successes: Readonly<Record<Awaited, (code: number) => boolean>> = {
  greeting: (code) => code === 220,
  'setup-ehlo': (code) => code < 300,
  'setup-starttls': (code) => code === 220,
  'setup-xclient': (code) => code === 220,
  helo: (code) => code < 300,
  mail: (code) => code < 300,
  rcpt: (code) => code < 300,
  data: (code) => code === 354,
  'end-of-data': (code) => code < 300,
  bdat: (code) => code < 300,
  rset: (code) => code < 300,
  noop: (code) => code < 300,
  quit: (code) => code < 300,
  auth: (code) => code === 235 || code === 334,
  'sasl-cancel': (code) => code < 300,
  'silent-rset': (code) => code < 300,
};

function onAwaitedReply(turn: Turn, awaited: Awaited, reply: UpstreamReply, trailingOctets: number): void {
  const { draft } = turn;
  if (reply.code < 400 && !successes[awaited](reply.code)) {
    upstreamBroken(turn, reply.code >= 300 ? 'unexpected-3xx' : 'bad-reply', `${reply.code} to ${awaited}`);
    return;
  }
  draft.awaited = undefined;
  draft.lastAnswered = awaited;
  turn.clearTimer('upstream-reply');
  if (reply.code === 421 && draft.setupDone && awaited !== 'quit' && draft.pending !== undefined) {
    onClosingReply(turn, awaited, reply);
    return;
  }
  handlers[awaited](turn, reply, trailingOctets);
}

const handlers: Readonly<Record<Awaited, (turn: Turn, reply: UpstreamReply, trailingOctets: number) => void>> = {
  greeting: onGreeting,
  'setup-ehlo': onSetupEhlo,
  'setup-starttls': onSetupStartTls,
  'setup-xclient': onSetupXclient,
  helo: onHelloReply,
  mail: onMailReply,
  rcpt: onRcptReply,
  data: onDataReply,
  'end-of-data': onEndOfDataReply,
  bdat: onBdatReply,
  rset: onRsetReply,
  noop: onPlainReply,
  quit: onQuitReply,
  auth: onAuthReply,
  'sasl-cancel': onSaslCancelReply,
  'silent-rset': onSilentRset,
};

/** 421 ends the session on both sides, once (RFC 5321 section 3.8). */
function onClosingReply(turn: Turn, awaited: Awaited, reply: UpstreamReply): void {
  const { draft } = turn;
  if (awaited === 'auth' || awaited === 'sasl-cancel') recordAttempt(turn, 'deferred', reply.code);
  turn.answerUpstream(reply);
  draft.body = undefined;
  if (awaited === 'end-of-data' || awaited === 'bdat') endTransaction(turn, 'rejected', reply);
  abortUpstream(turn);
  closeSession(turn, { closedBy: 'upstream' });
}

function onPlainReply(turn: Turn, reply: UpstreamReply): void {
  turn.answerUpstream(reply);
  enterCommand(turn);
}

function onRsetReply(turn: Turn, reply: UpstreamReply): void {
  const { draft } = turn;
  turn.answerUpstream(reply);
  if (reply.code < 300) {
    draft.upstreamDirty = false;
    endAbandoned(turn);
  }
  enterCommand(turn);
}

/** The EHLO answer, cut down to what the gate can carry; a new EHLO ends the transaction and keeps the authentication. */
function onHelloReply(turn: Turn, reply: UpstreamReply): void {
  const { draft, settings } = turn;
  const command = draft.pending?.command;
  if (reply.code >= 300 || (command?.verb !== 'EHLO' && command?.verb !== 'HELO')) return onPlainReply(turn, reply);
  draft.upstreamDirty = false;
  endAbandoned(turn);
  if (command.verb === 'HELO') {
    draft.offer = noOffer;
    turn.answerUpstream(reply, { code: reply.code, lines: reply.lines.slice(0, 1) });
    draft.helo = { verb: 'HELO', name: command.name };
  } else {
    const capabilities = effectiveCapabilities(reply, {
      clientTls: draft.clientTls,
      startTlsHere: settings.listener.tls === 'starttls',
      authInClear: settings.modes['auth.needs-tls'] !== 'enforce',
      authenticated: draft.authenticated,
      bothLegsVerifiedTls: draft.clientTls && draft.upstreamTls?.verified === true,
      messageOctetsMax: settings.limits.messageOctetsMax,
      forwardPathsMax: settings.limits.forwardPathsMax,
      authMechanisms: settings.authMechanisms,
    });
    draft.offer = capabilities;
    turn.answerUpstream(reply, { code: reply.code, lines: capabilities.lines });
    draft.helo = { verb: 'EHLO', name: command.name };
  }
  enterCommand(turn);
}

/** QUIT always succeeds for the client (RFC 5321 section 4.1.1.10). */
function onQuitReply(turn: Turn, reply: UpstreamReply): void {
  if (reply.code < 300) turn.answerUpstream(reply);
  else turn.answerOwn(OWN_REPLIES.quit, { action: 'accept' });
  closeSession(turn, { closedBy: 'client' });
}

/** A reply while the body flows: a refusal is kept for its end; a success means the two sides see different ends of data. */
function onReplyDuringBody(turn: Turn, reply: UpstreamReply): void {
  const { draft } = turn;
  if (reply.code < 400) {
    turn.anomaly('premature-eod-reply', undefined, `${reply.code} while the body was flowing`);
    endTransaction(turn, 'aborted-upstream');
    abortUpstream(turn);
    closeSession(turn, { closedBy: 'gate', reply: OWN_REPLIES.upstreamNonsense, rule: 'protocol.upstream-fault' });
  } else if (draft.body?.earlyReply !== undefined) {
    upstreamBroken(turn, 'extra-reply', `${reply.code} behind a reply to the same chunk`);
  } else if (draft.phase === 'bdat' && reply.code !== 421 && draft.body !== undefined) {
    // The chunk is refused; its octets still belong to it, and the next chunk gets a reply of its own.
    draft.body = { ...draft.body, earlyReply: reply };
  } else giveUp(turn, { reply, outcome: 'rejected', close: reply.code === 421 });
}

/** A reply that answers nothing. 421 is the server's goodbye; anything else is never matched to a later command. */
function onUnsolicited(turn: Turn, reply: UpstreamReply): void {
  const { draft } = turn;
  if (reply.code === 421 && draft.setupDone && draft.phase === 'command') {
    turn.writeUpstream(reply);
    abortUpstream(turn);
    closeSession(turn, { closedBy: 'upstream', passedOnCode: reply.code });
    return;
  }
  upstreamBroken(turn, draft.lastAnswered === 'end-of-data' ? 'extra-reply' : 'unsolicited-reply', `${reply.code}`);
}

/** The server behind speaks out of protocol: both legs end, with a temporary reply. */
function upstreamBroken(turn: Turn, kind: AnomalyKind, note: string, octets?: Uint8Array): void {
  const layered = kind === 'bad-reply' && turn.draft.layeredMechanism;
  turn.anomaly(layered ? 'sasl-security-layer' : kind, octets, field(note));
  loseUpstream(turn, note, {
    command: OWN_REPLIES.upstreamNonsense,
    body: OWN_REPLIES.upstreamNonsenseToBody,
  });
}

/** The leg to the server behind ended or failed. */
export function onUpstreamGone(turn: Turn, reason: string): void {
  const { draft } = turn;
  if (draft.upstream === 'gone' || draft.upstream === 'none') return;
  if (draft.phase === 'closing' || draft.phase === 'finished') return abortUpstream(turn);
  loseUpstream(turn, reason, { command: OWN_REPLIES.upstreamLost, body: OWN_REPLIES.upstreamLostWithBody });
}

/** The server behind missed a deadline: a late reply is never matched to anything. */
export function onUpstreamTimeout(turn: Turn): void {
  onUpstreamGone(turn, 'timeout');
}

interface LossReplies {
  readonly command: typeof OWN_REPLIES.upstreamLost;
  readonly body: typeof OWN_REPLIES.upstreamLostWithBody;
}

function loseUpstream(turn: Turn, reason: string, replies: LossReplies): void {
  const { draft } = turn;
  const { awaited, phase } = draft;
  if (!draft.setupDone) return failOpening(turn, awaited ?? 'connect', field(reason));
  turn.record({ type: 'upstream-failed', stage: draft.pending?.facts.verb ?? 'idle', reason: field(reason) });
  if (phase === 'data' || phase === 'bdat') {
    giveUp(turn, { reply: replies.body, rule: 'protocol.upstream-lost', outcome: 'aborted-upstream' });
  } else if (awaited === 'end-of-data' || (awaited === 'bdat' && draft.body !== undefined)) {
    loseVerdict(turn, replies);
  } else if (awaited === 'data') {
    abortUpstream(turn);
    answerFinally(turn, { reply: replies.body, rule: 'protocol.upstream-lost', outcome: 'aborted-upstream' });
  } else if (awaited === 'quit') {
    turn.answerOwn(OWN_REPLIES.quit, { action: 'accept' });
    abortUpstream(turn);
    closeSession(turn, { closedBy: 'client' });
  } else loseCommand(turn, replies.command);
}

/** The body is committed and its verdict never came: it may have been accepted (RFC 5321 section 3.8: treat as 451). */
function loseVerdict(turn: Turn, replies: LossReplies): void {
  const { draft } = turn;
  const committed = draft.awaited === 'end-of-data' || draft.body?.last === true;
  if (committed) turn.anomaly('outcome-unknown');
  abortUpstream(turn);
  answerFinally(turn, {
    reply: replies.body,
    rule: 'protocol.upstream-lost',
    outcome: committed ? 'unknown' : 'aborted-upstream',
  });
}

function loseCommand(turn: Turn, reply: typeof OWN_REPLIES.upstreamLost): void {
  const { draft } = turn;
  abortUpstream(turn);
  if (draft.phase === 'starttls') return destroySession(turn, { closedBy: 'upstream' });
  if (draft.pending?.facts.verb === 'AUTH') recordAttempt(turn, 'aborted');
  if (draft.pending === undefined) return closeSession(turn, { closedBy: 'upstream', reply });
  turn.answerOwn(reply, { action: 'defer', rule: 'protocol.upstream-lost' });
  closeSession(turn, { closedBy: 'upstream' });
}
