import { unreachable } from '../lib/assert.ts';
import { referenceOf } from '../lib/uuid-v7.ts';
import type { ClientUnit } from './client-unit.ts';
import type { Effect } from './effect.ts';
import type { Input, Now } from './input.ts';
import type { Lists } from './policy/rule.ts';
import { unrestrained } from './policy/source-blocked.ts';
import { onSaslCancel, onSaslFault, onSaslLine } from './session/authentication.ts';
import { onChunkEnd, onChunkOctets } from './session/bdat.ts';
import { onDiscardEnd, onDiscarded } from './session/body.ts';
import {
  onClientBlocked,
  onClientEnded,
  onClientFailed,
  onClientFlowing,
  onDrained,
  onShutdown,
  onUnexpectedOctets,
  onUpstreamBlocked,
  onUpstreamFlowing,
} from './session/client-leg.ts';
import { onLine, onLineFault } from './session/commands.ts';
import { onDataEnd, onDataOctets, onDataViolation } from './session/data.ts';
import {
  failOpening,
  onAdmitted,
  onImplicitTls,
  onOpened,
  onProxyHeader,
  onProxyHeaderFault,
  onUpstreamConnected,
  onUpstreamTls,
} from './session/opening.ts';
import { holdLine, isSlowed, onRestrained } from './session/restraint.ts';
import { onClientTls, onClientTlsFailed, onSettled } from './session/starttls.ts';
import { noOffer, type Session, type Source } from './session/state.ts';
import { onTimer } from './session/timers.ts';
import { Turn } from './session/turn.ts';
import { onUpstreamGone, onUpstreamUnit } from './session/upstream.ts';
import type { SessionSettings } from './settings.ts';

export type { Session } from './session/state.ts';

/** Who a session is, before anything was said. */
export interface Identity {
  /** UUIDv7. */
  readonly sid: string;
  /** Address of the socket's peer, canonical; a PROXY header replaces it. */
  readonly ip: string;
  readonly port: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly now: Now;
}

/** A session that nothing has happened to yet; its first input is `opened`. */
export function openSession(settings: SessionSettings, identity: Identity): Session {
  return {
    settings,
    sid: identity.sid,
    reference: referenceOf(identity.sid),
    openedUs: identity.now.monotonicUs,
    seq: 0,
    phase: 'new',
    phaseSinceUs: identity.now.monotonicUs,
    standing: 'normal',
    refusedBy: undefined,
    source: unknownSource(identity),
    sourceClass: 'stranger',
    recordedOpening: false,
    clientTls: false,
    clientEnded: false,
    clientGone: false,
    helo: undefined,
    offer: noOffer,
    authenticated: false,
    layeredMechanism: false,
    saslRounds: 0,
    saslLines: [],
    saslFault: undefined,
    isExchangeJudged: false,
    heldExchange: undefined,
    pending: undefined,
    transaction: undefined,
    transactionCount: 0,
    body: undefined,
    discard: undefined,
    emptyLines: 0,
    upstream: 'none',
    upstreamTls: undefined,
    upstreamGreeting: undefined,
    upstreamTlsRefused: false,
    upstreamDirty: false,
    setupDone: false,
    awaited: undefined,
    lastAnswered: undefined,
    holdOver: false,
    restraint: unrestrained,
    waitingLine: undefined,
    commandCount: 0,
    errorCount: 0,
    junkCount: 0,
    authFailures: 0,
    outcome: 'none',
    dataAfterQuit: false,
    shuttingDown: false,
    closing: undefined,
  };
}

/** Before the connect-stage rules have said what is known of it. */
const unknownSource = ({ ip, port, localAddress, localPort }: Identity): Source => ({
  ip,
  port,
  localAddress,
  localPort,
  viaProxyProtocol: false,
  trustedNetwork: false,
  withHistory: false,
  neverListed: false,
  provider: false,
  normaliseLineEndings: false,
  stressed: false,
});

