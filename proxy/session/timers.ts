import type { TimerName } from '../input.ts';
import type { RuleId } from '../settings.ts';
import { recordAttempt } from './authentication.ts';
import { isTooSlow } from './body.ts';
import { closeSession, destroySession, enterCommand } from './closing.ts';
import { dial, failOpening, onProxyHeaderFault, PROGRESS_EVERY_MS } from './opening.ts';
import { OWN_REPLIES } from './own-replies.ts';
import type { Turn } from './turn.ts';
import { onUpstreamGone, onUpstreamTimeout } from './upstream.ts';

/** A deadline passed. */
export function onTimer(turn: Turn, name: TimerName): void {
  switch (name) {
    case 'proxy-header':
      return onProxyHeaderFault(turn, new Uint8Array(0));
    case 'greeting-hold':
      return dial(turn);
    case 'command':
      return expire(turn, 'deadline.command');
    case 'command-line':
      return expire(turn, 'deadline.command-line');
    case 'sasl':
      return expire(turn, 'deadline.sasl');
    case 'data':
      return expire(turn, 'deadline.data');
    case 'session':
      return expire(turn, 'deadline.session');
    case 'client-tls':
      turn.record({ type: 'tls-failed', leg: 'client', reason: 'timeout' });
      return destroySession(turn, { closedBy: 'gate', rule: 'deadline.tls' });
    case 'client-write':
      return destroySession(turn, { closedBy: 'gate', rule: 'deadline.write' });
    case 'drain':
      return turn.effect({ kind: 'destroy-client' });
    case 'progress':
      return onProgress(turn);
    case 'upstream-connect':
      return failOpening(turn, 'connect', 'timeout');
    case 'upstream-tls':
      return failOpening(turn, 'starttls', 'timeout', 'tls');
    case 'upstream-reply':
      return onUpstreamTimeout(turn);
    case 'upstream-write':
      return onUpstreamGone(turn, 'write stalled');
  }
}

/** The client missed a deadline: 421, and nothing half-sent is committed. */
function expire(turn: Turn, rule: RuleId): void {
  const { draft } = turn;
  if (!turn.enforced(rule)) {
    if (draft.phase === 'command') enterCommand(turn);
    return;
  }
  if (draft.phase === 'tls-first' || draft.phase === 'starttls' || draft.phase === 'proxy-header') {
    return destroySession(turn, { closedBy: 'gate', rule });
  }
  if (draft.phase === 'sasl') recordAttempt(turn, 'aborted');
  closeSession(turn, { closedBy: 'gate', reply: OWN_REPLIES.timeout, rule });
}

/** A session that lives long says what it does (`session-progress`), and a slow body is judged even when nothing arrives. */
function onProgress(turn: Turn): void {
  const { draft } = turn;
  turn.record({
    type: 'session-progress',
    phase: draft.phase,
    octets: draft.body?.octets ?? 0,
    phaseMs: Math.floor((turn.now.monotonicUs - draft.phaseSinceUs) / 1000),
    slotsUsed: 0,
  });
  if (draft.body !== undefined && draft.phase === 'data' && isTooSlow(turn, draft.body)) {
    return expire(turn, 'deadline.data-rate');
  }
  turn.setTimer('progress', PROGRESS_EVERY_MS);
}
