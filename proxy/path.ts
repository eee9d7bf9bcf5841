import { domainToASCII } from 'node:url';
import { isAscii, isControl, isDigit, isLetter, upperAscii } from '../lib/ascii.ts';
import { canonicalAddress } from '../lib/ip.ts';
import { err, ok, type Result } from '../lib/result.ts';

/** The domain of a mailbox. */
export type Domain =
  /** `ascii`: canonical A-label form for policy (lower case, one trailing dot removed, UTS 46); undefined if it has none. */
  | { readonly kind: 'name'; readonly text: string; readonly ascii: string | undefined }
  /** `address`: canonical address of an address literal (RFC 5321 section 4.1.3); `text` has its brackets. */
  | { readonly kind: 'literal'; readonly text: string; readonly address: string };

/** A mailbox in angle brackets. `text` is exactly what stood between them, source route included. */
export interface Mailbox {
  readonly kind: 'mailbox';
  readonly text: string;
  /** Local part with quoting removed; compared for policy, never sent. */
  readonly localPart: string;
  readonly domain: Domain;
  /** Hosts of a source route (RFC 5321 appendix C), first hop first; empty for none. */
  readonly sourceRoute: readonly Domain[];
}

/** RFC 5321 section 4.1.1.2. */
export type ReversePath = { readonly kind: 'null'; readonly text: '' } | Mailbox;
/** RFC 5321 section 4.1.1.3: `<postmaster>` may stand without a domain. */
export type ForwardPath = { readonly kind: 'postmaster'; readonly text: string } | Mailbox;

/** What is wrong with a path. */
export type PathFault = 'empty' | 'source-route' | 'local-part' | 'no-domain' | 'domain';

/**
 * Reads what stands between the angle brackets of MAIL (RFC 5321 section 4.1.2). Local parts are read liberally (dots
 * anywhere between atoms, any length), domains strictly: they decide where mail goes.
 */
export const parseReversePath = (text: string): Result<ReversePath, PathFault> =>
  text === '' ? ok({ kind: 'null', text: '' }) : parseMailbox(text);

/** Reads what stands between the angle brackets of RCPT (RFC 5321 section 4.1.2). */
export function parseForwardPath(text: string): Result<ForwardPath, PathFault> {
  if (text === '') return err('empty');
  return upperAscii(text) === 'POSTMASTER' ? ok({ kind: 'postmaster', text }) : parseMailbox(text);
}

/** The argument of MAIL or RCPT taken apart: `path` between the brackets, `rest` with the parameters. */
export interface PathArgument {
  readonly path: string;
  readonly rest: string;
}

/**
 * Finds the path in the argument of MAIL or RCPT: `FROM:` or `TO:` in any case, blanks, then `<`. The bracket that ends it
 * stands outside quotes: `"a> b"@example.com` is one mailbox without parameters.
 *
 * @returns `keyword`: not the word and colon that belong there; `brackets`: no pair of brackets, or something glued to them.
 */
export function splitPath(argument: string, keyword: 'FROM' | 'TO'): Result<PathArgument, 'keyword' | 'brackets'> {
  const colon = keyword.length;
  if (upperAscii(argument.slice(0, colon)) !== keyword || argument[colon] !== ':') return err('keyword');
  let open = colon + 1;
  while (isBlank(argument[open])) open += 1;
  const close = argument[open] === '<' ? indexOfClose(argument, open + 1) : -1;
  const rest = argument.slice(close + 1);
  if (close === -1 || (rest !== '' && !isBlank(rest[0]))) return err('brackets');
  return ok({ path: argument.slice(open + 1, close), rest });
}

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t';

function indexOfClose(text: string, start: number): number {
  let quoted = false;
  for (let index = start; index < text.length; index += 1) {
    const char = text[index];
    if (char === '"') quoted = !quoted;
    else if (quoted && char === '\\') index += 1;
    else if (!quoted && char === '>') return index;
  }
  return -1;
}

/** Something that was read, and the index behind it. */
interface Scanned<T> {
  readonly value: T;
  readonly end: number;
}

function parseMailbox(text: string): Result<Mailbox, PathFault> {
  const route = scanSourceRoute(text);
  if (route === undefined) return err('source-route');
  const local = scanLocalPart(text, route.end);
  if (local === undefined) return err('local-part');
  if (local.end === text.length) return err('no-domain');
  if (text[local.end] !== '@') return err('local-part');
  const domain = scanDomain(text, local.end + 1);
  if (domain?.end !== text.length) return err('domain');
  return ok({ kind: 'mailbox', text, localPart: local.value, domain: domain.value, sourceRoute: route.value });
}

/** `@one,@two:` before a mailbox (RFC 5321 appendix C). */
function scanSourceRoute(text: string): Scanned<readonly Domain[]> | undefined {
  const hops: Domain[] = [];
  if (text[0] !== '@') return { value: hops, end: 0 };
  for (let index = 0; text[index] === '@'; ) {
    const hop = scanDomain(text, index + 1);
    if (hop === undefined) return undefined;
    hops.push(hop.value);
    if (text[hop.end] === ':') return { value: hops, end: hop.end + 1 };
    if (text[hop.end] !== ',') return undefined;
    index = hop.end + 1;
  }
  return undefined;
}

