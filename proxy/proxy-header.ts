import { Buffer } from 'node:buffer';
import { isPrintable } from '../lib/ascii.ts';
import { assert } from '../lib/assert.ts';
import { parseDecimal } from '../lib/decimal.ts';
import { type Address, canonicalAddress, parseAddress } from '../lib/ip.ts';
import { PROXY_V1_OCTETS_MAX, PROXY_V2_OCTETS_MAX } from './decoder-limits.ts';

/** A PROXY protocol header (versions 1 and 2). `local`: health check or unknown family, the socket's address holds. */
export type ProxyHeader =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'proxied';
      /** Canonical addresses. */
      readonly sourceAddress: string;
      readonly sourcePort: number;
      readonly destinationAddress: string;
      readonly destinationPort: number;
    };

/** One end of a TCP connection. `address`: canonical IPv4 or IPv6 text. `port`: 0 to 65535. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** `octets`: length of the header; of a fault, up to and including the octet that showed it. */
export type ProxyHeaderReading =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly octets: number }
  | { readonly kind: 'fault'; readonly octets: number };

const CR = 0x0d;
const LF = 0x0a;
const PORT_MAX = 65_535;
const local: ProxyHeader = { kind: 'local' };
const incomplete: ProxyHeaderReading = { kind: 'incomplete' };
const fault = (octets: number): ProxyHeaderReading => ({ kind: 'fault', octets });

/** Beginnings of a version 1 header. */
const v1Beginnings: readonly string[] = ['PROXY TCP4 ', 'PROXY TCP6 ', 'PROXY UNKNOWN'];
/** Signature of a version 2 header. */
const v2Signature: Uint8Array = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_OCTETS = 16;
const V2_VERSION = 0x20;
const V2_LOCAL = 0x0;
const V2_PROXY = 0x1;
const V2_UNIX = 0x3;
const V2_DATAGRAM = 0x2;
const V2_TCP_IPV4 = 0x11;
const V2_TCP_IPV6 = 0x21;
/** ::ffff:0:0 (RFC 4291 section 2.5.5.2). */
const IPV4_MAPPED = 0xffff_0000_0000n;

/**
 * Reads a PROXY protocol header off the start of a connection (HAProxy's proxy-protocol.txt, sections 2.1 and 2.2).
 *
 * @param octets - What has come so far, from the first octet on; no more than `PROXY_V2_OCTETS_MAX` of it are looked at.
 * @returns `fault` with the first octet that cannot belong to a header, or when a header is over its limit.
 */
export function readProxyHeader(octets: Uint8Array): ProxyHeaderReading {
  if (octets.length === 0) return incomplete;
  return octets[0] === v2Signature[0] ? readV2(octets) : readV1(octets);
}

function readV1(octets: Uint8Array): ProxyHeaderReading {
  const head = octets.subarray(0, PROXY_V1_OCTETS_MAX);
  const text = Buffer.from(head).toString('latin1');
  for (const [index, octet] of head.entries()) {
    if (octet === CR && index + 1 < head.length) {
      const header = head[index + 1] === LF ? parseProxyHeaderV1(text.slice(0, index)) : undefined;
      return header === undefined ? fault(index + 2) : { kind: 'header', header, octets: index + 2 };
    }
    if (octet !== CR && !(isPrintable(octet) && mayBeginV1(text.slice(0, index + 1)))) return fault(index + 1);
  }
  return head.length === PROXY_V1_OCTETS_MAX ? fault(head.length) : incomplete;
}

const mayBeginV1 = (text: string): boolean =>
  v1Beginnings.some((beginning) => beginning.startsWith(text) || text.startsWith(beginning));

/**
 * Parses a version 1 header (proxy-protocol.txt section 2.1).
 *
 * @param line - The whole line without its CRLF.
 * @returns undefined for what is not one: other blanks, an address not of its family, a port with a leading zero or above 65535.
 */
export function parseProxyHeaderV1(line: string): ProxyHeader | undefined {
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) return local;
  const [proxy, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] =
    line.split(' ');
  if (proxy !== 'PROXY' || (family !== 'TCP4' && family !== 'TCP6') || rest.length > 0) return undefined;
  // What stands in the text decides, before a mapped address becomes an IPv4 one.
  if ([source, destination].some((address) => address.includes(':') !== (family === 'TCP6'))) return undefined;
  return proxied(
    { address: canonicalAddress(source), port: parsePort(sourcePort) },
    { address: canonicalAddress(destination), port: parsePort(destinationPort) },
  );
}

function parsePort(text: string): number | undefined {
  const port = parseDecimal(text);
  const leadingZero = text.length > 1 && text.startsWith('0');
  return typeof port === 'number' && port <= PORT_MAX && !leadingZero ? port : undefined;
}

