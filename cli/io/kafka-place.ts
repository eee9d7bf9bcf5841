import { setTimeout } from 'node:timers/promises';
import { err, ok, type Result } from '../../lib/result.ts';
import type { KafkaPlace, KafkaTls } from '../../log/io/kafka-client.ts';
import { type KafkaLog, type KafkaLogOptions, openKafkaLog } from '../../log/io/kafka-log.ts';
import { FAULTS_TOLD_MAX, type KafkaListener } from '../../log/kafka-troubles.ts';
import { identityOf } from '../config/assemble.ts';
import { pathText } from '../config/fault.ts';
import type { Configured } from './config-file.ts';
import type { OperatorLog } from './logger.ts';
import { thisMachine } from './machine.ts';
import { type KafkaTlsFiles, type MaterialFault, readKafkaPassword, readKafkaTls } from './material.ts';

const DAY_MS = 86_400_000;
/**
 * How long the last decision of each key is kept in its topic: for ever, since an operator's may hold for good, and who comes later must
 * hear of it. And how long states of the detectors are. Milliseconds.
 */
const DECISIONS_KEPT_MS = -1;
const SNAPSHOTS_KEPT_MS = 7 * DAY_MS;

/** Delay before brokers that cannot be used are tried again, milliseconds. */
const OPEN_RETRY_MS = 5000;
/** Age at which files with a password or a certificate are read again for a new connection, milliseconds. */
export const REREAD_MS = 1000;

/** Where the common log is, and as whom. @returns One line where a file or a secret cannot be read. */
export function kafkaPlace({ config, folder }: Configured): Result<KafkaPlace, string> {
  const { brokers, prefix, clientId, mechanism, username } = config.log.kafka;
  const password = readKafkaPassword(config, folder);
  if (!password.ok) return err(lineOf(password.error));
  const files = readKafkaTls(config, folder);
  if (!files.ok) return err(lineOf(files.error));
  const freshPassword = fresh(password.value, () => readKafkaPassword(config, folder));
  return ok({
    brokers,
    prefix,
    clientId: clientId ?? identityOf(config, thisMachine()).gate,
    ...(files.value === undefined ? {} : { tls: tlsOf(fresh(files.value, () => readKafkaTls(config, folder))) }),
    ...(username === undefined ? {} : { login: { mechanism, username, password: () => freshPassword() ?? '' } }),
  });
}

/**
 * Opens the common log as soon as it can be used: Kafka may be away for days. Undefined when `signal` aborted before.
 *
 * @param questionMs - How long brokers may take for one question, milliseconds; parts that run for ever have all the time.
 */
export async function awaitCommonLog(
  configured: Configured,
  logger: OperatorLog,
  signal: AbortSignal,
  questionMs = Number.POSITIVE_INFINITY,
): Promise<KafkaLog | undefined> {
  const told = new Set<string>();
  while (!signal.aborted) {
    const opened = await openCommonLog(configured, {
      listener: listenerFor(logger),
      ending: signal,
      questionMs,
    });
    if (opened.ok) return opened.value;
    if (signal.aborted) break;
    // Brokers of which each fails in its own way are told of once as well.
    if (!told.has(opened.error) && told.size < FAULTS_TOLD_MAX) {
      told.add(opened.error);
      logger.warn({ fault: opened.error }, 'the common log cannot be used yet');
    }
    await setTimeout(OPEN_RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

const listenerFor = (logger: OperatorLog): KafkaListener => ({
  away: (fault) => logger.warn({ fault }, 'Kafka does not do its work: what is new waits'),
  back: () => logger.warn({}, 'Kafka does its work again'),
});

interface CommonLogOptions extends Pick<KafkaLogOptions, 'listener' | 'ending' | 'patienceMs' | 'questionMs'> {
  /** Topics that are not there are a fault, and are not made. */
  readonly onlyExisting?: boolean;
}

/** Opens the common log once. @returns One line where it cannot be used now. */
export async function openCommonLog(
  configured: Configured,
  { onlyExisting = false, ...options }: CommonLogOptions,
): Promise<Result<KafkaLog, string>> {
  const place = kafkaPlace(configured);
  if (!place.ok) return place;
  const { retentionMs, kafka } = configured.config.log;
  return openKafkaLog({
    place: place.value,
    topics: {
      onlyExisting,
      partitionCount: kafka.partitions,
      replicas: kafka.replicas,
      retentionMs: {
        'postern.events': retentionMs,
        'postern.evidence': retentionMs,
        'postern.decisions': DECISIONS_KEPT_MS,
        'postern.snapshots': SNAPSHOTS_KEPT_MS,
      },
    },
    ...options,
  });
}

type Read<T> = Result<T, MaterialFault>;

const lineOf = ({ path, problem, hint }: MaterialFault): string => `${pathText(path)}: ${problem}; ${hint}`;

/** What files hold: looked at again where that was a while ago, and what was good last where it cannot be read. */
function fresh<T>(first: T, read: () => Read<T>): () => T {
  let value = first;
  let readAtMs = performance.now();
  return () => {
    if (performance.now() - readAtMs < REREAD_MS) return value;
    readAtMs = performance.now();
    const again = read();
    if (again.ok) value = again.value;
    return value;
  };
}

/** Each connection takes what the files hold by then. */
function tlsOf(files: () => KafkaTlsFiles | undefined): KafkaTls {
  return {
    get ca() {
      return files()?.ca;
    },
    get cert() {
      return files()?.own?.pem.certificate;
    },
    get key() {
      return files()?.own?.pem.key;
    },
  };
}
