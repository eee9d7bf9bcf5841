import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { sourceDetectors } from '../../analyzers/detectors/all.ts';
import { siteDetectors } from '../../analyzers/site/all.ts';
import type { SiteDetector } from '../../analyzers/site/site-detector.ts';
import type { WatchSettings } from '../../analyzers/source-watch.ts';
import { type Prefix, PrefixSet, parsePrefix } from '../../lib/ip.ts';
import type { HashKey } from '../../lib/keyed-hash.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { type Machine, neverList } from '../config/assemble.ts';
import type { Config } from '../config/schema.ts';
import type { SiteSecret } from '../io/site-secret.ts';
import { textOf } from '../io/text-of.ts';

/** Octets of the longest file of provider ranges. */
export const PROVIDERS_OCTETS_MAX = 1_048_576;

/** What the analyzers of a site run with. */
export interface Watching {
  readonly settings: WatchSettings;
  readonly siteDetectors: readonly SiteDetector[];
  /** See `Snapshot.stateHash`. */
  readonly stateHash: string;
}

/** Key of all tables of the detectors, and of the objects in evidence. */
export function detectorHashKey(secret: SiteSecret): HashKey {
  const key = secret.derive('detector tables', 8);
  return { first: key.readInt32LE(0), second: key.readInt32LE(4) };
}

/** Settings of the analyzers from the configuration. @returns One line for the operator where a file cannot be used. */
export function watchingOf(
  config: Config,
  folder: string,
  machine: Machine,
  secret: SiteSecret,
): Result<Watching, string> {
  const providers = providersOf(config, folder);
  if (!providers.ok) return providers;
  const isOn = ({ id }: { readonly id: keyof Config['watch']['scenarios'] }): boolean =>
    config.watch.scenarios[id] !== 'off';
  const ofSources = sourceDetectors.filter(isOn);
  const ofSite = siteDetectors.filter(isOn);
  const hashKey = detectorHashKey(secret);
  const parts = [
    ...ofSources.map(({ id, version, shape }) => ({ id, version, shape })),
    ...ofSite.map(({ id, version }) => ({ id, version })),
  ];
  const stateHash = createHash('sha256').update(JSON.stringify({ parts, hashKey })).digest('hex').slice(0, 16);
  return ok({
    settings: {
      site: config.site,
      configHash: stateHash,
      hashKey,
      never: neverList(config, machine),
      providers: providers.value,
      detectors: ofSources,
    },
    siteDetectors: ofSite,
    stateHash,
  });
}

/** Ranges of large providers. @returns One line that names the file, where it cannot be used. */
export function providersOf(
  { watch }: { readonly watch: Pick<Config['watch'], 'providersFile'> },
  folder: string,
): Result<PrefixSet, string> {
  if (watch.providersFile === undefined) return ok(new PrefixSet([]));
  const path = resolve(folder, watch.providersFile);
  try {
    // Half a list would slow the other half's senders for longer than they deserve.
    if (statSync(path).size > PROVIDERS_OCTETS_MAX)
      return err(`${path}: is longer than ${PROVIDERS_OCTETS_MAX} octets`);
    const ranges = parseRanges(readFileSync(path, 'utf8'));
    return ranges.ok ? ok(new PrefixSet(ranges.value)) : err(`${path}: ${ranges.error}`);
  } catch (error) {
    return err(`${path}: ${textOf(error)}`);
  }
}

/** One range a line; `#` begins a comment. */
function parseRanges(text: string): Result<readonly Prefix[], string> {
  const ranges: Prefix[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const range = line.split('#', 1)[0]?.trim() ?? '';
    if (range === '') continue;
    const prefix = parsePrefix(range);
    if (prefix === undefined) return err(`line ${index + 1} is no range in CIDR notation`);
    ranges.push(prefix);
  }
  return ok(ranges);
}
