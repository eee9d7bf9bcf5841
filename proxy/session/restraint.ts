import type { Restraint } from '../policy/source-blocked.ts';
import { unrestrained } from '../policy/source-blocked.ts';
import { abortUpstream, closeSession, endsHere, enterCommand } from './closing.ts';
import { onLine } from './commands.ts';
import type { Turn } from './turn.ts';

/** Decisions about the source have changed. Whoever has authenticated is judged by operators only. */
export function onRestrained(turn: Turn, restraint: Restraint): void {
  const { draft } = turn;
  draft.restraint = draft.authenticated && !restraint.byOperator ? unrestrained : restraint;
  if (restraint.ending === undefined || draft.restraint.ending === undefined) return;
  if (draft.phase === 'opening') {
    abortUpstream(turn);
    closeSession(turn, { closedBy: 'gate', reply: restraint.ending, rule: 'source.blocked' });
  } else if (draft.phase === 'command' && endsHere(draft)) enterCommand(turn);
}

/** Its commands wait. */
export const isSlowed = ({ draft }: Turn): boolean => draft.restraint.slowMs > 0 && draft.standing === 'normal';

/** A command waits for its time; nothing else does. */
export function holdLine(turn: Turn, line: Uint8Array): void {
  turn.clearTimer('command');
  turn.clearTimer('command-line');
  // A copy: the line is a view of what was read from the socket.
  turn.draft.waitingLine = Uint8Array.from(line);
  turn.enter('slowed', { kind: 'stopped' });
  turn.setTimer('slow', turn.draft.restraint.slowMs);
}

/** And is looked at when that has come. */
export function releaseLine(turn: Turn): void {
  const { waitingLine } = turn.draft;
  if (waitingLine === undefined || turn.draft.phase !== 'slowed') return;
  turn.draft.waitingLine = undefined;
  if (endsHere(turn.draft)) enterCommand(turn);
  else onLine(turn, waitingLine);
}
