import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { FileSnapshots } from '../../analyzers/io/file-snapshots.ts';
import { LogSnapshots } from '../../analyzers/io/log-snapshots.ts';
import { Runner, type RunnerListener, type RunnerOptions, type RunnerStats } from '../../analyzers/io/runner.ts';
import { Forgetter } from '../../events/forgetter.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { KafkaGroup } from '../../log/io/kafka-group.ts';
import { identityOf } from '../config/assemble.ts';
import { pathText } from '../config/fault.ts';
import { configFlags } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { runCommand, type Usage } from '../flags.ts';
import { ForgetRequests } from '../forget/requests.ts';
import { type DoForget, TakeUp } from '../forget/take-up.ts';
import { Alerter } from '../io/alerter.ts';
import type { Configured } from '../io/config-file.ts';
import { awaitCommonLog, kafkaPlace } from '../io/kafka-place.ts';
import type { OperatorLog } from '../io/logger.ts';
import { thisMachine } from '../io/machine.ts';
import { readWebhook } from '../io/material.ts';
import { awaitLog } from '../io/open-log.ts';
import { runPart, settleUnprivileged } from '../io/part.ts';
import { progressWriter } from '../io/progress-writer.ts';
import { openSiteSecret } from '../io/site-secret.ts';
import { onStop, tellReady } from '../io/supervised.ts';
import { type Watching, watchingOf } from '../watch/watch-settings.ts';

const usage = {
  verb: 'analyze',
  summary: 'runs the analyzers of this machine: they read the events and decide about sources',
  details:
    'Events come from the event log of this machine (postern log), decisions go into it. Mail never waits for them.',
  flags: configFlags,
} as const satisfies Usage;

/** Analyzers of a site share its log under this name. */
const GROUP = 'analyze';
/** How long who had a share before has to keep its state, milliseconds. */
const HANDOVER_MS = 2000;
/** How often the state is kept in the common log, milliseconds: each time it is all of it. */
const COMMON_SNAPSHOT_EVERY_MS = 300_000;

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
  return config.log.kind === 'kafka' ? watchCommon(configured, around) : watchOwn(around);
}

interface Around {
  readonly places: Places;
  readonly watching: Watching;
  readonly listener: RunnerListener;
  readonly logger: OperatorLog;
  readonly signal: AbortSignal;
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

/** Shares the log that all machines have in common with the other analyzers of the site. */
async function watchCommon(configured: Configured, around: Around): Promise<Result<undefined, string>> {
  const { logger, signal } = around;
  const place = kafkaPlace(configured);
  if (!place.ok) return place;
  const opened = await awaitCommonLog(configured, logger, signal);
  if (opened === undefined) return ok(undefined);
  await using log = opened;
  await using group = new KafkaGroup({
    place: place.value,
    group: GROUP,
    streams: ['postern.events', 'postern.evidence'],
    onFault: (fault) => logger.warn({ fault }, 'the analyzers do not agree about their shares yet'),
  });
  await group.run(async (assignment, revoked) => {
    const eventPartitions = assignment.get('postern.events') ?? [];
    const evidencePartitions = assignment.get('postern.evidence') ?? [];
    logger.info({ eventPartitions, evidencePartitions }, 'this share of the log is watched');
    // Who had it before keeps its state first.
    await setTimeout(HANDOVER_MS, undefined, { signal: revoked }).catch(() => undefined);
    const stats = await watch(
      {
        log,
        snapshots: new LogSnapshots(log, randomUUID),
        snapshotEveryMs: COMMON_SNAPSHOT_EVERY_MS,
        share: { eventPartitions, evidencePartitions },
        isSure: () => group.isSure,
      },
      around,
      revoked,
    );
    logger.info({ ...stats }, 'this share of the log is not watched any more');
  }, signal);
  logger.info({ reason: String(signal.reason) }, 'the analyzers have stopped');
  return ok(undefined);
}

async function watch(
  what: Pick<RunnerOptions, 'log' | 'snapshots' | 'snapshotEveryMs' | 'share' | 'isSure'>,
  { watching: { settings, siteDetectors, stateHash }, places, listener, logger }: Around,
  signal: AbortSignal,
): Promise<RunnerStats | undefined> {
  const runner = new Runner({ ...what, settings, siteDetectors, stateHash, listener });
  signal.addEventListener('abort', () => runner.stop());
  if (signal.aborted) return undefined;
  const takeUp = new TakeUp(new ForgetRequests(places.forget, 'analyze'), forgetIn(runner), logger);
  let takingUp = Promise.resolve();
  await runner.run(async () => {
    // Before what the state says of somebody goes into the log once more.
    await takeUp.once(signal);
    takingUp = takeUp.run(signal);
    logger.info({ scenarios: settings.detectors.length + siteDetectors.length }, 'the analyzers watch');
    tellReady();
  });
  await takingUp;
  return runner.stats;
}

/** The state of the detectors names accounts, as events do; all else in it are keyed hashes that age out. */
const forgetIn =
  (runner: Runner): DoForget =>
  async ({ forgetting }) => {
    const forgetter = new Forgetter(forgetting);
    const isKept = await runner.changeTexts((text) => forgetter.account(text));
    return isKept ? ok({}) : err('the state of the detectors cannot be kept');
  };

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
