import { isAscii, isControl, isPrintable, upperAscii } from '../lib/ascii.ts';
import { parseDecimal } from '../lib/decimal.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { type OwnReply, ownReply } from './reply.ts';
import { decodeXtext } from './xtext.ts';

/** One MAIL or RCPT parameter (RFC 5321 section 4.1.2), as the client wrote it. */
export interface Parameter {
  readonly keyword: string;
  readonly value: string | undefined;
}

/** Parameters that are not forwarded, with the reply they get. */
export interface ParameterFault {
  readonly reply: OwnReply;
}

const malformed: ParameterFault = { reply: ownReply(501, '5.5.4', 'Malformed parameter') };
const repeated: ParameterFault = { reply: ownReply(501, '5.5.4', 'Parameter given twice') };
const badValue: ParameterFault = { reply: ownReply(501, '5.5.4', 'Bad value of a parameter') };
const unknown: ParameterFault = { reply: ownReply(555, '5.5.4', 'Parameter not recognized or not offered') };
const tooBig: ParameterFault = { reply: ownReply(552, '5.3.4', 'Message too big') };

/**
 * Takes the parameters of MAIL or RCPT apart. Their order, case and spelling stay; what they mean is for
 * {@link checkParameters}.
 *
 * @param text - What follows the path: blanks and parameters.
 */
export function parseParameters(text: string): Result<readonly Parameter[], ParameterFault> {
  const parameters: Parameter[] = [];
  for (const word of text.split(/[ \t]/)) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const keyword = equals === -1 ? word : word.slice(0, equals);
    if (keyword === '' || !isAscii(keyword) || hasControl(word)) return err(malformed);
    parameters.push({ keyword, value: equals === -1 ? undefined : word.slice(equals + 1) });
  }
  return ok(parameters);
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (isControl(text.charCodeAt(index))) return true;
  return false;
}

/** What a parameter needs and how its value is read. */
interface Known {
  /** The parameter was offered by this EHLO. */
  isOffered(offered: ReadonlySet<string>): boolean;
  check(value: string | undefined, offered: ReadonlySet<string>): ParameterFault | undefined;
}

const offeredBy =
  (...keywords: readonly string[]): Known['isOffered'] =>
  (offered) =>
    keywords.some((keyword) => offered.has(keyword));

const good = (isGood: boolean): ParameterFault | undefined => (isGood ? undefined : badValue);

/** RFC 1870 section 3. Whether it is too much for this gate is policy; here only what is no number is refused. */
function checkSize(value: string | undefined): ParameterFault | undefined {
  const octets = parseDecimal(value ?? '');
  return octets === 'too-large' ? tooBig : good(octets !== undefined);
}

/** RFC 6152 section 2, RFC 3030 section 3. */
function checkBody(value: string | undefined, offered: ReadonlySet<string>): ParameterFault | undefined {
  switch (upperAscii(value ?? '')) {
    case '7BIT':
      return undefined;
    case '8BITMIME':
      return offered.has('8BITMIME') ? undefined : unknown;
    case 'BINARYMIME':
      return offered.has('BINARYMIME') ? undefined : unknown;
    default:
      return badValue;
  }
}

const checkAbsent = (value: string | undefined): ParameterFault | undefined => good(value === undefined);

/** RFC 3461 section 4.3. */
const checkReturn = (value: string | undefined): ParameterFault | undefined =>
  good(value !== undefined && ['FULL', 'HDRS'].includes(upperAscii(value)));

/** RFC 3461 section 4.4: printable characters; longer ones than the 100 it allows are the server's business. */
function checkEnvelopeId(value: string | undefined): ParameterFault | undefined {
  const codes = decodeXtext(value ?? '');
  return good(codes !== undefined && codes.length > 0 && codes.every(isPrintable));
}

/** RFC 4954 section 5: a mailbox or `<>`, as xtext. */
const checkAuth = (value: string | undefined): ParameterFault | undefined => good(isHarmlessXtext(value ?? ''));

