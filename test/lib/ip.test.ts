import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  canonicalAddress,
  networkKey,
  type Prefix,
  PrefixSet,
  parseAddress,
  parsePrefix,
  prefixOf,
  sourceKey,
} from '../../lib/ip.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['::', '::'],
  ['::1', '::1'],
  ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
  // ID-09: mapped addresses are IPv4 in every spelling.
  ['::ffff:192.0.2.5', '192.0.2.5'],
  ['::ffff:c000:205', '192.0.2.5'],
  ['0:0:0:0:0:FFFF:C000:0205', '192.0.2.5'],
  ['::FFFF:192.0.2.5', '192.0.2.5'],
  // Compatible, not mapped.
  ['::192.0.2.1', '::c000:201'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
])('%s is %s', (text, want) => {
  expect(canonicalAddress(text)).toBe(want);
});

test.each([
  '',
  '192.0.2',
  '192.0.2.256',
  '192.0.2.999',
  '192.0.2.01',
  '0300.0.2.1',
  '0xc0.0.2.1',
  '3221225985',
  '192.0.2.1.',
  ' 192.0.2.1',
  '192.0.2.1 ',
  '192.0.2.+1',
  '192.0.2.1/32',
  'fe80::1%eth0',
  '[::1]',
  ':::',
  '1::2::3',
  '12345::',
  '00001::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8',
  ':1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:',
  'zz::',
  '::ffff:192.0.2.01',
  '::ffff:192.0.2.256',
  '::ffff:0xc0.0.2.1',
  '::1.2.3.4:5',
  '::1\n',
  `${'1:'.repeat(30)}1`,
])('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

test('an address has its value', () => {
  expect(parseAddress('192.0.2.1')?.value).toBe(0xc0_00_02_01n);
  expect(parseAddress('::ffff:192.0.2.1')).toEqual(parseAddress('192.0.2.1'));
  expect(parseAddress('2001:db8::1')?.value).toBe(0x2001_0db8_0000_0000_0000_0000_0000_0001n);
});

test('the canonical form is its own canonical form', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const canonical = canonicalAddress(text);
      expect(canonical).toBeDefined();
      expect(canonicalAddress(canonical ?? '')).toBe(canonical);
      expect(isIP(canonical ?? '')).not.toBe(0);
    }),
  );
});

