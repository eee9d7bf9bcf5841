import { domainToASCII } from 'node:url';

/** A mail address as it is looked for. */
export interface SoughtAddress {
  /** Without quoting, NFC, lower case. */
  readonly local: string;
  /** A-labels in lower case, or an address literal with its brackets. */
  readonly domain: string;
  /** The keyed hash that stands in events behind `h:` where local parts are hashed; undefined where it is not known. */
  readonly localHash: string | undefined;
}

/** Where the local part of the sought address stands in a text. */
export interface Occurrence {
  readonly start: number;
  /** The index behind it. */
  readonly end: number;
  /** It is the keyed hash, without the `h:` before it. */
  readonly isHash: boolean;
  /** Lower-case detail of a subaddress: what is behind the plus sign; undefined for none. */
  readonly detail: string | undefined;
}

/**
 * What may stand between the two parts of an address: the at sign, as it is, in a URL (`%40`) or in xtext (`+40`); `%` of a route,
 * `=` where it stands within the local part of another address (VERP, SRS), and `!` of a route, with the domain first.
 */
const separator = /@|%40|\+40|%|=|!/g;

/** Of a local part: what ordinary mailbox names are made of, and all other signs of RFC 5322 section 3.2.3 (`atext`) and the dot. */
const localSign = /[a-z0-9!#$%&'*+\-/=?^_`{|}~.]|(?![\x00-\x7f])[\p{L}\p{M}\p{N}\p{S}]/iu;
/** Signs of `atext` that no ordinary mailbox name has: behind one of them another text may end, such as `to=` or `prvs=1234567890=`. */
const breakSigns: ReadonlySet<string> = new Set([...'!#$%&*/=?^`{|}~']);
/** Signs that only inside of a name are a part of it: in front they are quotes and dashes. */
const edgeSigns: ReadonlySet<string> = new Set([..."'.+-"]);
const domainSign = /[a-z0-9\-_.\u3002\uff0e\uff61\p{L}\p{M}\p{N}]/iu;
/** A character that an event holds as its escape: a control, or a mark of direction. */
const escapeBefore = /^u[0-9a-f]{4}/i;

/**
 * Where an address stands in a text of an event, in any case, also quoted, with a detail (`anna+x@example.com`), or inside of a longer
 * local part that is made of it by a known pattern. Never inside of another name: `joanna@example.com`, `anna@example.com.example`.
 *
 * @param isCut - The text was cut off at its end, so the domain may be, too.
 * @returns In order; they do not overlap.
 */
export function occurrencesIn(text: string, sought: SoughtAddress, isCut: boolean): readonly Occurrence[] {
  const found: Occurrence[] = [];
  let done = 0;
  for (const match of text.matchAll(separator)) {
    const [sign] = match;
    const before = isDomainAt(text, match.index + sign.length, sought, isCut && sign === '@')
      ? localBefore(text, match.index, sign, sought)
      : undefined;
    const occurrence = before ?? (isDomainFirst(sign) ? localBehind(text, match.index, sought) : undefined);
    if (occurrence === undefined || occurrence.start < done) continue;
    found.push(occurrence);
    done = occurrence.end;
  }
  return found;
}

const isDomainFirst = (sign: string): boolean => sign === '!' || sign === '=';

const isSameDomain = (text: string, domain: string): boolean => {
  const lower = text.toLowerCase();
  return lower === domain || (lower.length > 0 && /[^\x00-\x7f]/.test(lower) && domainToASCII(lower) === domain);
};

/** Is it the sought domain, and not only the beginning of a longer one? */
function isDomainAt(text: string, start: number, { domain }: SoughtAddress, isCut: boolean): boolean {
  const end = endOfDomain(text, start);
  if (isCut && end === text.length && domain.startsWith(text.slice(start).toLowerCase())) return true;
  // The end of a sentence, a dash.
  const name = text.slice(start, end).replace(/[.\-_]+$/, '');
  return isSameDomain(name, domain);
}

function endOfDomain(text: string, start: number): number {
  if (text[start] === '[') {
    const close = text.indexOf(']', start);
    return close === -1 ? text.length : close + 1;
  }
  let end = start;
  while (end < text.length && domainSign.test(text.charAt(end)) && !text.startsWith('..', end)) end += 1;
  return end;
}

/** The local part that ends at an index. */
function localBefore(text: string, end: number, sign: string, sought: SoughtAddress): Occurrence | undefined {
  if (text[end - 1] === '"') return quotedBefore(text, end - 1, sought);
  const first = startOfLocal(text, end);
  if (text.slice(first, end).toLowerCase() === sought.localHash && /h:$/i.test(text.slice(0, first)))
    return { start: first, end, isHash: true, detail: undefined };
  let isEdge = true;
  for (let start = first; start < end; start += 1) {
    const behind = text.charAt(start - 1);
    const mayBegin = isEdge || breakSigns.has(behind) || (sign === '=' && behind === '+');
    const detail = mayBegin ? detailOf(text.slice(start, end), sought) : 'other';
    if (detail !== 'other') return { start, end, isHash: false, detail: detail.detail };
    isEdge &&= edgeSigns.has(text.charAt(start));
  }
  return undefined;
}

function startOfLocal(text: string, end: number): number {
  let start = end;
  while (start > 0 && localSign.test(text.charAt(start - 1)) && !text.startsWith('..', start - 2)) start -= 1;
  const isEscaped = text[start - 1] === '\\';
  return isEscaped && escapeBefore.test(text.slice(start, end)) ? start + 5 : start;
}

/** RFC 5321 section 4.1.2, `Quoted-string`. @param close - Index of its last quote. */
function quotedBefore(text: string, close: number, sought: SoughtAddress): Occurrence | undefined {
  let open = close - 1;
  while (open >= 0 && (text[open] !== '"' || text[open - 1] === '\\')) open -= 1;
  if (open < 0) return undefined;
  const detail = detailOf(text.slice(open + 1, close).replace(/\\(.)/g, '$1'), sought);
  return detail === 'other' ? undefined : { start: open + 1, end: close, isHash: false, detail: detail.detail };
}

/** The local part behind a domain: `example.com!anna`, and of an address that a forwarder rewrote (SRS) `…=example.com=anna@…`. */
function localBehind(text: string, at: number, sought: SoughtAddress): Occurrence | undefined {
  let first = at;
  while (first > 0 && domainSign.test(text.charAt(first - 1))) first -= 1;
  if (!isSameDomain(text.slice(first, at), sought.domain)) return undefined;
  const start = at + 1;
  let end = start;
  while (end < text.length && localSign.test(text.charAt(end))) end += 1;
  const detail = detailOf(text.slice(start, end), sought);
  return detail === 'other' ? undefined : { start, end, isHash: false, detail: detail.detail };
}

/** The detail of a local part that is the sought one in any of its spellings; `other` for somebody else's. */
function detailOf(spelling: string, { local }: SoughtAddress): { readonly detail: string | undefined } | 'other' {
  for (const each of spellingsOf(spelling)) {
    const normal = each.normalize('NFC').toLowerCase();
    if (normal === local) return { detail: undefined };
    if (normal.startsWith(`${local}+`)) return { detail: normal.slice(local.length + 1) };
  }
  return 'other';
}

/** As it is, out of xtext (RFC 3461 section 4), and out of a URL. */
const spellingsOf = (spelling: string): readonly string[] => [
  spelling,
  spelling.replace(/\+([0-7][0-9a-f])/gi, charOfHex),
  spelling.replace(/%([0-7][0-9a-f])/gi, charOfHex),
];

const charOfHex = (_match: string, digits: string): string => String.fromCharCode(Number.parseInt(digits, 16));
