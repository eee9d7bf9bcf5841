import type { TlsFacts } from '../input.ts';
import type { OwnReply } from '../reply.ts';
import { encodeOwnReply } from '../reply.ts';
import { abortUpstream, closeSession, destroySession, endAbandoned, enterCommand } from './closing.ts';
import { OWN_REPLIES } from './own-replies.ts';
import { noOffer } from './state.ts';
import { field, type Turn } from './turn.ts';

/** STARTTLS ends at the gate (RFC 3207). */
export function onStartTls(turn: Turn): void {
  const refusal = startTlsRefusal(turn);
  if (refusal !== undefined) {
    turn.answerOwn(refusal, { action: refusal.code < 500 ? 'defer' : 'refuse', rule: 'protocol.sequence' });
    enterCommand(turn);
    return;
  }
  // STARTTLS is the last command of its group: anything behind it is an injection (RFC 3207 section 4, RFC 2920 section 3.1).
  turn.enter('starttls-settling', { kind: 'silent' });
  turn.setTimer('client-tls', turn.settings.deadlines.tlsHandshakeMs);
  turn.effect({ kind: 'settle' });
}

function startTlsRefusal(turn: Turn): OwnReply | undefined {
  const { draft, settings } = turn;
  if (draft.clientTls) return OWN_REPLIES.startTlsActive;
  if (draft.helo?.verb !== 'EHLO') return OWN_REPLIES.sendHello;
  // A session that kept its AUTH across TLS could have been begun by somebody else (RFC 3207 section 4.2).
  if (draft.authenticated) return OWN_REPLIES.startTlsAfterAuth;
  if (settings.listener.tls !== 'starttls') return OWN_REPLIES.startTlsUnavailable;
  return undefined;
}

/** Nothing is glued behind STARTTLS: the handshake may begin. */
export function onSettled(turn: Turn): void {
  const { draft } = turn;
  if (draft.phase !== 'starttls-settling') return;
  const withEnhanced = draft.offer.keywords.has('ENHANCEDSTATUSCODES');
  turn.enter('starttls', { kind: 'tls' });
  turn.answerSilently(OWN_REPLIES.startTlsReady);
  turn.effect({ kind: 'start-client-tls', reply: encodeOwnReply(OWN_REPLIES.startTlsReady, withEnhanced) });
}

/** Octets behind STARTTLS: refused and closed, so that the attack is seen. */
export function onStartTlsInjection(turn: Turn): void {
  turn.answerOwn(OWN_REPLIES.startTlsNotLast, { action: 'close', rule: 'protocol.starttls-injection' });
  abortUpstream(turn);
  closeSession(turn, { closedBy: 'gate', rule: 'protocol.starttls-injection', evidence: 'starttls-injection' });
}

/** The client's handshake is done: everything said before it is forgotten (RFC 3207 section 4.2). */
export function onClientTls(turn: Turn, tls: TlsFacts): void {
  const { draft } = turn;
  turn.clearTimer('client-tls');
  draft.clientTls = true;
  turn.record({
    type: 'tls-started',
    leg: 'client',
    version: tls.version,
    cipher: tls.cipher,
    ...(tls.sni === undefined ? {} : { sni: field(tls.sni) }),
    ...(tls.alpn === undefined ? {} : { alpn: field(tls.alpn) }),
  });
  if (draft.phase !== 'starttls') return;
  if (draft.transaction !== undefined) draft.upstreamDirty = true;
  endAbandoned(turn);
  draft.helo = undefined;
  draft.offer = noOffer;
  enterCommand(turn);
}

export function onClientTlsFailed(turn: Turn, reason: string): void {
  turn.record({ type: 'tls-failed', leg: 'client', reason: field(reason) });
  destroySession(turn, { closedBy: 'client' });
}
