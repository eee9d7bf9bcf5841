import type { AnomalyKind } from '../../events/event.ts';
import { leaveExchange, recordAttempt } from './authentication.ts';
import { abortUpstream, closeSession, destroySession, endTruncated, finish } from './closing.ts';
import { onEarlyTalk } from './opening.ts';
import { OWN_REPLIES } from './own-replies.ts';
import { onStartTlsInjection } from './starttls.ts';
import type { Turn } from './turn.ts';

/** The client spoke where it must be silent. */
export function onUnexpectedOctets(turn: Turn): void {
  const { draft } = turn;
  if (draft.phase === 'opening') return onEarlyTalk(turn);
  if (draft.phase === 'starttls-settling') return onStartTlsInjection(turn);
  if (draft.awaited === 'quit') {
    // The client said goodbye: what follows is not even parsed.
    turn.anomaly('data-after-quit');
    turn.effect({ kind: 'client-mode', mode: { kind: 'stopped' } });
    return;
  }
  // Behind DATA or EHLO, before the reply: neither commands nor a body (RFC 2920 section 3.1).
  turn.answerOwn(OWN_REPLIES.synchronization, { action: 'close', rule: 'protocol.synchronization' });
  abortUpstream(turn);
  closeSession(turn, { closedBy: 'gate', rule: 'protocol.synchronization', evidence: 'sync-violation' });
}

/** FIN of the client, after everything before it was read. Replies still due are delivered (half-close). */
export function onClientEnded(turn: Turn): void {
  const { draft } = turn;
  draft.clientEnded = true;
  switch (draft.phase) {
    case 'data':
    case 'bdat':
    case 'discarding':
      return endTruncated(turn);
    case 'sasl':
      return leaveExchange(turn);
    case 'awaiting':
    case 'closing':
      return;
    case 'proxy-header':
    case 'tls-first':
    case 'starttls':
    case 'starttls-settling':
      return destroySession(turn, { closedBy: 'client' });
    default:
      return closeSession(turn, { closedBy: 'client' });
  }
}

/** The client is gone. A body that is already committed is waited for: its verdict belongs in the log. */
export function onClientFailed(turn: Turn, _reason: string): void {
  const { draft } = turn;
  draft.clientGone = true;
  if (draft.phase === 'closing') return;
  const committed = draft.awaited === 'end-of-data' || (draft.awaited === 'bdat' && draft.body?.last === true);
  if (committed) return;
  if (draft.phase === 'data' || draft.phase === 'bdat') turn.anomaly('truncated-body');
  if (draft.phase === 'sasl' || draft.awaited === 'auth') recordAttempt(turn, 'aborted');
  abortUpstream(turn);
  closeSession(turn, { closedBy: 'client' });
}

/** The client does not read its replies. */
export function onClientBlocked(turn: Turn): void {
  turn.setTimer('client-write', turn.settings.deadlines.clientWriteMs);
}

export function onClientFlowing(turn: Turn): void {
  turn.clearTimer('client-write');
}

/** The server behind does not read the body: its time, not the client's. */
export function onUpstreamBlocked(turn: Turn): void {
  const { draft, settings } = turn;
  turn.setTimer('upstream-write', settings.deadlines.upstreamWriteMs);
  if (draft.body === undefined) return;
  turn.clearTimer('data');
  draft.body = { ...draft.body, blockedSinceUs: turn.now.monotonicUs };
}

export function onUpstreamFlowing(turn: Turn): void {
  const { draft, settings } = turn;
  turn.clearTimer('upstream-write');
  const { body } = draft;
  if (body?.blockedSinceUs === undefined) return;
  const blockedUs = body.blockedUs + (turn.now.monotonicUs - body.blockedSinceUs);
  draft.body = { ...body, blockedUs, blockedSinceUs: undefined };
  if (draft.phase === 'data' || draft.phase === 'bdat') turn.setTimer('data', settings.deadlines.dataMs);
}

/** The client's last octets are seen: evidence is recorded, and the session is over. */
export function onDrained(turn: Turn, octets: Uint8Array): void {
  const evidence = turn.draft.closing?.evidence;
  if (evidence !== undefined) {
    const kind = evidence === 'early-talker' ? earlyKind(octets) : evidence;
    const seen = evidence === 'tls-on-plaintext' ? withFirstOctet(octets) : octets;
    // What came behind DATA is a body, and a credential may be anywhere: neither is ever kept.
    const showable = kind !== 'sync-violation' && !holdsAuth(octets);
    turn.anomaly(kind, showable ? seen : undefined);
  }
  turn.effect({ kind: 'destroy-client' });
  finish(turn);
}

/** The octet that gave a ClientHello away was consumed before the drain. */
function withFirstOctet(octets: Uint8Array): Uint8Array {
  const whole = new Uint8Array(octets.length + 1);
  whole[0] = TLS_HANDSHAKE_RECORD;
  whole.set(octets, 1);
  return whole;
}

const TLS_HANDSHAKE_RECORD = 0x16;

const startsWith = (octets: Uint8Array, text: string): boolean => {
  if (octets.length < text.length) return false;
  for (let at = 0; at < text.length; at += 1) if (octets[at] !== text.charCodeAt(at)) return false;
  return true;
};

const PROXY_V2_SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const httpMethods = ['GET ', 'POST ', 'PUT ', 'HEAD ', 'OPTIONS ', 'CONNECT ', 'DELETE ', 'PATCH ', 'TRACE ', 'PRI '];

/** What an early talker really is. */
function earlyKind(octets: Uint8Array): AnomalyKind {
  if (startsWith(octets, 'PROXY ') || startsWith(octets, PROXY_V2_SIGNATURE)) return 'proxy-untrusted';
  if (octets[0] === TLS_HANDSHAKE_RECORD) return 'tls-on-plaintext';
  if (httpMethods.some((method) => startsWith(octets, method))) return 'http-on-smtp';
  return 'early-talker';
}

function holdsAuth(octets: Uint8Array): boolean {
  for (let at = 0; at + 4 <= octets.length; at += 1) {
    const word = String.fromCharCode(...octets.subarray(at, at + 4));
    if (word.toUpperCase() === 'AUTH') return true;
  }
  return false;
}

/** The gate stops: idle sessions end now, the others when their command is answered; after the grace nothing is made up. */
export function onShutdown(turn: Turn, now: boolean): void {
  const { draft } = turn;
  draft.shuttingDown = true;
  const waiting = draft.awaited === 'end-of-data' || (draft.awaited === 'bdat' && draft.body?.last === true);
  if (now && (waiting || draft.phase === 'starttls' || draft.phase === 'tls-first' || draft.phase === 'proxy-header')) {
    return destroySession(turn, { closedBy: 'gate' });
  }
  if (draft.phase === 'closing') {
    if (now) turn.effect({ kind: 'destroy-client' });
    return;
  }
  if (now || draft.phase === 'command' || draft.phase === 'opening') {
    if (draft.phase !== 'command') abortUpstream(turn);
    closeSession(turn, { closedBy: 'gate', reply: OWN_REPLIES.shuttingDown });
  } else if (draft.phase === 'proxy-header') destroySession(turn, { closedBy: 'gate' });
}
