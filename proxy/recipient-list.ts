import { Buffer } from 'node:buffer';
import { isAscii } from '../lib/ascii.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { finish, type Steps } from '../lib/steps.ts';
import { isHostName } from './host-name.ts';
import { LIST_LINE_LENGTH_MAX, LIST_LINES_PER_STEP, type ListFault, ListFaults, listLines } from './list-lines.ts';
import { type PackedSet, PackedSetBuilder } from './packed-set.ts';
import { canonicalDomain, parseForwardPath } from './path.ts';

/** Most addresses of one list. */
export const RECIPIENTS_MAX = 2_000_000;
/** Longest local part that near misses are looked for, octets: about 75 lookups an octet. */
export const NEAR_MISS_OCTETS_MAX = 32;

/** How addresses are read. */
export interface RecipientListOptions {
  /** One character; what follows its first place in a local part does not count: `user+tag` is `user` (RFC 5233). */
  readonly delimiter: string | undefined;
  /** Replaces {@link RECIPIENTS_MAX}. */
  readonly recipientsMax?: number;
}

/** The addresses known in some domains; immutable. Local parts are compared without regard to case, domains by canonical form. */
export interface RecipientList {
  /** Addresses, duplicates and catch-all lines included. */
  readonly size: number;
  /** `no-list`: no line of the list is about that domain. */
  isKnown(localPart: string, asciiDomain: string): boolean | 'no-list';
  /** An address of the domain differs by one character more, less, another one, or by two neighbours changed about. */
  isNearMiss(localPart: string, asciiDomain: string): boolean;
}

/**
 * Reads a list of known addresses, one a line: `user@example.com`, or `@example.com` for every address of that domain.
 * `#` at the start of a line or behind a blank begins a comment. A list with a fault is refused as a whole, and so is one
 * without an address.
 *
 * @returns The list, or every fault with its line.
 */
export const parseRecipientList = (
  text: string,
  options: RecipientListOptions,
): Result<RecipientList, readonly ListFault[]> => finish(recipientListSteps(text, options));

/** {@link parseRecipientList} in steps: a list of a million addresses takes seconds. */
export function* recipientListSteps(
  text: string,
  options: RecipientListOptions,
): Steps<Result<RecipientList, readonly ListFault[]>> {
  const recipientsMax = options.recipientsMax ?? RECIPIENTS_MAX;
  const domains = new Map<string, ListedDomain>();
  const addresses = new PackedSetBuilder();
  const faults = new ListFaults();
  let size = 0;
  for (const { line, entry } of listLines(text)) {
    if (line % LIST_LINES_PER_STEP === 0) yield;
    if (entry === '') continue;
    const read = readEntry(entry);
    if (typeof read === 'string') {
      faults.add(line, read);
      continue;
    }
    size += 1;
    if (size > recipientsMax) return err([{ line, reason: `more than ${recipientsMax} addresses` }]);
    const { asciiDomain, localPart } = read;
    const domain = domains.get(asciiDomain) ?? { number: domains.size, catchAll: false };
    domains.set(asciiDomain, { ...domain, catchAll: domain.catchAll || localPart === undefined });
    if (localPart !== undefined) addresses.add(keyOf(domain.number, folded(localPart)));
  }
  if (faults.all.length > 0) return err(faults.all);
  if (size === 0) return err([{ line: 0, reason: 'no address in the list' }]);
  return ok(listOf(domains, yield* addresses.steps(), { size, delimiter: options.delimiter }));
}

interface ListedDomain {
  /** Stands for the domain in the keys of its addresses. */
  readonly number: number;
  readonly catchAll: boolean;
}

interface Entry {
  readonly asciiDomain: string;
  /** Undefined for every address of the domain. */
  readonly localPart: string | undefined;
}

