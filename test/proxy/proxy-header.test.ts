import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PROXY_V1_OCTETS_MAX, PROXY_V2_OCTETS_MAX } from '../../proxy/decoder-limits.ts';
import {
  encodeProxyHeaderV1,
  encodeProxyHeaderV2,
  type ProxyHeaderReading,
  parseProxyHeaderV1,
  readProxyHeader,
} from '../../proxy/proxy-header.ts';
import { latin1Of, octetsOf } from '../support/chunking.ts';

const proxied = (sourceAddress: string, sourcePort: number, destinationAddress: string, destinationPort: number) => ({
  kind: 'proxied',
  sourceAddress,
  sourcePort,
  destinationAddress,
  destinationPort,
});

/** What every prefix says: incomplete up to the last octet, then the outcome, whatever lies behind. */
function readAll(input: string): ProxyHeaderReading {
  const octets = octetsOf(`${input}behind\r\n`);
  const outcome = readProxyHeader(octets);
  for (let length = 0; length <= octets.length; length += 1) {
    const known = outcome.kind !== 'incomplete' && length >= outcome.octets;
    expect(readProxyHeader(octets.subarray(0, length))).toEqual(known ? outcome : { kind: 'incomplete' });
  }
  return outcome;
}

const ipv6Max = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';

test.each([
  { line: 'PROXY TCP4 192.0.2.107 192.0.2.1 4242 25', header: proxied('192.0.2.107', 4242, '192.0.2.1', 25) },
  { line: 'PROXY TCP4 255.255.255.255 0.0.0.0 65535 0', header: proxied('255.255.255.255', 65_535, '0.0.0.0', 0) },
  { line: 'PROXY TCP6 2001:DB8:0:0::1 2001:db8::2 1 25', header: proxied('2001:db8::1', 1, '2001:db8::2', 25) },
  { line: 'PROXY TCP6 ::ffff:192.0.2.5 ::ffff:c000:201 1 25', header: proxied('192.0.2.5', 1, '192.0.2.1', 25) },
  { line: `PROXY TCP6 ${ipv6Max} ${ipv6Max} 65535 65535`, header: proxied(ipv6Max, 65_535, ipv6Max, 65_535) },
  { line: 'PROXY UNKNOWN', header: { kind: 'local' } },
  { line: `PROXY UNKNOWN ${ipv6Max} ${ipv6Max} 65535 65535`, header: { kind: 'local' } },
  { line: 'PROXY UNKNOWN whatever', header: { kind: 'local' } },
])('version 1: $line', ({ line, header }) => {
  expect(parseProxyHeaderV1(line)).toEqual(header);
  expect(readAll(`${line}\r\n`)).toEqual({ kind: 'header', header, octets: line.length + 2 });
});

test.each([
  'PROXY',
  'PROXY ',
  'PROXY TCP4',
  'PROXY TCP4 192.0.2.1 192.0.2.2 1',
  'PROXY TCP4 192.0.2.1 192.0.2.2 1 25 ',
  'PROXY TCP4 192.0.2.1  192.0.2.2 1 25',
  'PROXY  TCP4 192.0.2.1 192.0.2.2 1 25',
  'PROXY TCP4\t192.0.2.1 192.0.2.2 1 25',
  'PROXY tcp4 192.0.2.1 192.0.2.2 1 25',
  'PROXY UDP4 192.0.2.1 192.0.2.2 1 25',
  'PROXY TCP4 192.0.2.1 192.0.2.2 01 25',
  'PROXY TCP4 192.0.2.1 192.0.2.2 65536 25',
  'PROXY TCP4 192.0.2.1 192.0.2.2 +1 25',
  'PROXY TCP4 192.0.2.1 192.0.2.2 0x1 25',
  'PROXY TCP4 192.0.2.01 192.0.2.2 1 25',
  'PROXY TCP4 192.0.2 192.0.2.2 1 25',
  'PROXY TCP4 2001:db8::1 2001:db8::2 1 25',
  'PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 25',
  'PROXY TCP6 192.0.2.1 192.0.2.2 1 25',
  'PROXY TCP6 2001:db8::1%eth0 2001:db8::2 1 25',
  'PROXY UNKNOWNS',
  'PROXYTCP4 192.0.2.1 192.0.2.2 1 25',
  'proxy TCP4 192.0.2.1 192.0.2.2 1 25',
])('version 1: %j is not one', (line) => {
  expect(parseProxyHeaderV1(line)).toBeUndefined();
  expect(readAll(`${line}\r\n`)).toMatchObject({ kind: 'fault' });
});

