import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { KafkaLog } from '../../log/io/kafka-log.ts';
import { Shipper } from '../../log/io/shipper.ts';
import { configFlags } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import { runCommand, type Usage } from '../flags.ts';
import type { Configured } from '../io/config-file.ts';
import { awaitCommonLog } from '../io/kafka-place.ts';
import type { OperatorLog } from '../io/logger.ts';
import { mirrorFile } from '../io/mirror-file.ts';
import { MARK_EVERY_MS, markMirrored } from '../io/mirrored-mark.ts';
import { awaitLog } from '../io/open-log.ts';
import { runPart, settleUnprivileged } from '../io/part.ts';
import { progressWriter } from '../io/progress-writer.ts';
import { makeOnce } from '../io/site-secret.ts';
import { onStop, tellReady } from '../io/supervised.ts';
import { textOf } from '../io/text-of.ts';

const usage = {
  verb: 'ship',
  summary: 'sends the event log of this machine on to Kafka, and brings back the decisions',
  details:
    'Mail never waits for it: while Kafka is away events wait in the log of this machine, as long as that keeps them.',
  flags: configFlags,
} as const satisfies Usage;

/** How often it is told how far the log has been sent on, milliseconds. */
const PROGRESS_EVERY_MS = 1000;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, (values) =>
    runPart({ name: 'ship', cannotRun: 'the log cannot be sent on', run: ship }, values),
  );

async function ship(configured: Configured, logger: OperatorLog): Promise<Result<undefined, string>> {
  const { config } = configured;
  if (config.log.kind !== 'kafka')
    return err('`log.kind` is `sqlite` in the configuration: there is nowhere to send it');
  const settled = settleUnprivileged(config);
  if (!settled.ok) return settled;
  const stopped = new AbortController();
  onStop((reason) => stopped.abort(reason));
  const places = placesIn(config.dataDirectory);
  const openedSpool = await awaitLog(places, logger, stopped.signal);
  if (openedSpool === undefined) return ok(undefined);
  await using spool = openedSpool;
  const spoolId = spoolIdIn(places);
  if (!spoolId.ok) return spoolId;
  tellReady();
  const openedCommon = await awaitCommonLog(configured, logger, stopped.signal);
  if (openedCommon === undefined) return ok(undefined);
  await using common = openedCommon;
  await send({ spool, spoolId: spoolId.value, common, places, logger, signal: stopped.signal });
  return ok(undefined);
}

/** A new log has a new one: its offsets begin anew. */
function spoolIdIn({ spoolId }: Places): Result<string, string> {
  try {
    makeOnce(spoolId, Buffer.from(randomUUID()));
    return ok(readFileSync(spoolId, 'utf8').trim());
  } catch (error) {
    return err(`${spoolId}: ${textOf(error)}`);
  }
}

interface Sending {
  readonly spool: EventLog;
  readonly spoolId: string;
  readonly common: KafkaLog;
  readonly places: Places;
  readonly logger: OperatorLog;
  readonly signal: AbortSignal;
}

async function send({ spool, spoolId, common, places, logger, signal }: Sending): Promise<void> {
  let mirrored: NodeJS.Timeout | undefined;
  // While Kafka does not answer nobody knows what was decided.
  const mark = (): void => {
    if (!common.connected) return;
    const marked = markMirrored(places.mirroredAt, Date.now());
    // A gate that starts waits in vain then, and says so.
    if (!marked.ok) logger.debug({ fault: marked.error }, 'what is known of other gates cannot be written down');
  };
  const shipper = new Shipper({
    spool,
    spoolId,
    common,
    mirrored: mirrorFile(places.mirrored),
    listener: {
      trouble: (what, details) => logger.warn(details, what),
      caughtUp: () => {
        logger.info({}, 'the decisions of all gates are here');
        mirrored = setInterval(() => mark(), MARK_EVERY_MS);
        mark();
      },
    },
  });
  logger.info({}, 'the log is sent on to Kafka');
  const tell = progressWriter(places.shipProgress, logger, 'how far the log has been sent on cannot be written down');
  const timer = setInterval(() => tell(shipper.progress), PROGRESS_EVERY_MS);
  await shipper.run(signal);
  clearInterval(timer);
  clearInterval(mirrored);
  logger.info({ reason: String(signal.reason) }, 'the log is not sent on any more');
}
