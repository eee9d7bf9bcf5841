import { Buffer } from 'node:buffer';
import { isPrintable, upperAscii } from '../lib/ascii.ts';
import { type OwnReply, ownReply } from './reply.ts';
import { isBase64 } from './sasl.ts';
import type { SyntaxFault } from './syntax-fault.ts';

type Foreign = Pick<SyntaxFault, 'rule' | 'reply' | 'close' | 'anomaly'>;

const notSmtp: OwnReply = ownReply(554, '5.5.0', 'This is an SMTP server');
const notAvailable: OwnReply = ownReply(502, '5.5.1', 'Command not implemented');
const notRecognized: OwnReply = ownReply(500, '5.5.2', 'Command not recognized');

const http: Foreign = { rule: 'protocol.http', reply: notSmtp, close: true, anomaly: 'http-on-smtp' };
/** A line of a message in command mode: the client is in a body that the gate is not in. */
const header: Foreign = { rule: 'protocol.desync', reply: notSmtp, close: true, anomaly: 'desync-suspected' };
const proxyHeader: Foreign = { rule: 'protocol.proxy-header', reply: notSmtp, close: true, anomaly: 'proxy-repeat' };
/** The server behind trusts our address: nobody else may name one. */
const xclient: Foreign = {
  rule: 'protocol.private-verb',
  reply: notAvailable,
  close: false,
  anomaly: 'xclient-from-client',
};
/** Verbs that change framing, identity or authentication in ways the gate cannot follow. */
const privateVerb: Foreign = {
  rule: 'protocol.private-verb',
  reply: notRecognized,
  close: false,
  anomaly: 'private-verb',
};
const unavailable: Foreign = { rule: 'protocol.not-available', reply: notAvailable, close: false };
const unknown: Foreign = { rule: 'protocol.unknown-verb', reply: notRecognized, close: false };

const each = (words: string, foreign: Foreign): [string, Foreign][] => words.split(' ').map((word) => [word, foreign]);

/** First words that are known not to be commands of this server. */
const foreignWords: ReadonlyMap<string, Foreign> = new Map([
  ...each('GET POST PUT HEAD OPTIONS CONNECT DELETE PATCH TRACE', http),
  ...each('PROXY', proxyHeader),
  ...each('XCLIENT XFORWARD', xclient),
  ...each('XEXCH50 X-EXPS X-ANONYMOUSTLS X-LINK2STATE XSHADOW XQDISCARD XVERB BURL', privateVerb),
  ...each('SEND SOML SAML TURN ATRN ETRN', unavailable),
]);

/**
 * Judges a line whose first word is none of our verbs.
 *
 * @param text - The line, one character an octet.
 * @param word - Its first word, up to a blank.
 */
export function foreignLine(text: string, word: string): SyntaxFault {
  return { verb: '?', ...foreignOf(text, word), secret: mayHoldSecret(text) || isLoneBase64(text) };
}

function foreignOf(text: string, word: string): Foreign {
  if (looksLikeHeader(word)) return header;
  if (text === 'PRI * HTTP/2.0') return http;
  return foreignWords.get(upperAscii(word)) ?? unknown;
}

/** A name and its colon: a header field, which nothing in SMTP looks like but the arguments of MAIL and RCPT. */
function looksLikeHeader(word: string): boolean {
  const colon = word.indexOf(':');
  for (let index = 0; index < colon; index += 1) if (!isPrintable(word.charCodeAt(index))) return false;
  return colon > 0;
}

/**
 * The line is about authentication, however it is spelt: by SMTP, by the private verb of Exchange, or by a mail user's
 * program that speaks POP3 to the wrong port.
 */
export const mayHoldSecret = (text: string): boolean => /^[ \t]*(?:auth|(?:x-exps|pass)(?![a-z]))/i.test(text);

/** A word of base64 may be the SASL response of a client that did not wait for the reply to its AUTH. */
const isLoneBase64 = (text: string): boolean => text !== '' && isBase64(Buffer.from(text, 'latin1'));