interface UncheckedEndpoint {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

function proxied(source: UncheckedEndpoint, destination: UncheckedEndpoint): ProxyHeader | undefined {
  if (source.address === undefined || source.port === undefined) return undefined;
  if (destination.address === undefined || destination.port === undefined) return undefined;
  return {
    kind: 'proxied',
    sourceAddress: source.address,
    sourcePort: source.port,
    destinationAddress: destination.address,
    destinationPort: destination.port,
  };
}

function readV2(octets: Uint8Array): ProxyHeaderReading {
  const wrong = v2Signature.findIndex((octet, index) => index < octets.length && octets[index] !== octet);
  if (wrong >= 0) return fault(wrong + 1);
  const [versionAndCommand, family] = octets.subarray(v2Signature.length);
  if (versionAndCommand === undefined) return incomplete;
  const command = versionAndCommand ^ V2_VERSION;
  if (command !== V2_LOCAL && command !== V2_PROXY) return fault(v2Signature.length + 1);
  if (family === undefined) return incomplete;
  if (command === V2_PROXY && !isV2Family(family)) return fault(v2Signature.length + 2);
  if (octets.length < V2_FIXED_OCTETS) return incomplete;
  const length = V2_FIXED_OCTETS + readUint16(octets, V2_FIXED_OCTETS - 2);
  const needed = V2_FIXED_OCTETS + (command === V2_PROXY ? addressOctetsOf(family) : 0);
  if (length > PROXY_V2_OCTETS_MAX || length < needed) return fault(V2_FIXED_OCTETS);
  if (octets.length < length) return incomplete;
  const header = command === V2_LOCAL ? local : parseV2Addresses(family, octets.subarray(V2_FIXED_OCTETS, length));
  return header === undefined ? fault(length) : { kind: 'header', header, octets: length };
}

/** Families AF_UNSPEC to AF_UNIX, transports UNSPEC to DGRAM; others must be rejected (section 2.2). */
const isV2Family = (family: number): boolean => family >> 4 <= V2_UNIX && (family & 0x0f) <= V2_DATAGRAM;

function addressOctetsOf(family: number): number {
  if (family === V2_TCP_IPV4) return 2 * 4 + 4;
  return family === V2_TCP_IPV6 ? 2 * 16 + 4 : 0;
}

/** What lies behind the addresses are TLVs; none of them is used. Families other than TCP over IP say nothing of an SMTP client. */
function parseV2Addresses(family: number, block: Uint8Array): ProxyHeader | undefined {
  if (family !== V2_TCP_IPV4 && family !== V2_TCP_IPV6) return local;
  const size = family === V2_TCP_IPV4 ? 4 : 16;
  return proxied(
    { address: canonicalAddress(addressText(block.subarray(0, size))), port: readUint16(block, 2 * size) },
    { address: canonicalAddress(addressText(block.subarray(size, 2 * size))), port: readUint16(block, 2 * size + 2) },
  );
}

function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  return Array.from({ length: 8 }, (_, group) => readUint16(octets, 2 * group).toString(16)).join(':');
}

const readUint16 = (octets: Uint8Array, at: number): number => ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);

/**
 * Encodes a version 1 header (section 2.1) for the server behind. Of two families, the IPv4 address is written as a mapped
 * IPv6 one.
 */
export function encodeProxyHeaderV1(source: Endpoint, destination: Endpoint): Uint8Array {
  const [from, to] = [addressOf(source), addressOf(destination)];
  const asIpv6 = from.family === 6 || to.family === 6;
  const text = ({ family, text }: Address): string => (asIpv6 && family === 4 ? `::ffff:${text}` : text);
  const line = `PROXY ${asIpv6 ? 'TCP6' : 'TCP4'} ${text(from)} ${text(to)} ${source.port} ${destination.port}\r\n`;
  return Buffer.from(line, 'latin1');
}

/**
 * Encodes a version 2 header without TLVs (section 2.2) for the server behind. Of two families, the IPv4 address is written
 * as a mapped IPv6 one.
 */
export function encodeProxyHeaderV2(source: Endpoint, destination: Endpoint): Uint8Array {
  const addresses = [addressOf(source), addressOf(destination)];
  const asIpv6 = addresses.some(({ family }) => family === 6);
  const family = asIpv6 ? V2_TCP_IPV6 : V2_TCP_IPV4;
  const length = addressOctetsOf(family);
  const block = [
    ...addresses.flatMap((address) => octetsOf(address, asIpv6)),
    ...[source, destination].flatMap(({ port }) => [port >> 8, port & 0xff]),
  ];
  return Uint8Array.of(...v2Signature, V2_VERSION | V2_PROXY, family, length >> 8, length & 0xff, ...block);
}

function addressOf(endpoint: Endpoint): Address {
  const address = parseAddress(endpoint.address);
  assert(address !== undefined, 'an endpoint has a canonical address');
  return address;
}

/** Network byte order. */
function octetsOf(address: Address, asIpv6: boolean): number[] {
  const value = asIpv6 && address.family === 4 ? IPV4_MAPPED | address.value : address.value;
  const digits = value.toString(16).padStart(asIpv6 ? 32 : 8, '0');
  return [...Buffer.from(digits, 'hex')];
}