/** One line, or what is wrong with it. */
function readEntry(entry: string): Entry | string {
  if (entry.length > LIST_LINE_LENGTH_MAX) return 'line too long';
  if (entry.startsWith('@')) {
    const asciiDomain = canonicalDomain(entry.slice(1));
    return asciiDomain !== undefined && isHostName(asciiDomain)
      ? { asciiDomain, localPart: undefined }
      : 'not a domain name behind the at sign';
  }
  const path = parseForwardPath(entry);
  if (!path.ok || path.value.kind === 'postmaster') return 'not an address';
  const { domain, localPart } = path.value;
  if (domain.kind === 'literal' || domain.ascii === undefined || !isHostName(domain.ascii)) return 'not a domain name';
  return { asciiDomain: domain.ascii, localPart };
}

/** Local parts that differ in case, or in how an accent is encoded, are one. */
const folded = (localPart: string): string => localPart.normalize('NFC').toLowerCase();

/** Octets of a key before the local part. */
const HEAD_OCTETS = 4;

function keyOf(domainNumber: number, localPart: string): Buffer {
  const key = Buffer.alloc(HEAD_OCTETS + Buffer.byteLength(localPart));
  key.writeUInt32LE(domainNumber);
  key.write(localPart, HEAD_OCTETS);
  return key;
}

function listOf(
  domains: ReadonlyMap<string, ListedDomain>,
  addresses: PackedSet,
  { size, delimiter }: { readonly size: number; readonly delimiter: string | undefined },
): RecipientList {
  const withoutTag = (localPart: string): string => {
    const at = delimiter === undefined ? -1 : localPart.indexOf(delimiter);
    return at > 0 ? localPart.slice(0, at) : localPart;
  };
  return {
    size,
    isKnown(localPart, asciiDomain) {
      const domain = domains.get(asciiDomain);
      if (domain === undefined) return 'no-list';
      if (domain.catchAll) return true;
      const whole = folded(localPart);
      const base = withoutTag(whole);
      const isListed = (name: string): boolean => addresses.has(keyOf(domain.number, name));
      return isListed(whole) || (base !== whole && isListed(base));
    },
    isNearMiss(localPart, asciiDomain) {
      const domain = domains.get(asciiDomain);
      const base = withoutTag(folded(localPart));
      if (domain === undefined || base.length > NEAR_MISS_OCTETS_MAX || !isAscii(base)) return false;
      return hasNeighbour(addresses, keyOf(domain.number, base));
    },
  };
}

/** What mailbox names are made of; other characters are not tried. */
const alphabet: readonly number[] = [...Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789.-_+', 'latin1')];

/** Some member is one edit away from the key; its head stays as it is. */
function hasNeighbour(addresses: PackedSet, key: Uint8Array): boolean {
  for (let at = HEAD_OCTETS; at <= key.length; at += 1) {
    if (hasInsertion(addresses, key, at)) return true;
    if (at < key.length && (hasDeletion(addresses, key, at) || hasSubstitution(addresses, key, at))) return true;
    if (at + 1 < key.length && hasTransposition(addresses, key, at)) return true;
  }
  return false;
}

function hasInsertion(addresses: PackedSet, key: Uint8Array, at: number): boolean {
  const longer = new Uint8Array(key.length + 1);
  longer.set(key.subarray(0, at));
  longer.set(key.subarray(at), at + 1);
  return hasAnyAt(addresses, longer, at);
}

const hasSubstitution = (addresses: PackedSet, key: Uint8Array, at: number): boolean =>
  hasAnyAt(addresses, Uint8Array.from(key), at);

/** A member has some character at this place, and the rest of the key around it. The key is scratch. */
function hasAnyAt(addresses: PackedSet, key: Uint8Array, at: number): boolean {
  for (const octet of alphabet) {
    key[at] = octet;
    if (addresses.has(key)) return true;
  }
  return false;
}

function hasDeletion(addresses: PackedSet, key: Uint8Array, at: number): boolean {
  const shorter = Uint8Array.from(key);
  shorter.copyWithin(at, at + 1);
  return addresses.has(shorter, key.length - 1);
}

function hasTransposition(addresses: PackedSet, key: Uint8Array, at: number): boolean {
  const swapped = Uint8Array.from(key);
  swapped[at] = key[at + 1] ?? 0;
  swapped[at + 1] = key[at] ?? 0;
  return addresses.has(swapped);
}
