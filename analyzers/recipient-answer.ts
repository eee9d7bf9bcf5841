import type { EventByType } from '../events/event.ts';

/** What a RCPT command taught its client about a forward-path. */
export type RecipientAnswer = 'known' | 'unknown' | 'neither';

/** Enhanced codes that say that there is no such mailbox (RFC 3463 section 3.2; 5.1.10 is RFC 7505). */
const unknownCodes: ReadonlySet<string> = new Set(['5.1.0', '5.1.1', '5.1.3', '5.1.6', '5.1.10', '5.2.1']);
/** Old servers say it in words only. */
const unknownWords = /user|mailbox|recipient|address|account|unknown|no such|not exist|not found|invalid/i;
/** And other things in similar words. */
const otherWords = /relay|spam|block|polic|list|denied|reject|auth|reputation|quota|full|size|rate|temporar/i;

/** Reads the answer to a RCPT command off its event. */
export function recipientAnswer({ reply, verdict, observed }: EventByType<'command'>): RecipientAnswer {
  if (verdict.rule === 'recipient.unknown') return 'unknown';
  if (reply === undefined) return 'neither';
  const { code, enhanced, text, from } = reply;
  if (code >= 200 && code < 300) return isUnknownToList(observed) ? 'unknown' : 'known';
  if (from !== 'upstream' || (code !== 550 && code !== 551 && code !== 553)) return 'neither';
  if (enhanced !== undefined) return unknownCodes.has(enhanced) ? 'unknown' : 'neither';
  return unknownWords.test(text) && !otherWords.test(text) ? 'unknown' : 'neither';
}

/** The server behind takes everything, but the list of known addresses does not have it. */
const isUnknownToList = (observed: EventByType<'command'>['observed']): boolean =>
  observed?.some(({ rule }) => rule === 'recipient.unknown') === true;
