import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COUNTRIES_OCTETS_MAX, readCountries } from '../../store/countries.ts';
import { inCountry, type MmdbContent, mmdbOf } from '../support/mmdb.ts';

const networks: MmdbContent['networks'] = {
  '198.51.100.0/24': inCountry('DE'),
  '198.51.100.128/25': inCountry('FR'),
  '203.0.113.7': inCountry('BR'),
  '192.0.2.0/25': { registered_country: { iso_code: 'US' } },
  '192.0.2.128/25': { country: { iso_code: 'NL' }, registered_country: { iso_code: 'US' } },
  '100.64.0.0/10': { continent: { code: 'EU' } },
};
const withIpv6 = { ...networks, '2001:db8::/32': inCountry('SE'), '2001:db8:ffff::/48': inCountry('FI') };

/** The country of each address, or what is wrong. */
function found(file: Uint8Array, addresses: readonly string[]): readonly string[] {
  const countries = readCountries(file);
  if (!countries.ok) throw new Error(countries.error);
  return addresses.map((ip) => {
    const country = countries.value.countryOf(ip);
    return country.ok ? country.value : country.error;
  });
}

const addresses = [
  '198.51.100.0',
  '198.51.100.127',
  '198.51.100.128',
  '198.51.101.0',
  '203.0.113.7',
  '203.0.113.6',
  '192.0.2.1',
  '192.0.2.200',
  '100.64.0.1',
  '127.0.0.1',
];
const countries = ['DE', 'DE', 'FR', '', 'BR', '', 'US', 'NL', '', ''];

test.each([
  { ipVersion: 4, recordSize: 24 },
  { ipVersion: 4, recordSize: 28 },
  { ipVersion: 4, recordSize: 32 },
  { ipVersion: 6, recordSize: 24 },
  { ipVersion: 6, recordSize: 28 },
  { ipVersion: 6, recordSize: 32 },
] as const)('countries of IPv4 in a tree of IPv$ipVersion with $recordSize bits', (shape) => {
  expect(found(mmdbOf({ networks, ...shape }), addresses)).toEqual(countries);
});

test('countries of IPv6; a tree of IPv4 has none, not that of the first four octets', () => {
  const asked = ['2001:db8::1', '2001:db8:ffff::1', '2001:db9::1', '::1', 'c633:6401::1'];
  expect(found(mmdbOf({ networks: withIpv6 }), asked)).toEqual(['SE', 'FI', '', '', '']);
  expect(found(mmdbOf({ networks, ipVersion: 4 }), asked)).toEqual(['', '', '', '', '']);
});

test('a record of a city has more in it', () => {
  const city = {
    city: { geoname_id: 2_950_159, names: { de: 'Berlin', en: 'Berlin', ja: 'ベルリン' } },
    country: { geoname_id: 2_921_044, is_in_european_union: true, iso_code: 'DE' },
    subdivisions: [{ iso_code: 'BE' }],
    note: 'x'.repeat(300),
  };
  expect(found(mmdbOf({ networks: { '198.51.100.0/24': city } }), ['198.51.100.1'])).toEqual(['DE']);
});

test.each([
  ['a name in place of a code', { country: { iso_code: 'Germany' } }],
  ['small letters', { country: { iso_code: 'de' } }],
  ['a number', { country: { iso_code: 49 } }],
  ['text in place of a country', { country: 'DE' }],
  ['text in place of a record', 'DE'],
])('%s is no country', (_what, record) => {
  const file = mmdbOf({ networks: { '203.0.113.7': inCountry('BR'), '198.51.100.0/24': record } });
  expect(found(file, ['203.0.113.7', '198.51.100.1'])).toEqual(['BR', '']);
});

test('it says what it is, in printable text, and when it was made', () => {
  expect(readCountries(mmdbOf({ networks }))).toMatchObject({
    value: { type: 'Test-Country', madeOn: '2026-02-17' },
  });
  const odd = mmdbOf({ networks, metadata: { database_type: `a\n\u001b${'b'.repeat(200)}`, build_epoch: 2n ** 63n } });
  expect(readCountries(odd)).toMatchObject({
    value: { type: expect.stringMatching(/^a\\u000a\\u001bb{87}$/), madeOn: '' },
  });
});

