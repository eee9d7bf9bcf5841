import { err, ok, type Result } from '../../lib/result.ts';
import { runLogProcess } from '../../log/io/log-process.ts';
import { identityOf } from '../config/assemble.ts';
import { configFlags } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { runCommand, type Usage } from '../flags.ts';
import { logFaultText } from '../format/log-fault.ts';
import type { Configured } from '../io/config-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { thisMachine } from '../io/machine.ts';
import { runPart, settleUnprivileged } from '../io/part.ts';
import { onStop, tellReady } from '../io/supervised.ts';

const usage = {
  verb: 'log',
  summary: 'runs the event log of this machine',
  details: 'One process a machine owns the files in dataDirectory; gates append through a socket there.',
  flags: configFlags,
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, (values) =>
    runPart({ name: 'log', cannotRun: 'the event log cannot run', run: runLog }, values),
  );

async function runLog({ config }: Configured, logger: OperatorLog): Promise<Result<undefined, string>> {
  const settled = settleUnprivileged(config);
  if (!settled.ok) return settled;
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
  if (!opened.ok) return err(logFaultText(opened.error));
  await using _log = opened.value;
  const { promise, resolve } = Promise.withResolvers<string>();
  onStop(resolve);
  logger.info({ directory: places.log }, 'the event log is open');
  tellReady();
  const reason = await promise;
  logger.info({ reason }, 'the event log is closed');
  return ok(undefined);
}
