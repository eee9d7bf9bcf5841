import { isDigit, isLetter, upperAscii } from '../lib/ascii.ts';
import { parseDecimal } from '../lib/decimal.ts';
import type { UpstreamReply } from './reply.ts';
import { crossesTlsEnd, isMechanism } from './sasl.ts';

/** What decides, beside the server's own answer, which capabilities a client is offered. */
export interface CapabilityFacts {
  /** The client's leg is TLS. */
  readonly clientTls: boolean;
  /** This listener can start TLS: it has a certificate and its port does not begin with TLS. */
  readonly startTlsHere: boolean;
  /** AUTH is offered on a leg without TLS as well. */
  readonly authInClear: boolean;
  readonly authenticated: boolean;
  /** Both legs are TLS, and the certificate of the server behind was verified (RFC 8689 section 2). */
  readonly bothLegsVerifiedTls: boolean;
  /** Own limit of a body, octets. */
  readonly messageOctetsMax: number;
  /** Own limit of forward-paths in a mail transaction. */
  readonly forwardPathsMax: number;
  /** Mechanisms allowed, upper case; undefined allows every one that can cross a TLS terminator. */
  readonly authMechanisms: readonly string[] | undefined;
}

/** What a client is offered in answer to its EHLO. */
export interface Capabilities {
  /** Upper case; what the client may use until the next EHLO. */
  readonly keywords: ReadonlySet<string>;
  /** SASL mechanisms, upper case. */
  readonly mechanisms: ReadonlySet<string>;
  /** Greatest body, octets: the smaller of the own limit and that of the server behind. */
  readonly sizeOctets: number;
  /** Texts of the reply's lines, greeting line first. */
  readonly lines: readonly string[];
}

/**
 * The extensions that the server behind lists in its EHLO answer (RFC 5321 section 4.1.1.1), in its order: keyword in upper
 * case, and its arguments joined by single spaces. Arguments of a keyword that stands twice are joined as well, and so is
 * the old form `AUTH=LOGIN`. A line that is no `ehlo-line` is left out.
 */
export function keywordsOf(reply: UpstreamReply): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of reply.lines.slice(1)) {
    const [first = '', ...rest] = wordsOf(line.includes('\t') ? line.replaceAll('\t', ' ') : line);
    const oldForm = upperAscii(first.slice(0, AUTH_EQUALS.length)) === AUTH_EQUALS;
    const keyword = oldForm ? 'AUTH' : upperAscii(first);
    if (!isKeyword(keyword)) continue;
    const words = [found.get(keyword) ?? '', oldForm ? first.slice(AUTH_EQUALS.length) : '', ...rest];
    found.set(keyword, words.filter((word) => word !== '').join(' '));
  }
  return found;
}

const AUTH_EQUALS = 'AUTH=';

/** RFC 5321 section 4.1.1.1: `ehlo-keyword`. */
function isKeyword(word: string): boolean {
  for (let index = 0; index < word.length; index += 1) {
    const code = word.charCodeAt(index);
    if (!isLetter(code) && !isDigit(code) && !(code === 0x2d && index > 0)) return false;
  }
  return word !== '';
}

/** The words of a text with blanks around them. */
const wordsOf = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

/** The server behind lists STARTTLS (RFC 3207 section 4). */
export const startTlsOffered = (keywords: ReadonlyMap<string, string>): boolean => keywords.has('STARTTLS');

/** Attribute names that the server behind lists for XCLIENT, upper case; empty where it has none. */
export const xclientAttributes = (keywords: ReadonlyMap<string, string>): ReadonlySet<string> =>
  new Set(wordsOf(keywords.get('XCLIENT') ?? '').map(upperAscii));

/** Extensions that are the client's and the server's affair, offered where the server behind offers them. */
const relayed: ReadonlySet<string> = new Set([
  '8BITMIME',
  'SMTPUTF8',
  'DSN',
  'ENHANCEDSTATUSCODES',
  'CHUNKING',
  'PIPELINING',
]);

/**
 * Cuts the EHLO answer of the server behind down to what the gate can frame and judge: an allow-list, never a list of what
 * is taken out, so that an extension nobody has heard of stays hidden. PIPELINING and STARTTLS are the gate's own.
 *
 * @param reply - Its first line, with the server's name and greeting, is kept as it is.
 */
