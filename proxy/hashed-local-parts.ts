import { Buffer } from 'node:buffer';
import { type EventByType, FIELD_LENGTH_MAX, type MailEvent, REPLY_TEXT_LENGTH_MAX } from '../events/event.ts';
import { upperAscii } from '../lib/ascii.ts';
import { escapeField } from '../lib/escape.ts';
import { parseForwardPath } from './path.ts';
import { decodeXtext } from './xtext.ts';

/** The keyed hash of a local part in its normal form, 16 hexadecimal digits. */
export type HashLocalPart = (localPart: string) => string;

/**
 * An event without the local parts of reverse-paths and forward-paths: `h:` and a keyed hash in their place. Only `command`
 * and `mail` change. The paths themselves are not all that holds them: parameters repeat them (ORCPT, AUTH), servers repeat
 * them in replies, and a line that could not be parsed may hold them anywhere.
 *
 * The null reverse-path and postmaster (RFC 5321 section 4.5.1) are nobody's name and stay.
 */
export function withHashedLocalParts(event: MailEvent, hashOf: HashLocalPart): MailEvent {
  if (event.type === 'command') return hashedCommand(event, hashOf);
  if (event.type !== 'mail') return event;
  const { reversePath, reply } = event;
  return { ...event, reversePath: hashedPath(reversePath, hashOf), ...hashedReply(reply, hashOf) };
}

function hashedCommand(event: EventByType<'command'>, hashOf: HashLocalPart): EventByType<'command'> {
  const { reversePath, forwardPath, parameters, argument, reply, ...rest } = event;
  return {
    ...rest,
    ...(reversePath !== undefined && { reversePath: hashedPath(reversePath, hashOf) }),
    ...(forwardPath !== undefined && { forwardPath: hashedPath(forwardPath, hashOf) }),
    ...(parameters !== undefined && { parameters: parameters.map((each) => hashedParameter(each, hashOf)) }),
    ...(argument !== undefined &&
      !namesSomebody.test(argument) && { argument: hashedText(argument, FIELD_LENGTH_MAX, hashOf) }),
    ...hashedReply(reply, hashOf),
  };
}

/** Lines that are about an address: where one could not be parsed, nobody can tell what in it is a local part. */
const namesSomebody = /^[ \t]*(?:mail|rcpt|vrfy|expn|send|soml|saml)/i;

type Reply = EventByType<'command'>['reply'];

const hashedReply = (reply: Reply, hashOf: HashLocalPart): { readonly reply?: NonNullable<Reply> } =>
  reply === undefined ? {} : { reply: { ...reply, text: hashedText(reply.text, REPLY_TEXT_LENGTH_MAX, hashOf) } };

/** Both spellings of a local part that mail servers take for one have one hash, unlike what RFC 5321 section 2.4 allows. */
const hashed = (localPart: string, hashOf: HashLocalPart): string =>
  `h:${hashOf(localPart.normalize('NFC').toLowerCase())}`;

const isPostmaster = (localPart: string): boolean => upperAscii(localPart) === 'POSTMASTER';

/** A path as an event holds it: escaped, maybe cut off. A source route and the domain stay. */
function hashedPath(path: string, hashOf: HashLocalPart): string {
  if (path === '') return path;
  const parsed = parseForwardPath(path);
  if (!parsed.ok) {
    const at = path.lastIndexOf('@');
    const end = at === -1 ? path.length : at;
    return capped(`${hashed(path.slice(0, end), hashOf)}${path.slice(end)}`);
  }
  const { value } = parsed;
  if (value.kind === 'postmaster' || isPostmaster(value.localPart)) return path;
  const route = value.sourceRoute.length === 0 ? '' : `${value.sourceRoute.map(({ text }) => `@${text}`).join(',')}:`;
  return capped(`${route}${hashed(value.localPart, hashOf)}@${value.domain.text}`);
}

const capped = (text: string): string => escapeField(text, FIELD_LENGTH_MAX);

type Parameter = NonNullable<EventByType<'command'>['parameters']>[number];

/** ORCPT (RFC 3461 section 4.2) and AUTH (RFC 4954 section 5) hold an address in xtext. */
function hashedParameter([keyword, value]: Parameter, hashOf: HashLocalPart): Parameter {
  if (value === undefined) return [keyword];
  const name = upperAscii(keyword);
  if (name === 'AUTH') return [keyword, hashedXtext(value, hashOf)];
  if (name !== 'ORCPT') return [keyword, hashedText(value, FIELD_LENGTH_MAX, hashOf)];
  const start = value.indexOf(';') + 1;
  return [keyword, `${value.slice(0, start)}${hashedXtext(value.slice(start), hashOf)}`];
}

function hashedXtext(value: string, hashOf: HashLocalPart): string {
  if (value === '<>') return value;
  const octets = decodeXtext(value);
  return octets === undefined ? hashed(value, hashOf) : hashedPath(Buffer.from(octets).toString('utf8'), hashOf);
}

/** Text in which addresses may stand: whatever stands before an at sign, up to a blank or a bracket, is a local part. */
function hashedText(text: string, lengthMax: number, hashOf: HashLocalPart): string {
  if (!text.includes('@')) return text;
  let result = '';
  let done = 0;
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const start = startOfLocalPart(text, done, at);
    const localPart = unquoted(text.slice(start, at));
    if (localPart === '' || isPostmaster(localPart)) continue;
    result += text.slice(done, start) + hashed(localPart, hashOf);
    done = at;
  }
  return escapeField(result + text.slice(done), lengthMax);
}

const beforeLocalPart: ReadonlySet<string> = new Set(' \t<>()[],;:"@');

/** @param least - Index below which it cannot begin. */
function startOfLocalPart(text: string, least: number, at: number): number {
  if (text[at - 1] === '"' && at - 1 > least) return startOfQuoted(text, least, at - 2);
  let start = at;
  while (start > least && !beforeLocalPart.has(text.charAt(start - 1))) start -= 1;
  return start;
}

function startOfQuoted(text: string, least: number, last: number): number {
  for (let index = last; index >= least; index -= 1) {
    if (text[index] === '"' && text[index - 1] !== '\\') return index;
  }
  return least;
}

const unquoted = (localPart: string): string =>
  localPart.startsWith('"') ? localPart.slice(1, -1).replace(/\\(.)/g, '$1') : localPart;
