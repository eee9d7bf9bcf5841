import { Buffer } from 'node:buffer';
import { keywordsOf, startTlsOffered, xclientAttributes } from '../capabilities.ts';
import type { Admission, TlsFacts } from '../input.ts';
import { greetEarlyTalker } from '../policy/greet-early-talker.ts';
import { sourceClassOf } from '../policy/source-class.ts';
import { encodeProxyHeaderV1, encodeProxyHeaderV2, type ProxyHeader } from '../proxy-header.ts';
import type { OwnReply, UpstreamReply } from '../reply.ts';
import { stressed } from '../stress.ts';
import { abortUpstream, closeSession, destroySession, enterCommand } from './closing.ts';
import { OWN_REPLIES } from './own-replies.ts';
import type { Turn } from './turn.ts';

const line = (text: string): Uint8Array => Buffer.from(`${text}\r\n`, 'latin1');

/** First input of a session. */
export function onOpened(turn: Turn, admission: Admission | undefined): void {
  const { settings } = turn;
  turn.setTimer('session', settings.deadlines.sessionMs);
  turn.setTimer('progress', PROGRESS_EVERY_MS);
  if (admission !== undefined) {
    onAdmitted(turn, admission);
    return;
  }
  turn.enter('proxy-header', { kind: 'proxy-header' });
  turn.setTimer('proxy-header', settings.deadlines.proxyHeaderMs);
}

/** How often a living session reports its progress. */
export const PROGRESS_EVERY_MS = 30_000;

/** The PROXY header of a trusted balancer. */
export function onProxyHeader(turn: Turn, header: ProxyHeader): void {
  turn.clearTimer('proxy-header');
  turn.effect({ kind: 'admit', header });
}

/** No greeting before the header: whoever sends something else is destroyed without a word. */
export function onProxyHeaderFault(turn: Turn, octets: Uint8Array): void {
  recordOpening(turn, []);
  turn.anomaly('proxy-header-fault', octets);
  destroySession(turn, { closedBy: 'gate', rule: 'deadline.proxy-header' });
}

/** What the connect-stage rules say. */
export function onAdmitted(turn: Turn, admission: Admission): void {
  const { draft, settings } = turn;
  draft.source = admission;
  draft.sourceClass = sourceClassOf({ ...admission, authenticated: false });
  draft.restraint = admission.restraint;
  if (admission.stressed) draft.settings = stressed(draft.settings);
  recordOpening(turn, admission.verdict.observed);
  const { verdict } = admission;
  const implicitTls = settings.listener.tls === 'implicit';
  if (verdict.action === 'accept') {
    if (implicitTls) acceptTls(turn);
    else open(turn);
  } else if (verdict.action === 'refuse') {
    const greeting = asGreeting(verdict.reply);
    draft.refusedBy = verdict.rule;
    if (!implicitTls) return refuseGreeting(turn, greeting);
    draft.standing = 'refused';
    draft.upstreamGreeting = greeting;
    acceptTls(turn);
  } else if (implicitTls || verdict.silent === true) {
    // No SMTP text in clear on a TLS port, and no handshake for a client that is sent away.
    destroySession(turn, { closedBy: 'gate', rule: verdict.rule });
  } else closeSession(turn, { closedBy: 'gate', reply: verdict.reply, rule: verdict.rule });
}

const asGreeting = ({ code, enhanced, text }: OwnReply): UpstreamReply => ({
  code,
  lines: [enhanced === undefined ? text : `${enhanced} ${text}`],
});

function acceptTls(turn: Turn): void {
  turn.enter('tls-first', { kind: 'tls' });
  turn.setTimer('client-tls', turn.settings.deadlines.tlsHandshakeMs);
  turn.effect({ kind: 'accept-client-tls' });
}

/** The handshake of a TLS port is done. */
export function onImplicitTls(turn: Turn): void {
  const { draft } = turn;
  if (draft.standing === 'refused' && draft.upstreamGreeting !== undefined)
    refuseGreeting(turn, draft.upstreamGreeting);
  else open(turn);
}

export function recordOpening(turn: Turn, observed: Admission['verdict']['observed']): void {
  const { draft, settings } = turn;
  if (draft.recordedOpening) return;
  draft.recordedOpening = true;
  turn.record({
    type: 'session-opened',
    port: draft.source.port,
    viaProxyProtocol: draft.source.viaProxyProtocol,
    tls: settings.listener.tls === 'implicit',
    sourceClass: draft.sourceClass,
    ...(draft.source.stressed ? { stressed: true } : {}),
    ...(observed.length === 0 ? {} : { observed: [...observed] }),
  });
}

