import type { PrefixSet } from '../../lib/ip.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { TlsSettings } from '../../proxy/io/tls.ts';
import { type Machine, ownAddresses } from '../config/assemble.ts';
import { pathText } from '../config/fault.ts';
import { placesIn } from '../config/places.ts';
import type { Configured } from '../io/config-file.ts';
import { ListWatcher } from '../io/list-watcher.ts';
import type { OperatorLog } from '../io/logger.ts';
import { expiryFindings, type Material, type MaterialFault, readMaterial } from '../io/material.ts';
import { providersOf } from '../watch/watch-settings.ts';

/** A configuration with what its files hold: it is taken as a whole, or not at all. */
export interface InForce {
  readonly configured: Configured;
  readonly material: Material;
  /** Ranges of large mail providers. */
  readonly providers: PrefixSet;
  readonly lists: ListWatcher;
}

/** Reads the files that a configuration names. @returns One line for each fault where it cannot be used. */
export async function load(
  configured: Configured,
  machine: Machine,
  logger: OperatorLog,
): Promise<Result<InForce, readonly string[]>> {
  const { config, folder } = configured;
  const material = readMaterial(config, folder);
  if (!material.ok) return err(material.error.map(materialLine));
  const providers = providersOf(config, folder);
  if (!providers.ok) return err([`watch.providersFile: ${providers.error}`]);
  const lists = await ListWatcher.open({
    config,
    folder,
    copies: placesIn(config.dataDirectory).lists,
    domainsUrl: material.value.domainsUrl,
    ownAddresses: ownAddresses(config, machine),
    logger,
  });
  return ok({ configured, material: material.value, providers: providers.value, lists });
}

/** The certificates anew, where their files changed; all else stays. */
export function withRenewedCertificates(inForce: InForce): Result<InForce, readonly string[]> {
  const { config, folder } = inForce.configured;
  const material = readMaterial(config, folder);
  return material.ok ? ok({ ...inForce, material: material.value }) : err(material.error.map(materialLine));
}

/** TLS as listeners offer it; undefined where no certificate is named. */
export function tlsOf({ configured, material }: InForce): TlsSettings | undefined {
  const { certificates } = material;
  if (certificates.length === 0) return undefined;
  return { certificates, legacyNetworks: configured.config.tls.legacyNetworks };
}

/** Tells of certificates that are over, or will be soon. */
export function warnOfExpiry({ material }: InForce, logger: OperatorLog): void {
  const { over, soon } = expiryFindings(material.facts, Date.now());
  for (const fault of over) logger.error({ fault: materialLine(fault) }, 'a certificate is over');
  for (const fault of soon) logger.warn({ fault: materialLine(fault) }, 'a certificate is near its end');
}

const materialLine = ({ path, problem, hint }: MaterialFault): string => `${pathText(path)}: ${problem}; ${hint}`;