test('what is taken for an address is one', () => {
  const almost = fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.%/x '), maxLength: 45 });
  fc.assert(
    fc.property(almost, (text) => {
      if (parseAddress(text) !== undefined) expect(isIP(text)).not.toBe(0);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['192.0.2.0/24', '192.0.2.0/24'],
  ['192.0.2.5', '192.0.2.5/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['2001:DB8::/32', '2001:db8::/32'],
  ['2001:db8::1', '2001:db8::1/128'],
  ['::/0', '::/0'],
  ['::ffff:192.0.2.0/120', '192.0.2.0/24'],
  ['::ffff:192.0.2.5', '192.0.2.5/32'],
])('the range %s is %s', (text, want) => {
  expect(parsePrefix(text)?.text).toBe(want);
});

test.each([
  '192.0.2.5/24',
  '2001:db8::1/64',
  '192.0.2.0/33',
  '2001:db8::/129',
  '192.0.2.0/',
  '192.0.2.0/024',
  '192.0.2.0/-1',
  '192.0.2.0/24/24',
  '192.0.2/24',
  '::ffff:192.0.2.0/90',
  '/24',
  '',
])('%j is no range', (text) => {
  expect(parsePrefix(text)).toBeUndefined();
});

const prefixes = (texts: readonly string[]): Prefix[] =>
  texts.map(parsePrefix).filter((prefix) => prefix !== undefined);

test.each([
  { ip: '192.0.2.0', inside: true },
  { ip: '192.0.2.255', inside: true },
  { ip: '192.0.3.0', inside: false },
  { ip: '192.0.1.255', inside: false },
  { ip: '::ffff:192.0.2.5', inside: true },
  { ip: '203.0.113.7', inside: true },
  { ip: '203.0.113.8', inside: false },
  { ip: '2001:db8:ffff::1', inside: true },
  { ip: '2001:db9::', inside: false },
])('$ip is in the set: $inside', ({ ip, inside }) => {
  const set = new PrefixSet(prefixes(['203.0.113.7', '192.0.2.0/24', '192.0.2.128/25', '2001:db8::/32']));
  const address = parseAddress(ip);
  expect(address !== undefined && set.contains(address)).toBe(inside);
});

test('an empty set holds nothing', () => {
  const address = parseAddress('192.0.2.1');
  expect(address !== undefined && new PrefixSet([]).contains(address)).toBe(false);
});

test('a set agrees with a look at every range', () => {
  const anyPrefix = fc.record({ text: fc.oneof(fc.ipV4(), fc.ipV6()), bits: fc.nat({ max: 32 }) });
  fc.assert(
    fc.property(fc.array(anyPrefix, { maxLength: 12 }), fc.oneof(fc.ipV4(), fc.ipV6()), (ranges, probe) => {
      const list = ranges.flatMap(({ text, bits }) => {
        const address = parseAddress(text);
        return address === undefined ? [] : [prefixOf(address, bits)];
      });
      const set = new PrefixSet(list);
      const probes = [probe, ...ranges.map(({ text }) => text)].map(parseAddress).filter((each) => each !== undefined);
      for (const address of probes) {
        const want = list.some(
          ({ family, first, last }) => family === address.family && first <= address.value && address.value <= last,
        );
        expect(set.contains(address)).toBe(want);
      }
    }),
  );
});

test.each([
  ['192.0.2.77', '192.0.2.0/24'],
  ['2001:db8:1:2:3::4', '2001:db8:1::/48'],
  ['2001:db8::1', '2001:db8::/48'],
  ['2001:0:1::', '2001:0:1::/48'],
  ['::3:4:5:6:7:8', '0:0:3::/48'],
  ['::1', '::/48'],
  ['unknown', 'unknown'],
])('the key of %s is %s', (ip, want) => {
  expect(networkKey(ip)).toBe(want);
});

test('the key of a canonical address is its network', () => {
  const group = fc.constantFrom('0', '0', '1', 'abcd');
  const sparse = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), sparse), (text) => {
      const address = parseAddress(text);
      if (address === undefined) throw new Error(text);
      expect(networkKey(address.text)).toBe(prefixOf(address, address.family === 4 ? 24 : 48).text);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  { ip: '198.51.100.7', key: '198.51.100.7' },
  { ip: '2001:db8:1:2:3:4:5:6', key: '2001:db8:1:2::/64' },
  { ip: '2001:db8:1:2::1', key: '2001:db8:1:2::/64' },
  { ip: '2001:db8::1', key: '2001:db8:0:0::/64' },
  { ip: '2001:db8::3:4:5:6:7', key: '2001:db8:0:3::/64' },
  { ip: '::1', key: '0:0:0:0::/64' },
  { ip: '::2:3:4:5:6:7', key: '0:0:2:3::/64' },
  { ip: '::', key: '0:0:0:0::/64' },
])('$ip belongs to $key', ({ ip, key }) => expect(sourceKey(ip)).toBe(key));

test('two addresses are one source exactly when their first 64 bits are the same', () => {
  const group = fc.constantFrom(0, 0, 1, 0xfffe);
  const address = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => {
    const parsed = parseAddress(groups.map((each) => each.toString(16)).join(':'));
    if (parsed?.family !== 6) throw new Error('an IPv6 address');
    return parsed;
  });
  fc.assert(
    fc.property(address, address, (a, b) => {
      expect(sourceKey(a.text) === sourceKey(b.text)).toBe(a.value >> 64n === b.value >> 64n);
    }),
    { numRuns: 2_000 },
  );
});
