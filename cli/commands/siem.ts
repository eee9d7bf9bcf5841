import { err, ok, type Result } from '../../lib/result.ts';
import { severities } from '../../siem/cef.ts';
import { Forwarder } from '../../siem/io/forwarder.ts';
import { openSink } from '../../siem/io/sink.ts';
import { identityOf } from '../config/assemble.ts';
import { configFlags } from '../config/from-flags.ts';
import { runCommand, type Usage } from '../flags.ts';
import type { Configured } from '../io/config-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { thisMachine } from '../io/machine.ts';
import { awaitWholeLog } from '../io/open-log.ts';
import { runPart, settleUnprivileged } from '../io/part.ts';
import { onStop, tellReady } from '../io/supervised.ts';
import { version } from '../version.ts';

const usage = {
  verb: 'siem',
  summary: 'sends events to a program that gathers security events, as `siem` in the configuration says',
  details:
    'It begins with what happens from its first start on. While nobody takes events they wait in the log; mail never waits.',
  flags: configFlags,
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, (values) =>
    runPart({ name: 'siem', cannotRun: 'events cannot be sent to the SIEM', run: forward }, values),
  );

async function forward(configured: Configured, logger: OperatorLog): Promise<Result<undefined, string>> {
  const { config } = configured;
  const { kind, host, transport, port, least } = config.siem;
  if (kind === 'off' || host === undefined) return err('siem.kind is off: there is nobody to send to');
  const settled = settleUnprivileged(config);
  if (!settled.ok) return settled;
  const stopped = new AbortController();
  onStop((reason) => stopped.abort(reason));
  const opened = await awaitWholeLog(configured, logger, stopped.signal);
  if (opened === undefined) return ok(undefined);
  await using log = opened;
  await using sink = openSink({ transport, host, port });
  const forwarder = new Forwarder({
    log,
    sink,
    sender: { hostname: identityOf(config, thisMachine()).hostname, processId: process.pid },
    version: version(),
    leastSeverity: severities[least],
    trouble: (what, details) => logger.warn(details, what),
  });
  logger.info({ host, port, transport }, 'events go to the SIEM');
  tellReady();
  await forwarder.run(stopped.signal);
  logger.info({ reason: String(stopped.signal.reason) }, 'no more events go to the SIEM');
  return ok(undefined);
}
