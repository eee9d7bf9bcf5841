import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCountryFile } from '../../cli/io/country-file.ts';
import { COUNTRIES_OCTETS_MAX } from '../../store/countries.ts';
import { inCountry, mmdbOf } from '../support/mmdb.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const good = mmdbOf({ networks: { '198.51.100.0/24': inCountry('DE') } });

test('countries are read from a file', () => {
  const path = join(temporaryDirectory(), 'countries.mmdb');
  writeFileSync(path, good);
  const countries = readCountryFile(path);
  expect(countries.ok && countries.value.countryOf('198.51.100.7')).toEqual({ ok: true, value: 'DE' });
});

test.each<[what: string, make: (path: string) => void, said: string]>([
  ['nothing there', () => undefined, 'cannot be read: there is no such file'],
  ['a folder', (path) => mkdirSync(path), 'is no file'],
  [
    'half a file',
    (path) => writeFileSync(path, good.subarray(0, good.length / 2)),
    'is no MaxMind DB, or its end is missing',
  ],
])('%s is told', (_what, make, said) => {
  const path = join(temporaryDirectory(), 'countries.mmdb');
  make(path);
  expect(readCountryFile(path)).toEqual({ ok: false, error: said });
});

test('a file of the greatest length is read; one octet more, and it is not', () => {
  const path = join(temporaryDirectory(), 'countries.mmdb');
  const end = good.lastIndexOf('\xab\xcd\xefMaxMind.com', undefined, 'latin1');
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, good, 0, end, 0);
  writeSync(descriptor, good, end, good.length - end, COUNTRIES_OCTETS_MAX - (good.length - end));
  closeSync(descriptor);
  expect(readCountryFile(path).ok).toBe(true);
  truncateSync(path, COUNTRIES_OCTETS_MAX + 1);
  expect(readCountryFile(path)).toEqual({ ok: false, error: `is longer than ${COUNTRIES_OCTETS_MAX} octets` });
});
