import type { MailOutcome } from '../../events/event.ts';
import { deadlineDataRate } from '../policy/deadline-data-rate.ts';
import { evaluate } from '../policy/evaluate.ts';
import { receivedField } from '../received.ts';
import type { OwnReply, UpstreamReply } from '../reply.ts';
import type { Verdict } from '../verdict.ts';
import { abortUpstream, closeSession, endTransaction, enterCommand } from './closing.ts';
import { sourceFacts } from './source-facts.ts';
import type { Body } from './state.ts';
import type { Turn } from './turn.ts';

const NOTHING = new Uint8Array(0);

/** The transaction ends for the client; the server behind still holds it until RSET or EHLO. */
export function abandonTransaction(turn: Turn): void {
  if (turn.draft.transaction === undefined) return;
  turn.draft.upstreamDirty = true;
  endTransaction(turn, 'rejected');
}

export const newBody = (turn: Turn, chunk: { last: boolean; chunkOctets: number }): Body => ({
  startedUs: turn.now.monotonicUs,
  blockedUs: 0,
  blockedSinceUs: undefined,
  octets: 0,
  earlyReply: undefined,
  ...chunk,
});

/** The Received field for servers that know neither PROXY nor XCLIENT; empty otherwise. */
export function receivedOctets(turn: Turn): Uint8Array {
  const { draft, settings } = turn;
  if (settings.upstream.clientAddress !== 'received') return NOTHING;
  return receivedField({
    heloName: draft.helo?.name ?? '',
    extended: draft.helo?.verb === 'EHLO',
    ip: draft.source.ip,
    hostname: settings.hostname,
    tls: draft.clientTls,
    authenticated: draft.authenticated,
    id: draft.reference,
    wallMs: turn.now.wallMs,
  });
}

/** Counts and judges body octets; false when the body was given up. */
export function countOctets(turn: Turn, octets: number): boolean {
  const { draft } = turn;
  const { body, transaction } = draft;
  if (body === undefined || transaction === undefined) return false;
  draft.body = { ...body, octets: body.octets + octets };
  draft.transaction = { ...transaction, octets: transaction.octets + octets };
  if (isTooSlow(turn, draft.body)) {
    abortUpstream(turn);
    closeSession(turn, {
      closedBy: 'gate',
      reply: deadlineDataRate.reply(turn.settings, draft.reference),
      rule: deadlineDataRate.id,
    });
    return false;
  }
  return true;
}

/** Slow senders hold a slot and a connection behind: least rate after a grace, without the time the server did not read. */
export function isTooSlow(turn: Turn, body: Body): boolean {
  const { limits } = turn.settings;
  if (!turn.enforced('deadline.data-rate')) return false;
  const blockedUs =
    body.blockedUs + (body.blockedSinceUs === undefined ? 0 : turn.now.monotonicUs - body.blockedSinceUs);
  const flowingMs = (turn.now.monotonicUs - body.startedUs - blockedUs) / 1000;
  return flowingMs > limits.dataRateGraceMs && body.octets < (flowingMs / 1000) * limits.dataRateOctetsMin;
}

export function judgeBody(turn: Turn): Verdict {
  const octets = turn.draft.transaction?.octets ?? 0;
  const verdict = evaluate('data', { ...sourceFacts(turn), octets }, turn.lists);
  turn.observe(verdict.observed);
  return verdict;
}

/** The command's time runs from the end of its body, and its event tells the size. */
export function noteBodyEnd(turn: Turn): void {
  const { draft } = turn;
  const { pending, transaction } = draft;
  if (pending === undefined || transaction === undefined) return;
  const facts = pending.facts.verb === 'DATA' ? { ...pending.facts, octets: transaction.octets } : pending.facts;
  draft.pending = { ...pending, facts, startedUs: turn.now.monotonicUs };
}

/** Our reply or the server's, ready to be given at the end of a body that was given up. */
export interface FinalReply {
  readonly reply: OwnReply | UpstreamReply;
  readonly rule?: string;
  readonly outcome: MailOutcome;
  /** Close after the reply instead of going on. */
  readonly close?: boolean;
}

/** ABORT-UP, then read on to the client's end of data so that it sees the reply. */
export function giveUp(turn: Turn, final: FinalReply): void {
  const { draft } = turn;
  abortUpstream(turn);
  draft.discard = { ...final, octets: 0 };
  if (draft.phase === 'bdat' && draft.body !== undefined) {
    turn.enter('discarding', { kind: 'discard-bdat', octets: draft.body.chunkOctets - draft.body.octets });
  } else turn.enter('discarding', { kind: 'discard-data' });
  turn.setTimer('data', turn.settings.deadlines.dataMs);
}

/** Octets of a body that was given up; bounded, then the reply and the end. */
export function onDiscarded(turn: Turn, octets: number): void {
  const { draft, settings } = turn;
  const { discard, body } = draft;
  if (discard === undefined) return;
  draft.discard = { ...discard, octets: discard.octets + octets };
  if (body !== undefined) draft.body = { ...body, octets: body.octets + octets };
  turn.setTimer('data', settings.deadlines.dataMs);
  const slow = draft.body !== undefined && isTooSlow(turn, draft.body);
  if (slow || draft.discard.octets > settings.limits.discardOctetsMax) {
    draft.discard = { ...draft.discard, close: true };
    onDiscardEnd(turn);
  }
}

export function onDiscardEnd(turn: Turn): void {
  const { discard } = turn.draft;
  turn.draft.discard = undefined;
  turn.clearTimer('data');
  if (discard === undefined) return;
  noteBodyEnd(turn);
  answerFinally(turn, discard);
}

/** The final reply to a body that was given up. Without the leg to the server behind the session is an orphan. */
export function answerFinally(turn: Turn, final: FinalReply): void {
  const { draft } = turn;
  const { reply, rule } = final;
  const gone = draft.upstream === 'gone';
  draft.body = undefined;
  if (gone) draft.standing = 'orphan';
  if ('lines' in reply) turn.answerUpstream(reply);
  else {
    const action = reply.code < 500 ? 'defer' : 'refuse';
    turn.answerOwn(reply, rule === undefined ? { action } : { action, rule });
  }
  if (gone) endTransaction(turn, final.outcome, 'lines' in reply ? reply : undefined);
  if (final.close === true) closeSession(turn, { closedBy: 'gate', rule });
  else enterCommand(turn);
}
