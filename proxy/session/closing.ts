import type { AnomalyKind, MailOutcome } from '../../events/event.ts';
import { sourceBlocked } from '../policy/source-blocked.ts';
import type { OwnReply, UpstreamReply } from '../reply.ts';
import { OWN_REPLIES } from './own-replies.ts';
import type { Transaction } from './state.ts';
import { field, replyFacts, type Turn } from './turn.ts';

/** How long a client whose greeting was refused may take to leave, milliseconds: only QUIT is possible. */
export const REFUSED_COMMAND_MS = 15_000;

/** How a session ends. */
export interface Ending {
  readonly closedBy: 'client' | 'upstream' | 'gate';
  /** A last reply that answers no command. */
  readonly reply?: OwnReply | undefined;
  /** Code of a last reply of the server behind that answered no command and was passed on. */
  readonly passedOnCode?: number;
  readonly rule?: string | undefined;
  /** The client's remaining octets are evidence of this. */
  readonly evidence?: AnomalyKind | undefined;
}

/** Back to command mode, unless the session is to end here. */
export function enterCommand(turn: Turn): void {
  const { draft } = turn;
  if (draft.clientGone || draft.clientEnded) {
    closeSession(turn, { closedBy: 'client' });
  } else if (draft.shuttingDown) {
    closeSession(turn, { closedBy: 'gate', reply: OWN_REPLIES.shuttingDown });
  } else if (endsHere(draft)) {
    closeSession(turn, { closedBy: 'gate', reply: draft.restraint.ending, rule: sourceBlocked.id });
  } else {
    turn.enter('command', { kind: 'command' });
    const { commandMs } = turn.settings.deadlines;
    turn.setTimer('command', draft.standing === 'refused' ? Math.min(commandMs, REFUSED_COMMAND_MS) : commandMs);
  }
}

/** A decision ends the session, and there is no forward-path accepted that mail could be lost for. */
export const endsHere = ({ restraint, transaction }: Turn['draft']): boolean =>
  restraint.ending !== undefined &&
  (transaction === undefined || (transaction.acceptedCount === 0 && !transaction.chunked));

/** Ends the mail transaction and records it. `reply`: the final one, where there was one. */
export function endTransaction(turn: Turn, outcome: MailOutcome, reply?: UpstreamReply): void {
  const { draft } = turn;
  const transaction = draft.transaction;
  if (transaction === undefined) return;
  draft.transaction = undefined;
  const withBody = outcome === 'accepted';
  turn.record(
    {
      type: 'mail',
      transaction: transaction.number,
      reversePath: field(transaction.reversePath.text),
      nullReversePath: transaction.reversePath.kind === 'null',
      acceptedCount: transaction.acceptedCount,
      refusedCount: transaction.refusedCount,
      domains: [...transaction.domains],
      octets: transaction.octets,
      outcome,
      ...(reply === undefined ? {} : { reply: replyFacts(reply) }),
      durationUs: Math.max(0, turn.now.monotonicUs - transaction.startedUs),
    },
    withBody,
  );
  noteOutcome(turn, outcome, transaction);
}

function noteOutcome(turn: Turn, outcome: MailOutcome, transaction: Transaction): void {
  const { draft } = turn;
  if (outcome === 'accepted') {
    draft.outcome = 'delivered';
    // A source that delivers mail is not judged by its earlier slips.
    draft.errorCount = 0;
    draft.junkCount = 0;
  } else if (draft.outcome !== 'delivered' || transaction.octets > 0) {
    // A transaction without a body takes nothing away from what was delivered.
    draft.outcome = outcome;
  }
}

/** Ends the leg to the server behind: politely when it is idle, by destroying it when a body or transaction is under way. */
export function leaveUpstream(turn: Turn): void {
  const { draft } = turn;
  if (draft.upstream === 'none' || draft.upstream === 'gone') return;
  const idle =
    draft.upstream === 'open' &&
    draft.phase !== 'sasl' &&
    draft.awaited === undefined &&
    draft.transaction === undefined &&
    !draft.upstreamDirty;
  turn.effect({ kind: idle ? 'end-upstream' : 'abort-upstream' });
  forgetUpstream(turn);
}

