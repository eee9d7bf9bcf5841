import { type Command, serialiseCommand } from '../command.ts';
import { evaluate } from '../policy/evaluate.ts';
import type { OwnReply, UpstreamReply } from '../reply.ts';
import { abandonTransaction, countOctets, newBody, noteBodyEnd, receivedOctets } from './body.ts';
import { closeSession, endTransaction, enterCommand } from './closing.ts';
import { noteRefusal } from './envelope.ts';
import { OWN_REPLIES } from './own-replies.ts';
import { sourceFacts } from './source-facts.ts';
import type { Transaction } from './state.ts';
import type { Turn } from './turn.ts';

type Bdat = Extract<Command, { verb: 'BDAT' }>;
const NOTHING = new Uint8Array(0);

/** BDAT (RFC 3030): a refused chunk still owns its octets. */
export function onBdat(turn: Turn, command: Bdat): void {
  const { draft } = turn;
  const { transaction } = draft;
  // Octets of a framing that was not offered follow: the session cannot go on.
  if (!draft.offer.keywords.has('CHUNKING')) {
    turn.anomaly('bdat-framing');
    turn.answerOwn(OWN_REPLIES.chunkingNotOffered, { action: 'close', rule: 'protocol.not-available' });
    return closeSession(turn, { closedBy: 'gate', rule: 'protocol.not-available' });
  }
  if (transaction === undefined) return refuseChunk(turn, command, OWN_REPLIES.mailFirst, 'protocol.sequence');
  if (transaction.acceptedCount === 0) {
    abandonTransaction(turn);
    return refuseChunk(turn, command, OWN_REPLIES.noValidRecipients, 'protocol.sequence');
  }
  const octets = transaction.octets + command.octets;
  const verdict = evaluate('data', { ...sourceFacts(turn), octets }, turn.lists);
  if (verdict.action !== 'accept') {
    abandonTransaction(turn);
    noteRefusal(turn);
    return refuseChunk(turn, command, verdict.reply, verdict.rule);
  }
  turn.observe(verdict.observed);
  forwardChunk(turn, command, transaction);
}

/** The octets of a refused chunk are consumed, never parsed; a chunk beyond the bound ends the session instead. */
function refuseChunk(turn: Turn, command: Bdat, reply: OwnReply, rule: string): void {
  const { draft, settings } = turn;
  const { discardOctetsMax } = settings.limits;
  if (command.octets > discardOctetsMax) {
    turn.answerOwn(reply, { action: 'close', rule });
    return closeSession(turn, { closedBy: 'gate', rule });
  }
  draft.discard = { reply, rule, outcome: 'rejected', octets: 0 };
  draft.body = newBody(turn, { last: command.last, chunkOctets: command.octets });
  turn.enter('discarding', { kind: 'discard-bdat', octets: command.octets });
  turn.setTimer('data', settings.deadlines.dataMs);
}

function forwardChunk(turn: Turn, command: Bdat, transaction: Transaction): void {
  const { draft, settings } = turn;
  const field = transaction.chunked ? NOTHING : receivedOctets(turn);
  if (!transaction.chunked) turn.effect({ kind: 'begin-digest' });
  draft.transaction = { ...transaction, chunked: true };
  draft.body = newBody(turn, { last: command.last, chunkOctets: command.octets });
  const head = serialiseCommand({ ...command, octets: command.octets + field.length });
  turn.effect({ kind: 'body-upstream', chunks: field.length > 0 ? [head, field] : [head], digest: false });
  turn.enter('bdat', { kind: 'bdat', octets: command.octets });
  turn.setTimer('data', settings.deadlines.dataMs);
}

export function onChunkOctets(turn: Turn, chunk: Uint8Array, bareLineFeed: boolean): void {
  const { draft } = turn;
  if (!countOctets(turn, chunk.length)) return;
  const { transaction } = draft;
  if (bareLineFeed && transaction !== undefined && !transaction.bareLineFeedNoted) {
    draft.transaction = { ...transaction, bareLineFeedNoted: true };
    turn.anomaly('bare-lf', undefined, 'in a counted chunk: forwarded unchanged');
  }
  turn.effect({ kind: 'body-upstream', chunks: [chunk], digest: true });
  turn.setTimer('data', turn.settings.deadlines.dataMs);
}

export function onChunkEnd(turn: Turn): void {
  const { draft, settings } = turn;
  const { body } = draft;
  turn.clearTimer('data');
  noteBodyEnd(turn);
  turn.awaitUpstream();
  if (body?.earlyReply !== undefined) {
    onBdatReply(turn, body.earlyReply);
    return;
  }
  draft.awaited = 'bdat';
  const { upstreamEndOfDataMs, upstreamReplyMs } = settings.deadlines;
  turn.setTimer('upstream-reply', body?.last === true ? upstreamEndOfDataMs : upstreamReplyMs);
  turn.effect({ kind: 'end-body-upstream', octets: NOTHING, bodyOctets: 0 });
}

/** The reply to one chunk; the one to the last chunk is the verdict on the whole. */
export function onBdatReply(turn: Turn, reply: UpstreamReply): void {
  const { draft } = turn;
  const last = draft.body?.last === true;
  draft.body = undefined;
  turn.answerUpstream(reply);
  if (last) endTransaction(turn, reply.code < 300 ? 'accepted' : 'rejected', reply);
  enterCommand(turn);
}