test.each([
  { what: 'an EHLO', input: 'EHLO x\r\n', octets: 1 },
  { what: 'another word', input: 'PROXX', octets: 5 },
  { what: 'another family', input: 'PROXY TCP5 ', octets: 10 },
  { what: 'a control character', input: 'PROXY TCP4 1\0', octets: 13 },
  { what: 'a bare LF', input: 'PROXY UNKNOWN\n', octets: 14 },
  { what: 'a bare CR', input: 'PROXY UNKNOWN\rx', octets: 15 },
  { what: 'no end (ID-05)', input: `PROXY TCP4 ${'1'.repeat(100_000)}`, octets: PROXY_V1_OCTETS_MAX },
  { what: 'an end that comes too late', input: `PROXY UNKNOWN ${'1'.repeat(92)}\r\n`, octets: PROXY_V1_OCTETS_MAX },
  { what: 'half a signature', input: '\r\n\r\n\0\r\nQUIX', octets: 11 },
])('a header cannot go on with $what', ({ input, octets }) => {
  expect(readProxyHeader(octetsOf(input))).toEqual({ kind: 'fault', octets });
  expect(readProxyHeader(octetsOf(input.slice(0, octets - 1)))).toEqual({ kind: 'incomplete' });
});

test('the longest version 1 header fits', () => {
  const input = `PROXY UNKNOWN ${'1'.repeat(91)}\r\n`;
  expect(readProxyHeader(octetsOf(input))).toEqual({ kind: 'header', header: { kind: 'local' }, octets: 107 });
});

const signature = '\r\n\r\n\0\r\nQUIT\n';
const v2 = (versionAndCommand: number, family: number, block: string, length = block.length): string =>
  signature + String.fromCharCode(versionAndCommand, family, length >> 8, length & 0xff) + block;
const ipv4Block = '\xc0\x00\x02\x6b\xc0\x00\x02\x01\x10\x92\x00\x19';
const ipv6Block = `\x20\x01\x0d\xb8${'\0'.repeat(11)}\x01\x20\x01\x0d\xb8${'\0'.repeat(11)}\x02\x10\x92\x00\x19`;
const mapped = `${'\0'.repeat(10)}\xff\xff\xc0\x00\x02\x05`;
const ipv4Header = proxied('192.0.2.107', 4242, '192.0.2.1', 25);
const localHeader = { kind: 'local' };

test.each([
  { what: 'TCP over IPv4', input: v2(0x21, 0x11, ipv4Block), header: ipv4Header },
  { what: 'TLVs', input: v2(0x21, 0x11, `${ipv4Block}\x04\x00\x02hi`), header: ipv4Header },
  { what: 'TCP over IPv6', input: v2(0x21, 0x21, ipv6Block), header: proxied('2001:db8::1', 4242, '2001:db8::2', 25) },
  {
    what: 'mapped IPv4',
    input: v2(0x21, 0x21, `${mapped}${mapped}\0\x01\0\x19`),
    header: proxied('192.0.2.5', 1, '192.0.2.5', 25),
  },
  { what: 'LOCAL', input: v2(0x20, 0x00, ''), header: localHeader },
  { what: 'LOCAL with an address', input: v2(0x20, 0x11, ipv4Block), header: localHeader },
  { what: 'LOCAL of any family', input: v2(0x20, 0xff, 'x'), header: localHeader },
  { what: 'AF_UNSPEC', input: v2(0x21, 0x00, 'abc'), header: localHeader },
  { what: 'AF_UNIX', input: v2(0x21, 0x31, 'x'.repeat(216)), header: localHeader },
  { what: 'UDP', input: v2(0x21, 0x12, ipv4Block), header: localHeader },
  { what: 'the longest', input: v2(0x21, 0x11, `${ipv4Block}${'t'.repeat(508)}`), header: ipv4Header },
])('version 2: $what', ({ input, header }) => {
  expect(readAll(input)).toEqual({ kind: 'header', header, octets: input.length });
});

