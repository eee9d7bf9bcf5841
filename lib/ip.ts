import ipaddr from 'ipaddr.js';
import { parseDecimal } from './decimal.ts';

/** Longest text of an address: eight groups, the last two as an IPv4 address. */
const ADDRESS_LENGTH_MAX = 45;

/** An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses do not exist here: they are IPv4. */
export interface Address {
  readonly family: 4 | 6;
  /** Canonical: four decimals, or RFC 5952. */
  readonly text: string;
  /** As one number, most significant octet first. */
  readonly value: bigint;
}

/**
 * Reads an address. Only the forms that every program reads the same way: four decimals from 0 to 255 without leading
 * zeros, or RFC 4291 section 2.2. Octal, hexadecimal, short and integer IPv4, zone ids, brackets and blanks are refused.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > ADDRESS_LENGTH_MAX) return undefined;
  if (!text.includes(':')) {
    const value = parseIpv4(text);
    return value === undefined ? undefined : { family: 4, text, value: BigInt(value) };
  }
  const octets = parseIpv6(text);
  return octets === undefined ? undefined : ofIpv6(octets);
}

/** The canonical text of an address; undefined where {@link parseAddress} refuses it. */
export const canonicalAddress = (text: string): string | undefined => parseAddress(text)?.text;

function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    const octet = part.length > 3 ? undefined : parseDecimal(part);
    if (typeof octet !== 'number' || octet > 255 || String(octet) !== part) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

function parseIpv6(text: string): number[] | undefined {
  const plain = withoutDottedTail(text);
  // Alphabet and length are known from here on: no zone id, nothing for the library's expressions to backtrack on.
  if (plain === undefined || !/^[0-9a-fA-F:]+$/.test(plain) || !ipaddr.IPv6.isValid(plain)) return undefined;
  return ipaddr.IPv6.parse(plain).toByteArray();
}

/** The last 32 bits may stand as an IPv4 address; the library would take `::192.0.2.1` for a mapped address. */
function withoutDottedTail(text: string): string | undefined {
  if (!text.includes('.')) return text;
  const start = text.lastIndexOf(':') + 1;
  const value = parseIpv4(text.slice(start));
  if (value === undefined) return undefined;
  return `${text.slice(0, start)}${Math.floor(value / 65_536).toString(16)}:${(value % 65_536).toString(16)}`;
}

function ofIpv6(octets: number[]): Address {
  const address = new ipaddr.IPv6(octets);
  if (address.isIPv4MappedAddress()) {
    const ipv4 = address.toIPv4Address();
    return { family: 4, text: ipv4.toString(), value: asNumber(ipv4.toByteArray()) };
  }
  return { family: 6, text: address.toRFC5952String(), value: asNumber(octets) };
}

const asNumber = (octets: readonly number[]): bigint =>
  octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);

/** Bits of an address of a family. */
export const bitsOf = (family: 4 | 6): 32 | 128 => (family === 4 ? 32 : 128);

/** A range of addresses. */
export interface Prefix {
  readonly family: 4 | 6;
  /** Bits that are fixed: 0 to 32, or 0 to 128. */
  readonly length: number;
  /** First and last address, as {@link Address.value}. */
  readonly first: bigint;
  readonly last: bigint;
  /** Canonical: first address, slash, length. */
  readonly text: string;
}

/**
 * Reads a range in CIDR notation, or one address as the range of itself. IPv4-mapped ranges become IPv4 ranges.
 *
 * @returns undefined for what is neither, and for a range with bits set behind its length: it is not known whether
 * `192.0.2.5/24` means the network or the host.
 */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const mappedBits = address.family === 4 && text.includes(':') ? 96 : 0;
  const bits = bitsOf(address.family);
  const given = slash === -1 ? bits + mappedBits : parseLength(text.slice(slash + 1));
  const length = given === undefined ? -1 : given - mappedBits;
  if (length < 0 || length > bits) return undefined;
  const prefix = prefixOf(address, length);
  return prefix.first === address.value ? prefix : undefined;
}

