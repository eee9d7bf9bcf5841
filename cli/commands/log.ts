import { type ServeFault, serveLog } from '../../log/io/log-server.ts';
import { type OpenFault, openSqliteLog, type SqliteLog } from '../../log/io/sqlite-log.ts';
import { identityOf } from '../config/assemble.ts';
import { configFlags } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { EXIT_FAULT, EXIT_OK, runCommand, type Usage } from '../flags.ts';
import { socketFaultText } from '../format/socket-fault.ts';
import { type Configured, configurationOrTell } from '../io/config-file.ts';
import { endOnCrash } from '../io/crash.ts';
import { type OperatorLog, openLogger } from '../io/logger.ts';
import { thisMachine } from '../io/machine.ts';
import { dropPrivileges, prepareDataDirectory } from '../io/privileges.ts';
import { leaveSupervisor, onStop, tellReady } from '../io/supervised.ts';

const usage = {
  verb: 'log',
  summary: 'runs the event log of this machine',
  details: 'One process a machine owns the files in dataDirectory; gates append through a socket there.',
  flags: configFlags,
} as const satisfies Usage;

/** How often events past their retention are looked for, milliseconds. */
export const TRIM_EVERY_MS = 60_000;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const configured = configurationOrTell(values);
    if (!configured.ok) return configured.error;
    const logger = openLogger('log', configured.value.config.logging.level);
    endOnCrash('log');
    const code = await runLog(configured.value, logger);
    leaveSupervisor();
    return code;
  });

async function runLog({ config }: Configured, logger: OperatorLog): Promise<number> {
  const tell = (fault: string): number => {
    logger.error({ fault }, 'the event log cannot run');
    return EXIT_FAULT;
  };
  const prepared = prepareDataDirectory(config.dataDirectory, config.run);
  if (!prepared.ok) return tell(prepared.error);
  const dropped = dropPrivileges(config.run);
  if (!dropped.ok) return tell(dropped.error);
  const places = placesIn(config.dataDirectory);
  const { site, gate } = identityOf(config, thisMachine());
  const { durable, diskOctetsMax } = config.log;
  const opened = await openSqliteLog({ directory: places.log, site, gate, durable, diskOctetsMax });
  if (!opened.ok) return tell(openFaultText(opened.error));
  await using log = opened.value;
  const served = await serveLog({ log, socketPath: places.logSocket });
  if (!served.ok) return tell(serveFaultText(served.error));
  await using _server = served.value;
  const timer = setInterval(() => void trim(log, config.log.retentionMs), TRIM_EVERY_MS);
  const { promise, resolve } = Promise.withResolvers<string>();
  onStop(resolve);
  logger.info({ directory: places.log }, 'the event log is open');
  tellReady();
  const reason = await promise;
  clearInterval(timer);
  logger.info({ reason }, 'the event log is closed');
  return EXIT_OK;
}

async function trim(log: SqliteLog, retentionMs: number): Promise<void> {
  await log.trim(Date.now() - retentionMs, 'postern.events');
  await log.trim(Date.now() - retentionMs, 'postern.evidence');
}

function openFaultText(fault: OpenFault): string {
  switch (fault.kind) {
    case 'owned':
      return `another process owns ${fault.directory}: is Postern running already?`;
    case 'unusable':
      return `${fault.directory}: ${fault.reason}`;
    default:
      return `the files are not those of this release: ${JSON.stringify(fault)}`;
  }
}

const serveFaultText = (fault: ServeFault): string =>
  fault.kind === 'unusable' ? `${fault.path}: ${fault.reason}` : socketFaultText(fault);
