import { FileSnapshots } from '../../analyzers/io/file-snapshots.ts';
import type { RunnerListener } from '../../analyzers/io/runner-options.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { identityOf } from '../config/assemble.ts';
import { pathText } from '../config/fault.ts';
import { configFlags } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { runCommand, type Usage } from '../flags.ts';
import { Alerter } from '../io/alerter.ts';
import type { Configured } from '../io/config-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { thisMachine } from '../io/machine.ts';
import { readWebhook } from '../io/material.ts';
import { awaitLog } from '../io/open-log.ts';
import { runPart, settleUnprivileged } from '../io/part.ts';
import { progressWriter } from '../io/progress-writer.ts';
import { openSiteSecret } from '../io/site-secret.ts';
import { onStop } from '../io/supervised.ts';
import { type Around, watch } from '../watch/watch-log.ts';
import { watchingOf } from '../watch/watch-settings.ts';

const usage = {
  verb: 'analyze',
  summary: 'runs the analyzers of this machine: they read the events and decide about sources',
  details:
    'Events come from the event log of this machine (postern log), decisions go into it. Mail never waits for them.',
  flags: configFlags,
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, (values) =>
    runPart({ name: 'analyze', cannotRun: 'the analyzers cannot run', run: analyze }, values),
  );

async function analyze(configured: Configured, logger: OperatorLog): Promise<Result<undefined, string>> {
  const { config, folder } = configured;
  const settled = settleUnprivileged(config);
  if (!settled.ok) return settled;
  const places = placesIn(config.dataDirectory);
  const secret = openSiteSecret(config.privacy.secretFile, places.siteSecret);
  if (!secret.ok) return secret;
  const watching = watchingOf(config, folder, thisMachine(), secret.value);
  if (!watching.ok) return watching;
  const alerter = alerterOf(config, folder, logger);
  if (!alerter.ok) return alerter;
  const stopped = new AbortController();
  onStop((reason) => stopped.abort(reason));
  const listener = listenerOf(logger, alerter.value, places);
  const around = { places, watching: watching.value, listener, logger, signal: stopped.signal };
  return config.log.kind === 'kafka'
    ? (await import('../watch/watch-common.ts')).watchCommon(configured, around)
    : watchOwn(around);
}

/** Watches the log of this machine. */
async function watchOwn(around: Around): Promise<Result<undefined, string>> {
  const opened = await awaitLog(around.places, around.logger, around.signal);
  if (opened === undefined) return ok(undefined);
  await using log = opened;
  const stats = await watch({ log, snapshots: new FileSnapshots(around.places.watch) }, around, around.signal);
  around.logger.info({ ...stats, reason: String(around.signal.reason) }, 'the analyzers have stopped');
  return ok(undefined);
}

const listenerOf = (logger: OperatorLog, alerter: Alerter, places: Places): RunnerListener => ({
  decided: (decisions) => {
    for (const { id, scenario, scope, value, action, until } of decisions) {
      logger.info({ id, scenario, scope, value, action, until: new Date(until).toISOString() }, 'decided');
    }
  },
  alerted: (alerts) => {
    for (const alert of alerts) alerter.tell(alert);
  },
  trouble: (what, details) => logger.warn(details, what),
  progressed: progressWriter(places.progress, logger, 'how far the analyzers are cannot be written down'),
});

/** Who is told of what needs a person. @returns One line for the operator where the address of the webhook cannot be read. */
function alerterOf(config: Config, folder: string, logger: OperatorLog): Result<Alerter, string> {
  const { mailTo, againAfterMs } = config.watch.alerts;
  const url = readWebhook(config, folder);
  if (!url.ok) return err(`${pathText(url.error.path)}: ${url.error.problem}; ${url.error.hint}`);
  const { site, hostname, contact } = identityOf(config, thisMachine());
  const upstream = config.upstreams['default'];
  const mail =
    mailTo === undefined || upstream === undefined
      ? undefined
      : { to: mailTo, from: contact, host: upstream.host, port: upstream.port };
  return ok(new Alerter({ site, hostname, againAfterMs, webhook: url.value, mail, logger }));
}