/** One to three digits, no leading zero. */
function parseLength(text: string): number | undefined {
  const length = text.length > 3 || (text.startsWith('0') && text !== '0') ? undefined : parseDecimal(text);
  return typeof length === 'number' ? length : undefined;
}

/** The range of `length` fixed bits around an address. */
export function prefixOf(address: Address, length: number): Prefix {
  const { family } = address;
  const hostBits = BigInt(bitsOf(family) - length);
  const first = (address.value >> hostBits) << hostBits;
  const last = first | ((1n << hostBits) - 1n);
  return { family, length, first, last, text: `${addressText(family, first)}/${length}` };
}

/** Have two networks an address in common? One of them is then within the other. */
export const haveCommon = (one: Prefix, other: Prefix): boolean =>
  one.family === other.family && one.first <= other.last && other.first <= one.last;

/** Canonical text of an address given as a number, as {@link Address.value}. */
export function addressText(family: 4 | 6, value: bigint): string {
  const octets = Array.from({ length: bitsOf(family) / 8 }, (_, index) =>
    Number((value >> BigInt(bitsOf(family) - 8 - 8 * index)) & 0xffn),
  );
  return family === 4 ? octets.join('.') : new ipaddr.IPv6(octets).toRFC5952String();
}

interface Range {
  readonly first: bigint;
  last: bigint;
}

/** An immutable set of ranges; a lookup costs the logarithm of their number. */
export class PrefixSet {
  readonly #ranges: Readonly<Record<4 | 6, readonly Range[]>>;

  constructor(prefixes: Iterable<Prefix>) {
    const all = [...prefixes];
    this.#ranges = { 4: merged(all.filter(isOf(4))), 6: merged(all.filter(isOf(6))) };
  }

  contains(address: Address): boolean {
    const ranges = this.#ranges[address.family];
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ranges[middle]?.last ?? 0n) < address.value) low = middle + 1;
      else high = middle;
    }
    const candidate = ranges[low];
    return candidate !== undefined && candidate.first <= address.value;
  }
}

const isOf =
  (family: 4 | 6) =>
  (prefix: Prefix): boolean =>
    prefix.family === family;

/** Disjoint ranges in ascending order. */
function merged(prefixes: readonly Prefix[]): readonly Range[] {
  const ranges: Range[] = [];
  for (const { first, last } of prefixes.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const before = ranges.at(-1);
    if (before === undefined || before.last < first) ranges.push({ first, last });
    else if (before.last < last) before.last = last;
  }
  return ranges;
}

const IPV6_GROUPS = 8;

/**
 * The key that keeps a source and its neighbourhood in one partition: its /24 or /48 in CIDR notation. It is taken for every
 * event, so it works on the canonical text alone.
 *
 * @param ip - Canonical address ({@link canonicalAddress}). Any other text has one key too, but none that means anything.
 */
export function networkKey(ip: string): string {
  if (ip.includes(':')) return ipv6NetworkKey(ip);
  const lastDot = ip.lastIndexOf('.');
  return lastDot === -1 ? ip : `${ip.slice(0, lastDot)}.0/24`;
}

function ipv6NetworkKey(ip: string): string {
  const [head = '', tail] = ip.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, IPV6_GROUPS - before.length - after.length) }, () => '0');
  const groups = [...before, ...zeros, ...after].slice(0, 3);
  while (groups.at(-1) === '0') groups.pop();
  return `${groups.join(':')}::/48`;
}

/** Groups of an IPv6 address that one subscriber is given (a /64); below them he has as many addresses as he likes. */
const IPV6_SOURCE_GROUPS = 4;

/**
 * The source that an address belongs to: an IPv4 address, or the /64 of an IPv6 address. By its text, since every connection
 * asks for it and a flood is when it matters.
 *
 * @param ip - Canonical address.
 */
export function sourceKey(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined && groups.length < IPV6_SOURCE_GROUPS) {
    const behind = tail === '' ? [] : tail.split(':');
    while (groups.length + behind.length < 8) groups.push('0');
    groups.push(...behind);
  }
  return `${groups.slice(0, IPV6_SOURCE_GROUPS).join(':')}::/64`;
}