export function effectiveCapabilities(reply: UpstreamReply, facts: CapabilityFacts): Capabilities {
  const upstream = keywordsOf(reply);
  const mechanisms = facts.clientTls || facts.authInClear ? mechanismsOf(upstream, facts) : new Set<string>();
  const sizeOctets = effectiveSize(upstream.get('SIZE') ?? '', facts.messageOctetsMax);
  const offered = new Map<string, string>();
  for (const [keyword, argument] of upstream) {
    const shown = shownArgument(keyword, argument, { upstream, facts, mechanisms, sizeOctets });
    if (shown !== undefined) offered.set(keyword, shown);
  }
  offered.set('PIPELINING', '');
  // A session that is authenticated may not start TLS any more (RFC 3207 section 4.2).
  if (facts.startTlsHere && !facts.clientTls && !facts.authenticated) offered.set('STARTTLS', '');
  const lines = [...offered].map(([keyword, argument]) => (argument === '' ? keyword : `${keyword} ${argument}`));
  return { keywords: new Set(offered.keys()), mechanisms, sizeOctets, lines: [reply.lines[0] ?? '', ...lines] };
}

interface Context {
  readonly upstream: ReadonlyMap<string, string>;
  readonly facts: CapabilityFacts;
  readonly mechanisms: ReadonlySet<string>;
  readonly sizeOctets: number;
}

/** What stands behind an offered keyword; undefined hides it. */
function shownArgument(keyword: string, argument: string, context: Context): string | undefined {
  if (relayed.has(keyword)) return '';
  const { upstream, facts, mechanisms, sizeOctets } = context;
  switch (keyword) {
    case 'SIZE':
      return String(sizeOctets);
    case 'AUTH':
      return mechanisms.size === 0 ? undefined : [...mechanisms].join(' ');
    case 'BINARYMIME':
      // A body with BODY=BINARYMIME can only come by BDAT (RFC 3030 section 3).
      return upstream.has('CHUNKING') ? '' : undefined;
    case 'REQUIRETLS':
      return facts.bothLegsVerifiedTls ? '' : undefined;
    case 'LIMITS':
      return effectiveLimits(argument, facts.forwardPathsMax);
    default:
      return undefined;
  }
}

/** No limit, `0` and what is no number set none (RFC 1870 section 3); of several the smallest holds. */
function effectiveSize(argument: string, ownMax: number): number {
  const given = wordsOf(argument)
    .map(parseDecimal)
    .filter((octets) => typeof octets === 'number')
    .filter((octets) => octets > 0);
  return Math.min(ownMax, ...given);
}

const knownLimits: ReadonlySet<string> = new Set(['MAILMAX', 'RCPTMAX', 'RCPTDOMAINMAX']);

/** RFC 9422 section 4: limits that are known, the one on forward-paths no greater than our own. */
function effectiveLimits(argument: string, forwardPathsMax: number): string | undefined {
  const limits = new Map<string, number>();
  for (const word of wordsOf(argument)) {
    const [name = '', digits = ''] = word.split('=', 2);
    const value = parseDecimal(digits);
    if (!knownLimits.has(upperAscii(name)) || typeof value !== 'number' || value === 0) continue;
    const own = upperAscii(name) === 'RCPTMAX' ? forwardPathsMax : value;
    limits.set(upperAscii(name), Math.min(value, own, limits.get(upperAscii(name)) ?? value));
  }
  const shown = [...limits].map(([name, value]) => `${name}=${value}`).join(' ');
  return shown === '' ? undefined : shown;
}

/** Mechanisms that may encrypt what follows them: only over TLS, where they need not. */
const overTlsOnly: ReadonlySet<string> = new Set(['GSSAPI', 'GSS-SPNEGO', 'NTLM', 'KERBEROS_V4', 'SRP']);

function mechanismsOf(upstream: ReadonlyMap<string, string>, facts: CapabilityFacts): ReadonlySet<string> {
  const listed = wordsOf(upstream.get('AUTH') ?? '').map(upperAscii);
  // A client that binds to the channel takes a missing -PLUS for a downgrade attack (RFC 5802 section 6).
  const hidesScram = listed.some((mechanism) => mechanism.startsWith('SCRAM-') && mechanism.endsWith('-PLUS'));
  const passes = (mechanism: string): boolean =>
    isMechanism(mechanism) &&
    crossesTlsEnd(mechanism) &&
    !(hidesScram && mechanism.startsWith('SCRAM-')) &&
    (facts.clientTls || !overTlsOnly.has(mechanism)) &&
    (facts.authMechanisms?.includes(mechanism) ?? true);
  return new Set(listed.filter(passes));
}
