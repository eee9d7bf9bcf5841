import { ok, type Result } from '../../lib/result.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import type { Config } from '../config/schema.ts';
import { EXIT_FAULT, EXIT_OK } from '../flags.ts';
import { type Configured, configurationOrTell } from './config-file.ts';
import { endOnCrash } from './crash.ts';
import { type OperatorLog, openLogger } from './logger.ts';
import { dropPrivileges, prepareDataDirectory } from './privileges.ts';
import { leaveSupervisor, onHangUp } from './supervised.ts';

/** A part of the product that runs as a process of its own, without ports, until it is stopped. */
export interface Part {
  /** Names its lines on stderr. */
  readonly name: 'log' | 'ship' | 'analyze' | 'store' | 'siem' | 'web';
  /** What a fault means, for the operator. */
  readonly cannotRun: string;
  /** @returns Why it could not run, in one line. */
  readonly run: (configured: Configured, logger: OperatorLog) => Promise<Result<undefined, string>>;
}

/** Runs a part with the configuration that the flags name. @returns The exit code. */
export async function runPart(part: Part, flags: ConfigFlagValues): Promise<number> {
  const configured = configurationOrTell(flags);
  if (!configured.ok) return configured.error;
  const logger = openLogger(part.name, configured.value.config.logging.level);
  endOnCrash(part.name);
  // A changed configuration is for the gate; a hang-up must not end this process.
  onHangUp(() => undefined);
  // The client of Kafka costs half a second and 57 MiB: who has a log there loads it now, before rights are given up.
  if (configured.value.config.log.kind === 'kafka') await import('../watch/watch-common.ts');
  const ended = await part.run(configured.value, logger);
  leaveSupervisor();
  if (ended.ok) return EXIT_OK;
  logger.error({ fault: ended.error }, part.cannotRun);
  return EXIT_FAULT;
}

/** Makes the data directory and gives up the rights of root. @returns One line for the operator. */
export function settleUnprivileged({ dataDirectory, run }: Config): Result<undefined, string> {
  const prepared = prepareDataDirectory(dataDirectory, run);
  if (!prepared.ok) return prepared;
  const dropped = dropPrivileges(run);
  return dropped.ok ? ok(undefined) : dropped;
}
