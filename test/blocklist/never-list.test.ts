import { expect, test } from 'vitest';
import { documentationRanges, neverListOf, specialRanges } from '../../blocklist/never-list.ts';
import { parseAddress, parsePrefix } from '../../lib/ip.ts';

const isIn = (ip: string, list = neverListOf({ prefixes: [], documentation: true })): boolean => {
  const address = parseAddress(ip);
  if (address === undefined) throw new Error(`${ip} is no address`);
  return list.contains(address);
};

test.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '169.254.1.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.168.255.255',
  '198.18.0.1',
  '198.19.255.255',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:10.0.0.1',
  '64:ff9b::808:808',
  'fc00::1',
  'fdff::1',
  'fe80::1',
  'ff02::1',
])('no decision touches %s', (ip) => expect(isIn(ip)).toBe(true));

test.each([
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '::ffff:8.8.8.8',
  '2000::1',
  '2001::1',
  '2002:808:808::1',
  '2600::1',
  'fbff::1',
])('%s is a host like any other', (ip) => expect(isIn(ip)).toBe(false));

test.each(['192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff::1'])(
  '%s is for examples: never touched, unless it plays an attacker',
  (ip) => {
    expect(isIn(ip)).toBe(true);
    expect(isIn(ip, neverListOf({ prefixes: [], documentation: false }))).toBe(false);
  },
);

test('a site adds its own', () => {
  const own = ['8.8.8.8', '9.9.9.0/24'].map((text) => parsePrefix(text)).filter((prefix) => prefix !== undefined);
  const list = neverListOf({ prefixes: own, documentation: false });
  expect(isIn('8.8.8.8', list)).toBe(true);
  expect(isIn('9.9.9.9', list)).toBe(true);
  expect(isIn('8.8.8.9', list)).toBe(false);
  expect(isIn('10.0.0.1', list)).toBe(true);
});

test.each([...specialRanges, ...documentationRanges])('%s is written as it is compared', (range) => {
  expect(parsePrefix(range)?.text).toBe(range);
});