test.each([
  { what: 'version 1', input: v2(0x11, 0x11, ipv4Block), octets: 13 },
  { what: 'version 3', input: v2(0x31, 0x11, ipv4Block), octets: 13 },
  { what: 'an unknown command', input: v2(0x22, 0x11, ipv4Block), octets: 13 },
  { what: 'an unknown family', input: v2(0x21, 0x41, ipv4Block), octets: 14 },
  { what: 'an unknown transport', input: v2(0x21, 0x13, ipv4Block), octets: 14 },
  { what: 'too short for IPv4', input: v2(0x21, 0x11, ipv4Block.slice(1)), octets: 16 },
  { what: 'too short for IPv6', input: v2(0x21, 0x21, ipv4Block), octets: 16 },
  { what: 'too long', input: v2(0x21, 0x11, '', PROXY_V2_OCTETS_MAX - 15), octets: 16 },
])('version 2: $what is a fault at octet $octets', ({ input, octets }) => {
  expect(readAll(input)).toEqual({ kind: 'fault', octets });
});

const anAddress = fc.oneof(
  fc.ipV4(),
  fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }).map((groups) => {
    // One form only, so that what comes back can be compared: no zero group, nothing to shorten.
    return groups.map((group) => (group | 1).toString(16)).join(':');
  }),
);
const anEndpoint = fc.record({ address: anAddress, port: fc.nat(65_535) });

test.each([
  { version: 1, encode: encodeProxyHeaderV1 },
  { version: 2, encode: encodeProxyHeaderV2 },
])('version $version: what is encoded is read back, of any two families', ({ encode }) => {
  fc.assert(
    fc.property(anEndpoint, anEndpoint, (source, destination) => {
      const octets = encode(source, destination);
      expect(readProxyHeader(octets)).toEqual({
        kind: 'header',
        header: proxied(source.address, source.port, destination.address, destination.port),
        octets: octets.length,
      });
    }),
  );
});

test('the encoded headers, to the octet', () => {
  const source = { address: '192.0.2.107', port: 4242 };
  const destination = { address: '192.0.2.1', port: 25 };
  expect(latin1Of(encodeProxyHeaderV1(source, destination))).toBe('PROXY TCP4 192.0.2.107 192.0.2.1 4242 25\r\n');
  expect(latin1Of(encodeProxyHeaderV2(source, destination))).toBe(v2(0x21, 0x11, ipv4Block));
  const ipv6 = { address: '2001:db8::1', port: 4242 };
  const ipv6Destination = { address: '2001:db8::2', port: 25 };
  expect(latin1Of(encodeProxyHeaderV1(ipv6, ipv6Destination))).toBe('PROXY TCP6 2001:db8::1 2001:db8::2 4242 25\r\n');
  expect(latin1Of(encodeProxyHeaderV2(ipv6, ipv6Destination))).toBe(v2(0x21, 0x21, ipv6Block));
  expect(latin1Of(encodeProxyHeaderV1(ipv6, destination))).toBe('PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 4242 25\r\n');
});

test('arbitrary octets never throw, and a verdict does not change with what follows', () => {
  const piece = fc.oneof(
    fc.constantFrom(signature, '\x21\x11\0\x0c', 'PROXY ', 'TCP4 ', 'UNKNOWN', '\r\n', '1.2.3.4 ', '25', '\r', '\0'),
    fc.string({ unit: 'binary-ascii' }),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      readAll(pieces.join(''));
    }),
  );
});
