import { Buffer } from 'node:buffer';
import { Reader, type Response } from 'mmdb-lib';
import { z } from 'zod';
import { BoundedMap } from '../lib/bounded-map.ts';
import { escapeField } from '../lib/escape.ts';
import { addressText, bitsOf } from '../lib/ip.ts';
import { messageOf } from '../lib/message-of.ts';
import { err, ok, type Result } from '../lib/result.ts';

/** Longest file of countries, octets: it is held in memory as a whole, and twice for a moment while a newer one is read. */
export const COUNTRIES_OCTETS_MAX = 268_435_456;
/** The metadata of a MaxMind DB stand within so many octets at its end. */
const METADATA_OCTETS_MAX = 131_072;
const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
/** Octets between the search tree and the data. */
const SEPARATOR_OCTETS = 16;
/** Networks of a file in which a country is looked for before it is said to have none. */
const NETWORKS_LOOKED_AT = 10_000;
/** Decoded parts of records that are kept: many records share a few. */
const PARTS_KEPT = 10_000;
/** UTF-16 code units of what a file calls itself that are told. */
const TYPE_LENGTH_MAX = 100;

/** Networks and their countries. */
export interface Countries {
  /** What the file calls itself, such as `GeoLite2-Country`; fit for a message. */
  readonly type: string;
  /** The day that it was made on, such as `2026-02-17`; empty where it does not say. */
  readonly madeOn: string;
  /**
   * The country of an address, as ISO 3166-1 alpha-2; empty where the file has none for it.
   *
   * @param ip - Canonical address. @returns One line where the file is damaged there.
   */
  countryOf(ip: string): Result<string, string>;
}

/** A MaxMind DB of countries, or of cities with their countries. @returns One line where it is none. */
export function readCountries(octets: Uint8Array): Result<Countries, string> {
  if (octets.length > COUNTRIES_OCTETS_MAX) return err(`is longer than ${COUNTRIES_OCTETS_MAX} octets`);
  const file = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  const metadataStart = file.lastIndexOf(METADATA_MARKER);
  if (metadataStart < file.length - METADATA_OCTETS_MAX || metadataStart === -1)
    return err('is no MaxMind DB, or its end is missing');
  const opened = reading(() => new Reader<Response>(file, { cache: new BoundedMap(PARTS_KEPT) }));
  if (!opened.ok) return opened;
  const reader = opened.value;
  const { binaryFormatMajorVersion: version, ipVersion, searchTreeSize } = reader.metadata;
  if (version !== 2) return err('is no MaxMind DB of format 2');
  // Not a number where the number of nodes is missing.
  if (!(searchTreeSize + SEPARATOR_OCTETS <= metadataStart) || (ipVersion !== 4 && ipVersion !== 6))
    return err('is damaged: its metadata are not those of its content');
  const looked = reading(() => hasCountry(reader, ipVersion));
  if (!looked.ok) return looked;
  if (!looked.value) return err('has no countries: give a file of countries or cities');
  return ok({
    type: escapeField(String(reader.metadata.databaseType), TYPE_LENGTH_MAX),
    madeOn: dayOf(reader.metadata.buildEpoch),
    // The tree of IPv4 would take the first octets of an IPv6 address for one of its own.
    countryOf: (ip) => (ipVersion === 4 && ip.includes(':') ? ok('') : reading(() => codeIn(reader.get(ip)))),
  });
}

/** What the library throws is damage. */
function reading<T>(read: () => T): Result<T, string> {
  try {
    return ok(read());
  } catch (error) {
    return err(`is damaged: ${messageOf(error).split('\n', 1)[0] ?? ''}`);
  }
}

const place = z
  .object({ iso_code: z.string().regex(/^[A-Z]{2}$/) })
  .optional()
  .catch(undefined);
const record = z.object({ country: place, registered_country: place }).catch({});

/** Where an address is, or else where its network is registered: satellites and anycast have no country of their own. */
function codeIn(found: unknown): string {
  const { country, registered_country: registered } = record.parse(found);
  return (country ?? registered)?.iso_code ?? '';
}

/** A file of networks and their operators looks the same from outside. Throws where it is damaged. */
function hasCountry(reader: Reader<Response>, family: 4 | 6): boolean {
  const end = 1n << BigInt(bitsOf(family));
  let value = 0n;
  for (let count = 0; count < NETWORKS_LOOKED_AT && value < end; count += 1) {
    const [found, length] = reader.getWithPrefixLength(addressText(family, value));
    if (codeIn(found) !== '') return true;
    value += 1n << BigInt(bitsOf(family) - length);
  }
  return false;
}

const dayOf = (time: Reader<Response>['metadata']['buildEpoch']): string =>
  Number.isNaN(time.getTime()) ? '' : time.toISOString().slice(0, 10);
