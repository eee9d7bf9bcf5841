import { existsSync, statSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../../log/appender.ts';
import type { EventLog } from '../../log/event-log.ts';
import { openSqliteLog } from '../../log/io/sqlite-log.ts';
import { openSqliteLogReader, type SqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import type { Rewriter } from '../../log/rewriting.ts';
import type { Identity } from '../config/assemble.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { logFaultText } from '../format/log-fault.ts';
import { type Configured, configurationOf } from './config-file.ts';
import type { OperatorLog } from './logger.ts';

/** How long the log may take to be reached when there are no files yet, milliseconds. */
const PATIENCE_MS = 5000;
/** How long the brokers may take to answer a command, milliseconds. */
const COMMON_PATIENCE_MS = 10_000;
/** How long a part waits for it before it tells that it is away, milliseconds. */
const PART_PATIENCE_MS = 10_000;
const RETRY_MS = 1000;

/** Opens the event log of a data directory for reading; tells the operator where there is none. */
export async function openLocalLogOrTell(dataDirectory: string): Promise<SqliteLogReader | undefined> {
  const opened = await open(placesIn(dataDirectory), PATIENCE_MS);
  if (opened !== undefined) return opened;
  process.stderr.write(`postern: there is no event log in ${dataDirectory}: is Postern running?\n`);
  return undefined;
}

/**
 * The event log for a command: that of this machine, or on a machine that has none the one that all machines have in common. Tells the
 * operator where there is none.
 */
export async function openLogOrTell(
  flags: Pick<ConfigFlagValues, 'config' | 'data'>,
  dataDirectory: string,
): Promise<EventLog | undefined> {
  const configured = configurationOf(flags);
  return configured !== undefined && hasCommonLogOnly(configured, dataDirectory)
    ? openCommonLogOrTell(configured)
    : openLocalLogOrTell(dataDirectory);
}

/** A machine of many that has no gate, and so no log of its own. */
export const hasCommonLogOnly = ({ config }: Pick<Configured, 'config'>, dataDirectory: string): boolean =>
  config.log.kind === 'kafka' && isAbsent(placesIn(dataDirectory).log);

/** One that this user may not see is there all the same. */
function isAbsent(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** The log that analyzers and history read, for a command. Tells the operator where it cannot be read. */
export async function openWholeLogOrTell(configured: Configured): Promise<EventLog | undefined> {
  const { log, dataDirectory } = configured.config;
  return log.kind === 'kafka' ? openCommonLogOrTell(configured) : openLocalLogOrTell(dataDirectory);
}

/** The log that all machines have in common, for a command. Tells the operator where it cannot be used. */
export async function openCommonLogOrTell(configured: Configured): Promise<(EventLog & Appender) | undefined> {
  const { openCommonLog } = await import('./kafka-place.ts');
  const opened = await openCommonLog(configured, {
    patienceMs: COMMON_PATIENCE_MS,
    questionMs: COMMON_PATIENCE_MS,
    onlyExisting: true,
    listener: {
      away: (fault) => process.stderr.write(`postern: Kafka does not do its work: ${fault}\n`),
      back: () => process.stderr.write('postern: Kafka does its work again\n'),
    },
  });
  if (opened.ok) return opened.value;
  process.stderr.write(`postern: the common log cannot be used: ${opened.error}\n`);
  return undefined;
}

/**
 * The log that analyzers, history and console read: that of this machine, or the one that all machines have in common.
 *
 * @param questionMs - How long brokers may take for one question, milliseconds; for ever where nothing is said.
 */
export async function awaitWholeLog(
  configured: Configured,
  logger: OperatorLog,
  signal: AbortSignal,
  questionMs?: number,
): Promise<(EventLog & Appender) | undefined> {
  const { log, dataDirectory } = configured.config;
  if (log.kind === 'sqlite') return awaitLog(placesIn(dataDirectory), logger, signal);
  const { awaitCommonLog } = await import('./kafka-place.ts');
  return awaitCommonLog(configured, logger, signal, questionMs);
}

/** The log may come later than a part that reads it: mail does not wait for either. Undefined when `signal` aborted before. */
export async function awaitLog(
  places: Places,
  logger: OperatorLog,
  signal: AbortSignal,
): Promise<SqliteLogReader | undefined> {
  while (!signal.aborted) {
    const opened = await open(places, PART_PATIENCE_MS);
    if (opened !== undefined) return opened;
    logger.warn({ directory: places.log }, 'the event log is not there yet');
    await setTimeout(RETRY_MS);
  }
  return undefined;
}

/** No log is so large: what is not known must not make it drop files. */
const OCTETS_UNKNOWN = 2 ** 50;

/**
 * Opens the event log to change what is in it: through the process that owns it, or as its owner where none runs.
 *
 * @param settings - Undefined where no configuration is known. @returns One line for the operator where it cannot be had.
 */
export async function openLogToRewrite(
  places: Places,
  { site, gate }: Pick<Identity, 'site' | 'gate'>,
  settings: Config['log'] | undefined,
): Promise<Result<EventLog & Appender & Rewriter, string>> {
  if (!existsSync(places.log)) return err(`there is no event log in ${places.log}`);
  const { durable = 'fsync', diskOctetsMax = OCTETS_UNKNOWN } = settings ?? {};
  const owned = await openSqliteLog({ directory: places.log, site, gate, durable, diskOctetsMax });
  if (owned.ok) return owned;
  if (owned.error.kind !== 'owned') return err(logFaultText(owned.error));
  const opened = await open(places, PATIENCE_MS);
  return opened === undefined ? err(`no event log answers on ${places.logSocket}`) : ok(opened);
}

async function open({ log, logSocket }: Places, patienceMs: number): Promise<SqliteLogReader | undefined> {
  const opened = await openSqliteLogReader({ directory: log, socketPath: logSocket, patienceMs });
  return opened.ok ? opened.value : undefined;
}
