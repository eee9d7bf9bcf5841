import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { err, ok, type Result } from '../../lib/result.ts';
import { type Fault, formatFault } from '../config/fault.ts';
import { type ConfigFlagValues, configFromFlags, flagOf, isWithoutFile } from '../config/from-flags.ts';
import { checkConfig, loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { EXIT_FAULT, EXIT_USAGE } from '../flags.ts';
import { textOf } from './text-of.ts';

/** Where the configuration is looked for when no flag names it. */
const DEFAULT_FILES = ['postern.yaml', '/etc/postern/postern.yaml'];

/** A configuration and where it came from. */
export interface Configured {
  readonly config: Config;
  /** Path of its file; undefined: it came from flags. */
  readonly file: string | undefined;
  /** Its text, or the flags as JSON. */
  readonly text: string;
  /** First 16 hex digits of the SHA-256 of the text. */
  readonly hash: string;
  /** Where relative paths start. */
  readonly folder: string;
}

/** `usage`: the flags are wrong; `faults`: the configuration is. */
export type ConfigFailure =
  | { readonly kind: 'usage'; readonly reason: string }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'faults'; readonly faults: readonly Fault[]; readonly hash: string };

/** Reads the configuration that the command line names; again at each call, for a reload. */
export function readConfiguration(values: ConfigFlagValues): Result<Configured, ConfigFailure> {
  if (isWithoutFile(values)) return fromFlags(values);
  const file = values.config ?? DEFAULT_FILES.find((candidate) => existsSync(candidate));
  if (file === undefined) {
    const reason = `no configuration: neither ${DEFAULT_FILES.join(' nor ')} is there; name one with --config, or give --upstream and --domains`;
    return err({ kind: 'unreadable', reason });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    return err({ kind: 'unreadable', reason: `${file}: ${textOf(error)}` });
  }
  const config = loadConfig(text, file, process.env);
  if (!config.ok) return err({ kind: 'faults', faults: config.error, hash: hashOf(text) });
  return ok(configuredOf(config.value, file, text, dirname(resolve(file))));
}

function fromFlags(values: ConfigFlagValues): Result<Configured, ConfigFailure> {
  const given = configFromFlags(values);
  if (!given.ok) return err({ kind: 'usage', reason: given.error });
  const text = JSON.stringify(given.value);
  const config = checkConfig(given.value, process.env);
  if (!config.ok) {
    const faults = config.error.map((fault) => ({ ...fault, path: flagOf(fault.path) }));
    return err({ kind: 'faults', faults, hash: hashOf(text) });
  }
  return ok(configuredOf(config.value, undefined, text, process.cwd()));
}

const configuredOf = (config: Config, file: string | undefined, text: string, folder: string): Configured => ({
  config: {
    ...config,
    dataDirectory: resolve(folder, config.dataDirectory),
    privacy: { ...config.privacy, ...absolute(folder, config.privacy) },
  },
  file,
  text,
  hash: hashOf(text),
  folder,
});

const absolute = (folder: string, { secretFile }: Config['privacy']): Pick<Config['privacy'], 'secretFile'> =>
  secretFile === undefined ? {} : { secretFile: resolve(folder, secretFile) };

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Tells people what is wrong; one line for each fault. */
export function failureLines(failure: ConfigFailure): readonly string[] {
  return failure.kind === 'faults' ? failure.faults.map(formatFault) : [failure.reason];
}

/**
 * The configuration for a command that cannot go on without; the lines are on stderr, and the exit code is
 * the error, where there is none.
 */
export function configurationOrTell(values: ConfigFlagValues): Result<Configured, number> {
  const configured = readConfiguration(values);
  if (configured.ok) return configured;
  for (const line of failureLines(configured.error)) process.stderr.write(`postern: ${line}\n`);
  return err(configured.error.kind === 'usage' ? EXIT_USAGE : EXIT_FAULT);
}

/**
 * The configuration of a data directory, where it can be read: one that nobody named is of the directory only if it says so, since there
 * may be several installations.
 */
export function configurationOf({ config, data }: Pick<ConfigFlagValues, 'config' | 'data'>): Configured | undefined {
  const configured = readConfiguration(config === undefined ? {} : { config });
  if (!configured.ok) return undefined;
  const isMeant = config !== undefined || data === undefined || configured.value.config.dataDirectory === resolve(data);
  return isMeant ? configured.value : undefined;
}

/** The data directory for a command that needs nothing else: a flag, or what the configuration says. */
export function dataDirectoryOf({ config, data }: Pick<ConfigFlagValues, 'config' | 'data'>): Result<string, number> {
  if (data !== undefined) return ok(resolve(data));
  const configured = configurationOrTell(config === undefined ? {} : { config });
  return configured.ok ? ok(configured.value.config.dataDirectory) : configured;
}
