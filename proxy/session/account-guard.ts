import { authGuarded } from '../policy/auth-guarded.ts';
import { modeOf } from '../policy/modes.ts';
import type { Lists } from '../policy/rule.ts';
import { serialiseSaslLine } from '../sasl.ts';
import { credentialsOf } from '../sasl-credentials.ts';
import { forwardFresh } from './envelope.ts';
import type { Turn } from './turn.ts';

/** Where in an exchange its account has shown: with the command itself, or in a line after it. */
export type ShownIn = 'command' | 'line';

/**
 * Looks at an exchange that may have shown its account by now; once each.
 *
 * @param mechanism - In upper case.
 * @returns `pass`: it goes on. `held`: it goes on later, by {@link releaseExchange}. `defer`: it must not go on.
 */
export function guardAccount(turn: Turn, mechanism: string, shownIn: ShownIn): 'pass' | 'held' | 'defer' {
  const { draft, settings } = turn;
  const mode = modeOf(settings.modes, authGuarded.id);
  if (draft.isExchangeJudged || mode === 'off' || !authGuarded.concerns.includes(draft.sourceClass)) return 'pass';
  const guard = guardOf(turn, mechanism);
  if (guard === undefined) return 'pass';
  if (mode === 'observe' || guard.observed) turn.observe([{ rule: authGuarded.id, action: guard.action }]);
  else if (guard.action === 'defer') return 'defer';
  else if (settings.limits.slowDelayMs > 0) {
    hold(turn, shownIn);
    return 'held';
  }
  return 'pass';
}

/** What an exchange must do by what it has shown; undefined: nothing, or it has shown no account. */
function guardOf({ draft, settings, lists, now }: Turn, mechanism: string): ReturnType<Lists['accountGuard']> {
  const credentials = credentialsOf(mechanism, draft.saslLines);
  if (credentials === undefined) return undefined;
  draft.isExchangeJudged = true;
  return lists.accountGuard(credentials, draft.source.ip, settings.listener.role, now.wallMs);
}

/** The client waits as between two lines of the exchange: whatever else may happen there may happen here. */
function hold(turn: Turn, shownIn: ShownIn): void {
  const { draft } = turn;
  turn.clearTimer('sasl');
  draft.heldExchange = shownIn;
  if (draft.pending !== undefined) draft.pending = { ...draft.pending, slowedBy: authGuarded.id };
  turn.enter('sasl', { kind: 'stopped' });
  turn.setTimer('slow', turn.settings.limits.slowDelayMs);
}

/**
 * Its time has come, unless somebody of the same network has failed for the account in the meantime.
 *
 * @param defer - Ends an exchange that must not go on.
 */
export function releaseExchange(turn: Turn, defer: (shownIn: ShownIn) => void): void {
  const { draft, settings } = turn;
  const { heldExchange, pending } = draft;
  draft.heldExchange = undefined;
  if (heldExchange === undefined || draft.phase !== 'sasl' || pending?.command === undefined) return;
  const mechanism = pending.command.verb === 'AUTH' ? pending.command.mechanism.toUpperCase() : '';
  if (guardOf(turn, mechanism)?.action === 'defer') return defer(heldExchange);
  if (heldExchange === 'command') return forwardFresh(turn, pending.command, 'auth');
  const line = draft.saslLines.at(-1);
  if (line === undefined) return;
  turn.awaitUpstream();
  turn.sendUpstream('auth', serialiseSaslLine(line), settings.deadlines.upstreamReplyMs);
}
