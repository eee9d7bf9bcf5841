import { Buffer } from 'node:buffer';
import { REPLY_TEXT_LENGTH_MAX } from '../events/event.ts';
import { assert } from '../lib/assert.ts';
import { escapeField } from '../lib/escape.ts';

/** Most octets of one line of a reply of our own, CRLF included (RFC 5321 section 4.5.3.1.5). */
export const OWN_REPLY_OCTETS_MAX = 512;

/** A whole, valid reply of the server behind (RFC 5321 section 4.2), its text already safe to pass on. */
export interface UpstreamReply {
  /** 200 to 599. */
  readonly code: number;
  /** Text of each line behind the code and separator; no CR, LF or other control characters. */
  readonly lines: readonly string[];
}

/** A reply of the gate's own making. */
export interface OwnReply {
  readonly code: number;
  /** Enhanced status code (RFC 3463), sent only where this session was offered ENHANCEDSTATUSCODES. */
  readonly enhanced?: string;
  readonly text: string;
}

/** A reply of our own with its enhanced status code. */
export const ownReply = (code: number, enhanced: string, text: string): OwnReply => ({ code, enhanced, text });

const isReplyCode = (code: number): boolean => Number.isInteger(code) && code >= 200 && code <= 599;

/**
 * Writes a reply of our own as one line. Its text may come from configuration or policy: whatever is not printable ASCII
 * becomes `?` before it is encoded, since a one-octet encoding would make CR and LF out of U+010D and U+010A.
 *
 * @param withEnhanced - The session was offered ENHANCEDSTATUSCODES (RFC 2034); a code of another class than the reply is
 * left out all the same, and 3xx has none.
 * @returns At most {@link OWN_REPLY_OCTETS_MAX} octets; longer text is cut.
 */
export function encodeOwnReply(reply: OwnReply, withEnhanced: boolean): Uint8Array {
  assert(isReplyCode(reply.code), 'a reply code is 200 to 599');
  const { code, enhanced, text } = reply;
  const shown = withEnhanced && enhanced !== undefined && leadingEnhancedCode(code, enhanced) === enhanced;
  const line = `${code} ${shown ? `${enhanced} ` : ''}${text}`.replace(/[^\x20-\x7e]/gu, '?');
  return Buffer.from(`${line.slice(0, OWN_REPLY_OCTETS_MAX - 2)}\r\n`, 'latin1');
}

/** Writes a reply of the server behind: the same code and texts, in UTF-8, every line with its separator, ended by CRLF. */
export function encodeUpstreamReply(reply: UpstreamReply): Uint8Array {
  assert(isReplyCode(reply.code), 'a reply code is 200 to 599');
  const { code, lines } = reply;
  let whole = '';
  for (let index = 0; index < lines.length - 1; index += 1)
    whole += `${code}-${withoutControls(lines[index] ?? '')}\r\n`;
  whole += `${code} ${withoutControls(lines.at(-1) ?? '')}\r\n`;
  return Buffer.from(whole, 'utf8');
}

/** The decoder has done this already; a reply can be split here only if both fail. */
const withoutControls = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');

/**
 * The enhanced status code of a reply (RFC 2034 section 4): first in the text of its first line, and of the same class as
 * the reply.
 */
export const enhancedCodeOf = (reply: UpstreamReply): string | undefined =>
  leadingEnhancedCode(reply.code, reply.lines[0] ?? '');

/** RFC 3463 section 2: class, subject and detail. */
function leadingEnhancedCode(code: number, text: string): string | undefined {
  const [found, replyClass] = /^([245])\.\d{1,3}\.\d{1,3}(?= |$)/.exec(text) ?? [];
  return replyClass === String(Math.floor(code / 100)) ? found : undefined;
}

/** The text of a reply as an event keeps it: its first line, escaped and capped. The text behind 334 is a SASL challenge. */
export function replyTextForEvent(reply: UpstreamReply | OwnReply): string {
  if (reply.code === 334) return '';
  return escapeField('lines' in reply ? (reply.lines[0] ?? '') : reply.text, REPLY_TEXT_LENGTH_MAX);
}
