import { type LogProcessFault, runLogProcess } from '../../log/io/log-process.ts';
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
import { leaveSupervisor, onHangUp, onStop, tellReady } from '../io/supervised.ts';

const usage = {
  verb: 'log',
  summary: 'runs the event log of this machine',
  details: 'One process a machine owns the files in dataDirectory; gates append through a socket there.',
  flags: configFlags,
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const configured = configurationOrTell(values);
    if (!configured.ok) return configured.error;
    const logger = openLogger('log', configured.value.config.logging.level);
    endOnCrash('log');
    onHangUp(() => undefined);
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
  const { durable, diskOctetsMax, retentionMs } = config.log;
  const opened = await runLogProcess({
    directory: places.log,
    socketPath: places.logSocket,
    site,
    gate,
    durable,
    diskOctetsMax,
    retentionMs: { 'postern.events': retentionMs, 'postern.evidence': retentionMs },
  });
  if (!opened.ok) return tell(faultText(opened.error));
  await using _log = opened.value;
  const { promise, resolve } = Promise.withResolvers<string>();
  onStop(resolve);
  logger.info({ directory: places.log }, 'the event log is open');
  tellReady();
  const reason = await promise;
  logger.info({ reason }, 'the event log is closed');
  return EXIT_OK;
}

function faultText(fault: LogProcessFault): string {
  switch (fault.kind) {
    case 'owned':
      return `another process owns ${fault.directory}: is Postern running already?`;
    case 'unusable':
      return `${'directory' in fault ? fault.directory : fault.path}: ${fault.reason}`;
    case 'path-too-long':
    case 'directory-open':
    case 'not-a-socket':
    case 'in-use':
      return socketFaultText(fault);
    default:
      return `the files are not those of this release: ${JSON.stringify(fault)}`;
  }
}