/** The local part with its quoting removed. */
const scanLocalPart = (text: string, start: number): Scanned<string> | undefined =>
  text[start] === '"' ? scanQuoted(text, start + 1) : scanAtoms(text, start);

function scanAtoms(text: string, start: number): Scanned<string> | undefined {
  let end = start;
  while (end < text.length && isAtomCode(text.charCodeAt(end))) end += 1;
  return end === start ? undefined : { value: text.slice(start, end), end };
}

/** RFC 5321 section 4.1.2 (`QcontentSMTP`), RFC 6531 section 3.3. */
function scanQuoted(text: string, start: number): Scanned<string> | undefined {
  let value = '';
  for (let index = start; index < text.length; index += 1) {
    if (text[index] === '"') return { value, end: index + 1 };
    if (text[index] === '\\') index += 1;
    if (index >= text.length || isControl(text.charCodeAt(index))) return undefined;
    value += text.charAt(index);
  }
  return undefined;
}

const atomSpecials: ReadonlySet<number> = new Set([..."!#$%&'*+-/=?^_`{|}~."].map((char) => char.charCodeAt(0)));

/** `atext` of RFC 5322 section 3.2.3 and the dot; beyond ASCII whatever is no control (RFC 6531 section 3.3). */
const isAtomCode = (code: number): boolean =>
  isLetter(code) || isDigit(code) || atomSpecials.has(code) || isBeyondAscii(code);

const isBeyondAscii = (code: number): boolean => code > 0x9f;

const scanDomain = (text: string, start: number): Scanned<Domain> | undefined =>
  text[start] === '[' ? scanLiteral(text, start) : scanName(text, start);

const HYPHEN = 0x2d;

/** Labels of letters, digits, inner hyphens, underscores or characters beyond ASCII, and at most one dot at the end. */
function scanName(text: string, start: number): Scanned<Domain> | undefined {
  let end = start;
  let labelLength = 0;
  let endsInHyphen = false;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (isDot(code)) {
      if (labelLength === 0 || endsInHyphen) return undefined;
      labelLength = 0;
      endsInHyphen = false;
    } else if (isLabelCode(code)) {
      if (labelLength === 0 && code === HYPHEN) return undefined;
      labelLength += 1;
      endsInHyphen = code === HYPHEN;
    } else break;
  }
  if (end === start || endsInHyphen) return undefined;
  const name = text.slice(start, end);
  return { value: { kind: 'name', text: name, ascii: asciiForm(name) }, end };
}

/** UTS 46 takes the ideographic and full-width dots for dots as well. */
const isDot = (code: number): boolean => code === 0x2e || code === 0x3002 || code === 0xff0e || code === 0xff61;

const isLabelCode = (code: number): boolean =>
  isLetter(code) || isDigit(code) || code === HYPHEN || code === 0x5f || isBeyondAscii(code);

/** The canonical form of a name that {@link scanName} read. */
function asciiForm(name: string): string | undefined {
  const mapped = isAscii(name) ? name.toLowerCase() : domainToASCII(name);
  const bare = mapped.endsWith('.') ? mapped.slice(0, -1) : mapped;
  return /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(bare) && !/(?:^|\.)-|-(?:\.|$)/.test(bare) ? bare : undefined;
}

/**
 * The form in which policy compares domain names: A-labels in lower case, no dot at the end (UTS 46).
 *
 * @returns undefined for what is no domain name, or has no such form.
 */
export function canonicalDomain(text: string): string | undefined {
  const domain = parseDomain(text);
  return domain?.kind === 'name' ? domain.ascii : undefined;
}

/** Reads a domain name or an address literal, as it stands behind the at sign of a mailbox. */
export function parseDomain(text: string): Domain | undefined {
  const domain = scanDomain(text, 0);
  return domain?.end === text.length ? domain.value : undefined;
}

/** `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3). */
function scanLiteral(text: string, start: number): Scanned<Domain> | undefined {
  const close = text.indexOf(']', start);
  if (close === -1) return undefined;
  const inner = text.slice(start + 1, close);
  const tagged = upperAscii(inner.slice(0, IPV6_TAG.length)) === IPV6_TAG;
  const written = tagged ? inner.slice(IPV6_TAG.length) : inner;
  const address = written.includes(':') === tagged ? canonicalAddress(written) : undefined;
  if (address === undefined) return undefined;
  return { value: { kind: 'literal', text: text.slice(start, close + 1), address }, end: close + 1 };
}

const IPV6_TAG = 'IPV6:';

/** A local part that old servers route by: percent, bang path, or a second at sign. */
export const routingTrick = (localPart: string): boolean => /[%!@]/.test(localPart);
