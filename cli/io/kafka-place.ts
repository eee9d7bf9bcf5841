import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { err, ok, type Result } from '../../lib/result.ts';
import type { KafkaPlace, KafkaTls } from '../../log/io/kafka-client.ts';
import { type KafkaLog, openKafkaLog } from '../../log/io/kafka-log.ts';
import { identityOf } from '../config/assemble.ts';
import { pathText } from '../config/fault.ts';
import type { Config } from '../config/schema.ts';
import type { Configured } from './config-file.ts';
import type { OperatorLog } from './logger.ts';
import { thisMachine } from './machine.ts';
import { readKafkaPassword } from './material.ts';
import { textOf } from './text-of.ts';

const DAY_MS = 86_400_000;
/** How long decisions are kept in their topic, beyond the last one of each key; and states of the detectors. Milliseconds. */
const DECISIONS_KEPT_MS = 30 * DAY_MS;
const SNAPSHOTS_KEPT_MS = 7 * DAY_MS;

/** Delay before brokers that cannot be used are tried again, milliseconds. */
const OPEN_RETRY_MS = 5000;

/** Where the common log is, and as whom. @returns One line where a file or a secret cannot be read. */
export function kafkaPlace({ config, folder }: Configured): Result<KafkaPlace, string> {
  const { brokers, prefix, clientId, tls, mechanism, username } = config.log.kafka;
  const password = readKafkaPassword(config, folder);
  if (!password.ok) return err(`${pathText(password.error.path)}: ${password.error.problem}; ${password.error.hint}`);
  const files = tls.kind === 'on' ? readTls(config, folder) : ok(undefined);
  if (!files.ok) return files;
  return ok({
    brokers,
    prefix,
    clientId: clientId ?? identityOf(config, thisMachine()).gate,
    ...(files.value === undefined ? {} : { tls: files.value }),
    ...(username === undefined || password.value === undefined
      ? {}
      : { login: { mechanism, username, password: password.value } }),
  });
}

/** Opens the common log as soon as it can be used: Kafka may be away for days. Undefined when `signal` aborted before. */
export async function awaitCommonLog(
  configured: Configured,
  logger: OperatorLog,
  signal: AbortSignal,
): Promise<KafkaLog | undefined> {
  let last = '';
  while (!signal.aborted) {
    const opened = await openCommonLog(configured, logger);
    if (opened.ok) return opened.value;
    if (opened.error !== last) logger.warn({ fault: opened.error }, 'the common log cannot be used yet');
    last = opened.error;
    await setTimeout(OPEN_RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** Opens the common log once. @returns One line where it cannot be used now. */
export async function openCommonLog(configured: Configured, logger: OperatorLog): Promise<Result<KafkaLog, string>> {
  const place = kafkaPlace(configured);
  if (!place.ok) return place;
  const { retentionMs, kafka } = configured.config.log;
  return openKafkaLog({
    place: place.value,
    topics: {
      partitionCount: kafka.partitions,
      replicas: kafka.replicas,
      retentionMs: {
        'postern.events': retentionMs,
        'postern.evidence': retentionMs,
        'postern.decisions': DECISIONS_KEPT_MS,
        'postern.snapshots': SNAPSHOTS_KEPT_MS,
      },
    },
    listener: {
      away: (fault) => logger.warn({ fault }, 'Kafka does not answer: what is new waits'),
      back: () => logger.warn({}, 'Kafka answers again'),
    },
  });
}

function readTls({ log }: Config, folder: string): Result<KafkaTls, string> {
  const { caFile, certFile, keyFile } = log.kafka.tls;
  try {
    const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(resolve(folder, file)));
    const [ca, cert, key] = [read(caFile), read(certFile), read(keyFile)];
    return ok({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
  } catch (error) {
    return err(`log.kafka.tls: ${textOf(error)}`);
  }
}