/** ABORT-UP: the server behind must see no end of data. */
export function abortUpstream(turn: Turn): void {
  const { draft } = turn;
  if (draft.upstream === 'none' || draft.upstream === 'gone') return;
  turn.effect({ kind: 'abort-upstream' });
  forgetUpstream(turn);
}

export function forgetUpstream(turn: Turn): void {
  turn.draft.upstream = 'gone';
  turn.draft.awaited = undefined;
  turn.clearTimer('upstream-reply');
  turn.clearTimer('upstream-write');
  turn.clearTimer('upstream-tls');
  turn.clearTimer('upstream-connect');
}

/** Ends the session: last reply, upstream leg, then the client's leg with a bounded drain so that the reply arrives. */
export function closeSession(turn: Turn, ending: Ending): void {
  const { draft, settings } = turn;
  if (draft.phase === 'closing' || draft.phase === 'finished') return;
  if (ending.reply !== undefined) turn.writeOwn(ending.reply);
  turn.dropPending();
  leaveWithTransaction(turn, ending);
  for (const name of [
    'command',
    'command-line',
    'slow',
    'sasl',
    'data',
    'client-tls',
    'greeting-hold',
    'progress',
  ] as const) {
    turn.clearTimer(name);
  }
  draft.closing = {
    closedBy: ending.closedBy,
    rule: ending.rule,
    replyCode: ending.reply?.code ?? ending.passedOnCode,
    evidence: ending.evidence,
  };
  if (draft.clientGone) {
    turn.effect({ kind: 'destroy-client' });
    finish(turn);
    return;
  }
  turn.enter('closing', { kind: 'drain' });
  turn.setTimer('drain', settings.deadlines.closeDrainMs);
  turn.effect({ kind: 'close-client', octetsMax: settings.limits.discardOctetsMax });
}

function leaveWithTransaction(turn: Turn, ending: Ending): void {
  const { draft } = turn;
  const committed = draft.awaited === 'end-of-data' || (draft.awaited === 'bdat' && draft.body?.last === true);
  leaveUpstream(turn);
  if (draft.transaction === undefined) return;
  if (committed) {
    turn.anomaly('outcome-unknown');
    endTransaction(turn, 'unknown');
  } else {
    endTransaction(turn, ending.closedBy === 'upstream' ? 'aborted-upstream' : abandonedOutcome(draft.transaction));
  }
}

/** The client ended in the middle of a body: nothing of it may be committed. */
export function endTruncated(turn: Turn): void {
  turn.anomaly('truncated-body');
  abortUpstream(turn);
  closeSession(turn, {
    closedBy: 'client',
    reply: turn.draft.phase === 'discarding' ? undefined : OWN_REPLIES.truncated,
  });
}

/** What became of a transaction that its client gave up: refused altogether, or aborted. */
const abandonedOutcome = ({ acceptedCount, refusedCount }: Transaction): MailOutcome =>
  acceptedCount === 0 && refusedCount > 0 ? 'rejected' : 'aborted-by-client';

/** RSET, EHLO or TLS ended the transaction. */
export function endAbandoned(turn: Turn): void {
  const { transaction } = turn.draft;
  if (transaction !== undefined) endTransaction(turn, abandonedOutcome(transaction));
}

/** Destroys the client's leg without a word. */
export function destroySession(turn: Turn, ending: Ending): void {
  turn.draft.clientGone = true;
  closeSession(turn, ending);
}

/** Everything is over: the last events and effects. */
export function finish(turn: Turn): void {
  const { draft } = turn;
  if (draft.phase === 'finished') return;
  draft.phase = 'finished';
  const closing = draft.closing;
  const rule = closing?.rule ?? draft.refusedBy;
  turn.clearTimer('drain');
  turn.clearTimer('session');
  turn.record({
    type: 'session-closed',
    outcome: draft.outcome,
    closedBy: closing?.closedBy ?? 'client',
    ...(rule === undefined ? {} : { rule }),
    ...(closing?.replyCode === undefined ? {} : { replyCode: closing.replyCode }),
    octetsIn: 0,
    octetsOut: 0,
    commandCount: draft.commandCount,
    errorCount: draft.errorCount,
    durationUs: Math.max(0, turn.now.monotonicUs - draft.openedUs),
  });
  turn.effect({ kind: 'finished' });
}
