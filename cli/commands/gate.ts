import { setTimeout } from 'node:timers/promises';
import { ok, type Result } from '../../lib/result.ts';
import { LogClient } from '../../log/io/log-client.ts';
import { type ConfigFlagValues, configFlags } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { EXIT_FAULT, EXIT_OK, runCommand, type Usage } from '../flags.ts';
import { GateProcess } from '../gate/gate-process.ts';
import { answerLine } from '../gate/management.ts';
import { pagesOf } from '../gate/pages.ts';
import { type Configured, configurationOrTell } from '../io/config-file.ts';
import { endOnCrash } from '../io/crash.ts';
import { HttpServer } from '../io/http-server.ts';
import { LineServer } from '../io/line-socket.ts';
import { type OperatorLog, openLogger } from '../io/logger.ts';
import { dropPrivileges, prepareDataDirectory } from '../io/privileges.ts';
import { leaveSupervisor, onHangUp, onStop, tellReady } from '../io/supervised.ts';

const usage = {
  verb: 'gate',
  summary: 'runs one gate: it takes connections and passes them to the mail server behind',
  details: 'Events go to the event log of this machine (postern log); while that is away mail flows and events wait.',
  flags: configFlags,
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const configured = configurationOrTell(values);
    if (!configured.ok) return configured.error;
    const logger = openLogger('gate', configured.value.config.logging.level);
    endOnCrash('gate');
    const code = await runGate(values, configured.value, logger);
    leaveSupervisor();
    return code;
  });

async function runGate(flags: ConfigFlagValues, configured: Configured, logger: OperatorLog): Promise<number> {
  const tell = (...faults: readonly string[]): number => {
    for (const fault of faults) logger.error({ fault }, 'the gate cannot run');
    return EXIT_FAULT;
  };
  const { dataDirectory, run: account } = configured.config;
  let reload = (): void => undefined;
  onHangUp(() => reload());
  const prepared = prepareDataDirectory(dataDirectory, account);
  if (!prepared.ok) return tell(prepared.error);
  await using client = new LogClient({ socketPath: placesIn(dataDirectory).logSocket });
  const opened = await GateProcess.open(flags, configured, client, logger);
  if (!opened.ok) return tell(...opened.error);
  const gate = opened.value;
  const begun = await begin(gate, logger);
  if (!begun.ok) {
    await gate.stop('a part of it cannot run');
    return tell(begun.error);
  }
  await using _parts = begun.value;
  reload = () => void gate.reload();
  tellBound(gate, logger);
  tellReady();
  const reason = await stopAsked(gate);
  logger.info({ reason }, 'the gate stops');
  gate.draining = true;
  await setTimeout(gate.config.drainDelayMs);
  await gate.stop(reason);
  logger.info({ reason }, 'the gate has stopped');
  return EXIT_OK;
}

/** What surrounds a gate once its ports are open and the rights of root are given up. */
async function begin(gate: GateProcess, logger: OperatorLog): Promise<Result<AsyncDisposable, string>> {
  const { run: account, http } = gate.config;
  const dropped = dropPrivileges(account);
  if (!dropped.ok) return dropped;
  if (dropped.value === 'root') logger.warn({}, 'this gate runs as root: name another user in run.user');
  await using parts = new AsyncDisposableStack();
  const management = await LineServer.open(gate.places.gateSocket, (line) =>
    answerLine(line, (request) => gate.manage(request)),
  );
  if (!management.ok) return management;
  parts.use(management.value);
  const pages = await HttpServer.open(http, pagesOf(gate), logger);
  if (!pages.ok) return pages;
  parts.use(pages.value);
  const settled = gate.settle();
  if (!settled.ok) return settled;
  logger.info({ address: http.address, port: pages.value.port }, 'metrics and health');
  return ok(parts.move());
}

function tellBound(gate: GateProcess, logger: OperatorLog): void {
  const roles = new Map(gate.config.listeners.map((listener) => [listener.name, listener]));
  for (const [listener, { address, port }] of gate.bound) {
    const { role, withoutCertificate } = roles.get(listener) ?? {};
    logger.info({ listener, role, address, port }, 'listening');
    if (withoutCertificate === true) logger.warn({ listener }, 'no TLS is offered here: there is no certificate');
  }
}

/** Resolves with the reason when this gate is asked to stop. Asked once more it ends without waiting for its sessions. */
function stopAsked(gate: GateProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  onStop((reason) => {
    if (gate.draining) void gate.recorder.flush().then(() => process.exit(EXIT_FAULT));
    resolve(reason);
  });
  return promise;
}