/**
 * The session reducer: what one input does to a session, and what the shell must do for it, in order.
 *
 * Pure: the same session, input, time and lists give the same answer. A finished session answers nothing.
 *
 * @param lists - Snapshots that live outside the session: domains, known recipients, recent refusals.
 */
export function step(session: Session, input: Input, now: Now, lists: Lists): readonly [Session, readonly Effect[]] {
  if (session.phase === 'finished') return [session, []];
  const turn = new Turn({ ...session }, now, lists);
  onInput(turn, input);
  return [turn.draft, turn.effects];
}

function onInput(turn: Turn, input: Input): void {
  switch (input.kind) {
    case 'opened':
      return onOpened(turn, input.admission);
    case 'admitted':
      return onAdmitted(turn, input.admission);
    case 'client':
      return onClientUnit(turn, input.unit);
    case 'client-line-begun':
      // A SASL line has a deadline of its own.
      if (turn.draft.phase === 'command') turn.setTimer('command-line', turn.settings.deadlines.commandLineMs);
      return;
    case 'client-ended':
      return onClientEnded(turn);
    case 'client-failed':
      return onClientFailed(turn, input.reason);
    case 'client-blocked':
      return onClientBlocked(turn);
    case 'client-flowing':
      return onClientFlowing(turn);
    case 'settled':
      return onSettled(turn);
    case 'client-tls-started':
      onClientTls(turn, input.tls);
      return turn.draft.phase === 'tls-first' ? onImplicitTls(turn) : undefined;
    case 'client-tls-failed':
      return onClientTlsFailed(turn, input.reason);
    case 'upstream-connected':
      return onUpstreamConnected(turn, input.tls);
    case 'upstream-failed':
      return onUpstreamGone(turn, input.reason);
    case 'upstream':
      return onUpstreamUnit(turn, input.unit);
    case 'upstream-ended':
      return onUpstreamGone(turn, 'closed by the server behind');
    case 'upstream-tls-started':
      return onUpstreamTls(turn, input.tls);
    case 'upstream-tls-failed':
      turn.record({ type: 'tls-failed', leg: 'upstream', reason: input.reason });
      return failOpening(turn, 'starttls', input.reason, 'tls');
    case 'upstream-blocked':
      return onUpstreamBlocked(turn);
    case 'upstream-flowing':
      return onUpstreamFlowing(turn);
    case 'timer':
      return onTimer(turn, input.name);
    case 'drained':
      return onDrained(turn, input.octets);
    case 'restrained':
      return onRestrained(turn, input.restraint);
    case 'shutdown':
      return onShutdown(turn, input.now);
    default:
      return unreachable(input);
  }
}

function onClientUnit(turn: Turn, unit: ClientUnit): void {
  switch (unit.kind) {
    case 'unexpected-octets':
      return onUnexpectedOctets(turn);
    case 'proxy-header':
      return onProxyHeader(turn, unit.header);
    case 'proxy-header-fault':
      return onProxyHeaderFault(turn, unit.octets);
    case 'line':
      return isSlowed(turn) ? holdLine(turn, unit.line) : onLine(turn, unit.line);
    case 'line-fault':
      return onLineFault(turn, unit.fault, unit.octets, unit.authLine);
    case 'sasl-line':
      return onSaslLine(turn, unit.data);
    case 'sasl-cancel':
      return onSaslCancel(turn);
    case 'sasl-fault':
      return onSaslFault(turn, unit.fault);
    case 'data':
      return onDataOctets(turn, unit.chunks, unit.receivedOctets);
    case 'data-end':
      return onDataEnd(turn, unit.terminator);
    case 'data-violation':
      return onDataViolation(turn, unit.fault);
    case 'bdat':
      return onChunkOctets(turn, unit.chunk, unit.bareLineFeed);
    case 'bdat-end':
      return onChunkEnd(turn);
    case 'discarded':
      return onDiscarded(turn, unit.octets);
    case 'discard-end':
      return onDiscardEnd(turn);
    default:
      return unreachable(unit);
  }
}