const good = mmdbOf({ networks });
const damaged = 'is damaged: its metadata are not those of its content';

test.each<[what: string, file: Uint8Array, said: string]>([
  ['nothing', new Uint8Array(0), 'is no MaxMind DB, or its end is missing'],
  ['text', Buffer.from('198.51.100.0/24,DE\n'.repeat(10_000)), 'is no MaxMind DB, or its end is missing'],
  ['the first half', good.subarray(0, good.length / 2), 'is no MaxMind DB, or its end is missing'],
  ['much behind its metadata', Buffer.concat([good, Buffer.alloc(131_073)]), 'is no MaxMind DB, or its end is missing'],
  [
    'a later format',
    mmdbOf({ networks, metadata: { binary_format_major_version: 3 } }),
    'is no MaxMind DB of format 2',
  ],
  ['more nodes than it has', mmdbOf({ networks, metadata: { node_count: 100_000 } }), damaged],
  ['no number of nodes', mmdbOf({ networks, metadata: { node_count: 'many' } }), damaged],
  ['an unknown version of IP', mmdbOf({ networks, metadata: { ip_version: 5 } }), damaged],
  ['records of 16 bits', mmdbOf({ networks, metadata: { record_size: 16 } }), 'is damaged: Unsupported record size'],
  [
    'operators of networks',
    mmdbOf({ networks: { '198.51.100.0/24': { autonomous_system_number: 64_496 } } }),
    'has no countries: give a file of countries or cities',
  ],
  ['no network', mmdbOf({ networks: {} }), 'has no countries: give a file of countries or cities'],
])('%s is refused', (_what, file, said) => {
  expect(readCountries(file)).toEqual({ ok: false, error: said });
});

test('a country is looked for in the first 10,000 networks', () => {
  const addressOf = (index: number): string => `0.0.${index >> 8}.${index & 255}`;
  const behind = (count: number): MmdbContent['networks'] => ({
    ...Object.fromEntries(Array.from({ length: count }, (_, index) => [addressOf(index), { x: index % 2 }])),
    [addressOf(count)]: inCountry('BR'),
  });
  expect(readCountries(mmdbOf({ networks: behind(9999), ipVersion: 4 })).ok).toBe(true);
  expect(readCountries(mmdbOf({ networks: behind(10_000), ipVersion: 4 })).ok).toBe(false);
});

test('a file of the greatest length is read, one octet more is not', () => {
  const end = good.lastIndexOf('\xab\xcd\xefMaxMind.com', undefined, 'latin1');
  const longest = Buffer.alloc(COUNTRIES_OCTETS_MAX + 1);
  good.copy(longest, 0, 0, end);
  good.copy(longest, COUNTRIES_OCTETS_MAX - (good.length - end), end);
  expect(found(longest.subarray(0, COUNTRIES_OCTETS_MAX), ['203.0.113.7'])).toEqual(['BR']);
  expect(readCountries(longest)).toEqual({ ok: false, error: `is longer than ${COUNTRIES_OCTETS_MAX} octets` });
});

test('a record that leads back to itself is damage', () => {
  const file = mmdbOf({ networks: { '198.51.100.0/24': inCountry('DE'), '203.0.113.0/24': 'xxxxxxxxxx' } });
  const at = file.indexOf('xxxxxxxxxx') - 1;
  const dataStart = file.indexOf('country') - 2;
  // A map of one entry whose key is a pointer to the map.
  file.set([0xe1, 0x20, at - dataStart], at);
  const [first, second] = found(file, ['198.51.100.1', '203.0.113.1']);
  expect(first).toBe('DE');
  expect(second).toMatch(/^is damaged: /);
});

test('whatever the octets are, nothing throws and only countries come out', () => {
  const file = mmdbOf({ networks: withIpv6 });
  const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(changes, fc.nat(file.length), (octets, start) => {
      const changed = Buffer.from(file);
      for (const [index, octet] of octets) changed[index] = octet;
      for (const each of [changed, changed.subarray(start)]) {
        const read = readCountries(each);
        if (!read.ok) continue;
        for (const ip of [...addresses, '2001:db8::1', '2001:db8:ffff::1']) {
          const country = read.value.countryOf(ip);
          expect(country.ok ? country.value : country.error).toMatch(/^(?:[A-Z]{2})?$|^is damaged: /);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
