import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { LogSnapshots } from '../../analyzers/io/log-snapshots.ts';
import { ok, type Result } from '../../lib/result.ts';
import { KafkaGroup } from '../../log/io/kafka-group.ts';
import type { Configured } from '../io/config-file.ts';
import { awaitCommonLog, kafkaPlace } from '../io/kafka-place.ts';
import { type Around, watch } from './watch-log.ts';

/** Analyzers of a site share its log under this name. */
const GROUP = 'analyze';
/** How long who had a share before has to keep its state, milliseconds. */
const HANDOVER_MS = 2000;
/** How often the state is kept in the common log, milliseconds: each time it is all of it. */
const COMMON_SNAPSHOT_EVERY_MS = 300_000;

/** Shares the log that all machines have in common with the other analyzers of the site. */
export async function watchCommon(configured: Configured, around: Around): Promise<Result<undefined, string>> {
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
