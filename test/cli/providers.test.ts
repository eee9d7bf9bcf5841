import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROVIDERS_OCTETS_MAX, providersOf } from '../../cli/watch/watch-settings.ts';
import { parseAddress } from '../../lib/ip.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const RANGE = '192.0.2.0/24\n';
const filled = (octets: number): string => RANGE + '#'.repeat(octets - RANGE.length);

/** What is said of a file with this text: `true` where it can be used and 192.0.2.77 is in it. */
function saidOf(text: string | undefined): string | boolean {
  const folder = temporaryDirectory();
  if (text !== undefined) writeFileSync(join(folder, 'providers.txt'), text);
  const providers = providersOf({ watch: { providersFile: 'providers.txt' } }, folder);
  const address = parseAddress('192.0.2.77');
  if (address === undefined) throw new Error('no address');
  return providers.ok ? providers.value.contains(address) : providers.error.replace(`${folder}/`, '');
}

test.each<[what: string, text: string | undefined, said: string | boolean]>([
  ['ranges and comments', `# a provider\n\n${RANGE}2001:db8::/32 # another\n`, true],
  ['CRLF line ends', '192.0.2.0/24\r\n', true],
  ['other ranges', '198.51.100.0/24\n', false],
  ['nothing in it', '', false],
  ['as many octets as may be', filled(PROVIDERS_OCTETS_MAX), true],
  ['one octet more', filled(PROVIDERS_OCTETS_MAX + 1), `providers.txt: is longer than ${PROVIDERS_OCTETS_MAX} octets`],
  ['bits behind the length', `${RANGE}192.0.2.1/24\n`, 'providers.txt: line 2 is no range in CIDR notation'],
  ['a name', 'mx.example.com\n', 'providers.txt: line 1 is no range in CIDR notation'],
  ['no place on the disk', undefined, 'providers.txt: there is no such file'],
])('a file of providers with %s', (_what, text, said) => {
  expect(saidOf(text)).toBe(said);
});