/** Holds the greeting where that is set, then dials. */
function open(turn: Turn): void {
  const { draft, settings } = turn;
  turn.enter('opening', { kind: 'silent' });
  const holds =
    settings.listener.greetingHoldMs > 0 &&
    !draft.source.withHistory &&
    !draft.source.provider &&
    !draft.source.trustedNetwork &&
    settings.modes['greet.early-talker'] !== 'off';
  if (holds) turn.setTimer('greeting-hold', settings.listener.greetingHoldMs);
  else dial(turn);
}

/** The hold passed in silence: only now is the server behind dialled. */
export function dial(turn: Turn): void {
  const { draft, settings } = turn;
  draft.holdOver = true;
  draft.upstream = 'connecting';
  turn.setTimer('upstream-connect', settings.deadlines.upstreamConnectMs);
  const isStranger = draft.sourceClass === 'stranger';
  turn.effect({ kind: 'connect-upstream', preamble: proxyPreamble(turn), isStranger });
}

function proxyPreamble(turn: Turn): Uint8Array | undefined {
  const { source, settings } = turn.draft;
  const method = settings.upstream.clientAddress;
  if (method !== 'proxy-v1' && method !== 'proxy-v2') return undefined;
  const from = { address: source.ip, port: source.port };
  const to = { address: source.localAddress, port: source.localPort };
  return method === 'proxy-v1' ? encodeProxyHeaderV1(from, to) : encodeProxyHeaderV2(from, to);
}

/** The client spoke although the greeting was not out (RFC 5321 section 4.3.1). */
export function onEarlyTalk(turn: Turn): void {
  const { settings } = turn;
  const mode = settings.modes['greet.early-talker'];
  if (mode === 'enforce' && !turn.draft.source.trustedNetwork) {
    turn.clearTimer('greeting-hold');
    abortUpstream(turn);
    closeSession(turn, {
      closedBy: 'gate',
      reply: greetEarlyTalker.reply(settings, turn.draft.reference),
      rule: greetEarlyTalker.id,
      evidence: 'early-talker',
    });
    return;
  }
  if (mode !== 'off') turn.anomaly('early-talker', undefined, 'observed only');
  turn.effect({ kind: 'client-mode', mode: { kind: 'stopped' } });
}

/** The server behind is reached: its greeting is next. */
export function onUpstreamConnected(turn: Turn, tls: TlsFacts | undefined): void {
  const { draft, settings } = turn;
  draft.upstream = 'open';
  turn.clearTimer('upstream-connect');
  if (tls !== undefined) noteUpstreamTls(turn, tls);
  draft.awaited = 'greeting';
  turn.effect({ kind: 'expect-upstream' });
  turn.setTimer('upstream-reply', settings.deadlines.upstreamGreetingMs);
}

export function noteUpstreamTls(turn: Turn, tls: TlsFacts): void {
  turn.draft.upstreamTls = tls;
  turn.record({
    type: 'tls-started',
    leg: 'upstream',
    version: tls.version,
    cipher: tls.cipher,
    ...(tls.verified === undefined ? {} : { verified: tls.verified }),
  });
}

export function onGreeting(turn: Turn, reply: UpstreamReply): void {
  const { draft, settings } = turn;
  if (reply.code === 421) {
    greetAndClose(turn, reply);
    return;
  }
  if (reply.code >= 400) {
    abortUpstream(turn);
    refuseGreeting(turn, reply);
    return;
  }
  draft.upstreamGreeting = reply;
  const wantsTls = settings.upstream.tls === 'opportunistic' || settings.upstream.tls === 'required';
  if (wantsTls || settings.upstream.clientAddress === 'xclient') sendSetupEhlo(turn);
  else greet(turn);
}

/** A 421 greeting of the server behind is passed on, and that is all. */
function greetAndClose(turn: Turn, reply: UpstreamReply): void {
  turn.writeUpstream(reply);
  abortUpstream(turn);
  closeSession(turn, { closedBy: 'upstream', passedOnCode: reply.code });
}

function sendSetupEhlo(turn: Turn): void {
  turn.sendUpstream('setup-ehlo', line(`EHLO ${turn.settings.hostname}`), turn.settings.deadlines.upstreamReplyMs);
}