/** RFC 3461 section 4.1: NEVER alone, or a list. */
function checkNotify(value: string | undefined): ParameterFault | undefined {
  const words = upperAscii(value ?? '').split(',');
  const isList = words.every((word) => word === 'SUCCESS' || word === 'FAILURE' || word === 'DELAY');
  return good(isList || (words.length === 1 && words[0] === 'NEVER'));
}

/** RFC 3461 section 4.2, RFC 6533 section 3. What the address means is not judged: `rfc822;root` is as good as any. */
function checkOriginalRecipient(value: string | undefined, offered: ReadonlySet<string>): ParameterFault | undefined {
  const [, type = '', address = ''] = /^([A-Za-z0-9-]+);(.+)$/.exec(value ?? '') ?? [];
  if (upperAscii(type) !== 'UTF-8') return good(isHarmlessXtext(address));
  if (!isAscii(address) && !offered.has('SMTPUTF8')) return badValue;
  return good(isHarmlessXtext(address.replace(/[^\x00-\x7f]/g, 'x')) && !namesControl(address));
}

/** Xtext that decodes to no control character: a server behind that decodes it must not find a line end. */
function isHarmlessXtext(text: string): boolean {
  const codes = decodeXtext(text);
  return codes !== undefined && codes.length > 0 && codes.every((code) => code >= 0x20 && code !== 0x7f);
}

/** `\x{D}` and its like name characters in an address of type utf-8 (RFC 6533 section 3). */
const namesControl = (address: string): boolean => {
  for (const [, digits = ''] of address.matchAll(/\\x\{([0-9A-F]+)\}/gi)) {
    if (isControl(Number.parseInt(digits, 16))) return true;
  }
  return false;
};

const known: Readonly<Record<'MAIL' | 'RCPT', ReadonlyMap<string, Known>>> = {
  MAIL: new Map<string, Known>([
    ['SIZE', { isOffered: offeredBy('SIZE'), check: checkSize }],
    ['BODY', { isOffered: offeredBy('8BITMIME', 'BINARYMIME'), check: checkBody }],
    ['SMTPUTF8', { isOffered: offeredBy('SMTPUTF8'), check: checkAbsent }],
    ['RET', { isOffered: offeredBy('DSN'), check: checkReturn }],
    ['ENVID', { isOffered: offeredBy('DSN'), check: checkEnvelopeId }],
    ['AUTH', { isOffered: offeredBy('AUTH'), check: checkAuth }],
    ['REQUIRETLS', { isOffered: offeredBy('REQUIRETLS'), check: checkAbsent }],
  ]),
  RCPT: new Map<string, Known>([
    ['NOTIFY', { isOffered: offeredBy('DSN'), check: checkNotify }],
    ['ORCPT', { isOffered: offeredBy('DSN'), check: checkOriginalRecipient }],
  ]),
};

/**
 * Judges the parameters of MAIL or RCPT: each must be known, belong to an extension that this EHLO offered, stand once, and
 * have a value of its form (RFC 5321 section 4.1.1.11).
 *
 * @param offered - Keywords of the last EHLO answer, upper case; empty after HELO.
 * @returns The first fault: 555 for what is unknown or was not offered, 552 for a size beyond counting, else 501.
 */
export function checkParameters(
  verb: 'MAIL' | 'RCPT',
  parameters: readonly Parameter[],
  offered: ReadonlySet<string>,
): ParameterFault | undefined {
  const seen = new Set<string>();
  for (const { keyword, value } of parameters) {
    const name = upperAscii(keyword);
    const parameter = known[verb].get(name);
    if (parameter === undefined || !parameter.isOffered(offered)) return unknown;
    if (seen.has(name)) return repeated;
    seen.add(name);
    const fault = parameter.check(value, offered);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** The body size that MAIL declares (RFC 1870), in octets; undefined where it declares none that could be read. */
export function declaredSize(parameters: readonly Parameter[]): number | undefined {
  const size = parameters.find(({ keyword }) => upperAscii(keyword) === 'SIZE');
  const octets = parseDecimal(size?.value ?? '');
  return typeof octets === 'number' ? octets : undefined;
}
