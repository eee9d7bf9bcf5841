import { assert } from '../lib/assert.ts';
import { type Prefix, PrefixSet, parsePrefix } from '../lib/ip.ts';

/**
 * Ranges that are nobody's on the Internet, or everybody's: this network, private networks, shared and link-local addresses,
 * translation, benchmarks, multicast (RFC 6890 and the IANA registries of special-purpose addresses). Hosts that reach us
 * through 6to4 or Teredo are hosts on the Internet, and not here.
 */
export const specialRanges: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001:2::/48',
  '2001:10::/28',
  '2001:20::/28',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];

/** Ranges for examples (RFC 5737, RFC 3849, RFC 9637): the sources of demonstrations and evaluations. */
export const documentationRanges: readonly string[] = [
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '2001:db8::/32',
  '3fff::/20',
];

/** What a site adds to the ranges that hold everywhere. */
export interface OwnNeverList {
  /** Own interfaces, the server behind, resolvers, feed consumers, and the operator's list. */
  readonly prefixes: Iterable<Prefix>;
  /** False where documentation ranges play the attackers. */
  readonly documentation: boolean;
}

/** The addresses that no decision may ever touch. It exempts from decisions only, from nothing else. */
export function neverListOf({ prefixes, documentation }: OwnNeverList): PrefixSet {
  const everywhere = documentation ? [...specialRanges, ...documentationRanges] : specialRanges;
  return new PrefixSet([...everywhere.map(knownPrefix), ...prefixes]);
}

function knownPrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  assert(prefix !== undefined, `${text} is a range`);
  return prefix;
}