export function onSetupEhlo(turn: Turn, reply: UpstreamReply): void {
  const { draft, settings } = turn;
  const { tls, clientAddress, xclientRequired } = settings.upstream;
  const offered = reply.code === 250 ? keywordsOf(reply) : new Map<string, string>();
  const wantsTls =
    draft.upstreamTls === undefined && !draft.upstreamTlsRefused && (tls === 'opportunistic' || tls === 'required');
  if (wantsTls && startTlsOffered(offered)) {
    turn.sendUpstream('setup-starttls', line('STARTTLS'), settings.deadlines.upstreamReplyMs);
  } else if (wantsTls && tls === 'required') {
    failOpening(turn, 'starttls', 'STARTTLS not offered', 'tls');
  } else if (clientAddress === 'xclient') {
    const command = xclientCommand(turn, offered);
    if (command !== undefined) turn.sendUpstream('setup-xclient', command, settings.deadlines.upstreamReplyMs);
    else if (xclientRequired) failOpening(turn, 'xclient', 'XCLIENT not offered');
    else greet(turn);
  } else greet(turn);
}

/** Only attributes that the server behind listed are sent. */
function xclientCommand(turn: Turn, offered: ReadonlyMap<string, string>): Uint8Array | undefined {
  const attributes = xclientAttributes(offered);
  if (!attributes.has('ADDR')) return undefined;
  const { ip, port } = turn.draft.source;
  const address = ip.includes(':') ? `IPV6:${ip}` : ip;
  return line(`XCLIENT ADDR=${address}${attributes.has('PORT') ? ` PORT=${port}` : ''}`);
}

export function onSetupStartTls(turn: Turn, reply: UpstreamReply, trailingOctets: number): void {
  const { settings } = turn;
  if (reply.code === 220) {
    if (trailingOctets > 0) {
      turn.anomaly('upstream-starttls-injection');
      failOpening(turn, 'starttls', 'octets behind the reply to STARTTLS', 'tls');
      return;
    }
    turn.setTimer('upstream-tls', settings.deadlines.tlsHandshakeMs);
    turn.effect({ kind: 'start-upstream-tls' });
  } else if (settings.upstream.tls === 'required') {
    failOpening(turn, 'starttls', `answered ${reply.code}`, 'tls');
  } else if (settings.upstream.clientAddress === 'xclient') {
    // Opportunistic, refused, still in clear: go on with XCLIENT by a fresh EHLO answer.
    turn.draft.upstreamTlsRefused = true;
    sendSetupEhlo(turn);
  } else greet(turn);
}

export function onUpstreamTls(turn: Turn, tls: TlsFacts): void {
  turn.clearTimer('upstream-tls');
  noteUpstreamTls(turn, tls);
  // What was said in clear is forgotten (RFC 3207 section 4.2).
  if (turn.settings.upstream.clientAddress === 'xclient') sendSetupEhlo(turn);
  else greet(turn);
}

export function onSetupXclient(turn: Turn, reply: UpstreamReply): void {
  if (reply.code === 220) {
    turn.draft.upstreamGreeting = reply;
    greet(turn);
  } else if (turn.settings.upstream.xclientRequired) failOpening(turn, 'xclient', `answered ${reply.code}`);
  else greet(turn);
}

/** The server behind cannot be used: the client gets 421 as its greeting, never a 220 of ours. */
export function failOpening(turn: Turn, stage: string, reason: string, kind: 'tls' | 'other' = 'other'): void {
  turn.record({ type: 'upstream-failed', stage, reason });
  abortUpstream(turn);
  closeSession(turn, {
    closedBy: 'upstream',
    reply: kind === 'tls' ? OWN_REPLIES.tlsUnavailableBehind : OWN_REPLIES.upstreamUnavailable,
  });
}

/** The greeting of the server behind, its text replaced where the configuration says so. */
function greet(turn: Turn): void {
  const { draft, settings } = turn;
  draft.setupDone = true;
  const greeting = draft.upstreamGreeting ?? { code: 220, lines: [''] };
  turn.writeUpstream(settings.greetingText === undefined ? greeting : replaced(greeting, settings.greetingText));
  enterCommand(turn);
}

/** "ESMTP" is kept where the server behind said it: clients choose EHLO by it (RFC 5321 section 4.3.1). */
function replaced(greeting: UpstreamReply, text: string): UpstreamReply {
  const extended = greeting.lines.some((each) => each.toUpperCase().includes('ESMTP'));
  const missing = extended && !text.toUpperCase().includes('ESMTP');
  return { code: greeting.code, lines: [missing ? `${text} ESMTP` : text] };
}

/** Any greeting but 220: only QUIT is possible afterwards (RFC 5321 section 3.1). */
function refuseGreeting(turn: Turn, greeting: UpstreamReply): void {
  turn.draft.standing = 'refused';
  turn.writeUpstream(greeting);
  enterCommand(turn);
}
