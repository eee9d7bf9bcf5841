import type { TimerName } from '../input.ts';
import { deadlineCommand } from '../policy/deadline-command.ts';
import { deadlineCommandLine } from '../policy/deadline-command-line.ts';
import { deadlineData } from '../policy/deadline-data.ts';
import { deadlineDataRate } from '../policy/deadline-data-rate.ts';
import { deadlineSasl } from '../policy/deadline-sasl.ts';
import { deadlineSession } from '../policy/deadline-session.ts';
import type { OutsideRule } from '../policy/rule.ts';
import { onExchangeReleased, recordAttempt } from './authentication.ts';
import { isTooSlow } from './body.ts';
import { closeSession, destroySession, enterCommand } from './closing.ts';
import { dial, failOpening, onProxyHeaderFault, PROGRESS_EVERY_MS } from './opening.ts';
import { releaseLine } from './restraint.ts';
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
      return expire(turn, deadlineCommand);
    case 'slow':
      return turn.draft.heldExchange === undefined ? releaseLine(turn) : onExchangeReleased(turn);
    case 'command-line':
      return expire(turn, deadlineCommandLine);
    case 'sasl':
      return expire(turn, deadlineSasl);
    case 'data':
      return expire(turn, deadlineData);
    case 'session':
      return expire(turn, deadlineSession);
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
function expire(turn: Turn, rule: OutsideRule): void {
  const { draft } = turn;
  if (!turn.enforced(rule.id)) {
    if (draft.phase === 'command') enterCommand(turn);
    return;
  }
  if (draft.phase === 'tls-first' || draft.phase === 'starttls' || draft.phase === 'proxy-header') {
    return destroySession(turn, { closedBy: 'gate', rule: rule.id });
  }
  if (draft.phase === 'sasl') recordAttempt(turn, 'aborted');
  closeSession(turn, { closedBy: 'gate', reply: rule.reply(turn.settings, draft.reference), rule: rule.id });
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
    return expire(turn, deadlineDataRate);
  }
  turn.setTimer('progress', PROGRESS_EVERY_MS);
}
