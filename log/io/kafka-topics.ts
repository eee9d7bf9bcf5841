import { setTimeout } from 'node:timers/promises';
import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { APPEND_OCTETS_MAX, RECORD_OCTETS_MAX, type Stream, streams } from '../event-log.ts';
import { isAnswer, kafkaFault } from '../kafka-fault.ts';
import { clientOptions, type KafkaPlace, topicOf } from './kafka-client.ts';

/** How topics are made where they are not there. */
export interface TopicSettings {
  readonly partitionCount: number;
  /** Copies of every record, on as many brokers. */
  readonly replicas: number;
  /** How long each stream is kept, milliseconds. */
  readonly retentionMs: Readonly<Record<Stream, number>>;
  /** Those that are not there are a fault, and are not made. */
  readonly onlyExisting?: boolean;
}

/** Octets that a batch has beyond its records, with room to spare. */
const BATCH_MARGIN_OCTETS = 65_536;
/** The largest batch that a topic must take: one append may be as long. */
const MESSAGE_OCTETS_MAX = APPEND_OCTETS_MAX + RECORD_OCTETS_MAX + BATCH_MARGIN_OCTETS;

/** Age at which a segment of states is closed, milliseconds: only closed ones are compacted. */
const SNAPSHOT_SEGMENT_MS = 600_000;

/** What counts of a compacted stream is the last record of each key. */
const compacted: ReadonlySet<Stream> = new Set(['postern.decisions', 'postern.snapshots']);

/** What a topic must have, whoever made it: otherwise records are lost, or refused. */
const needed = (stream: Stream): Readonly<Record<string, string>> => ({
  'cleanup.policy': compacted.has(stream) ? 'compact,delete' : 'delete',
  'max.message.bytes': String(MESSAGE_OCTETS_MAX),
});

/** What a topic is made with; whoever runs Kafka may change it. */
const wanted = (stream: Stream, { replicas, retentionMs }: TopicSettings): Readonly<Record<string, string>> => ({
  ...needed(stream),
  // Batches are kept as they were sent: brokers have other work than to compress them once more.
  'compression.type': 'producer',
  'retention.ms': String(retentionMs[stream]),
  // When it was sent on: what waited in the log of a machine for days is kept as long as anything else.
  'message.timestamp.type': 'CreateTime',
  'min.insync.replicas': String(Math.max(1, replicas - 1)),
  // States come often, and only the last ones count.
  ...(stream === 'postern.snapshots'
    ? { 'segment.ms': String(SNAPSHOT_SEGMENT_MS), 'min.cleanable.dirty.ratio': '0.1' }
    : {}),
});

/** A topic that was just made is not known to every broker at once: delay before it is asked for again, milliseconds, and how often. */
const RETRY_MS = 200;
const RETRIES_MAX = 10;

/**
 * Makes the topics that are not there, unless only existing ones are wanted, and looks at those that are.
 *
 * @param signal - Ends the attempt.
 * @returns How many partitions they have, or one line that says what is wrong with which topic and what to do.
 */
export async function prepareTopics(
  place: KafkaPlace,
  settings: TopicSettings,
  signal?: AbortSignal,
): Promise<Result<number, string>> {
  const admin = new Admin(clientOptions(place));
  // What is asked then fails at once.
  const stop = (): void => void admin.close().catch(() => undefined);
  signal?.addEventListener('abort', stop);
  try {
    return await prepare(admin, place, settings);
  } finally {
    signal?.removeEventListener('abort', stop);
    await admin.close().catch(() => undefined);
  }
}

async function prepare(admin: Admin, place: KafkaPlace, settings: TopicSettings): Promise<Result<number, string>> {
  let about: string | undefined;
  try {
    const there = new Set(await admin.listTopics());
    const counts = new Map<string, number>();
    for (const stream of streams) {
      about = topicOf(place, stream);
      if (there.has(about)) counts.set(about, await countPartitions(admin, about));
    }
    for (const stream of streams) {
      about = topicOf(place, stream);
      if (counts.has(about)) continue;
      if (settings.onlyExisting === true)
        return err(
          `the topic ${about} is not there: has a part been started yet, and is log.kafka.prefix the same there?`,
        );
      // The number of those that are there counts: one that was lost is made like them.
      const [partitions = settings.partitionCount] = counts.values();
      await make(admin, about, wanted(stream, settings), { partitions, replicas: settings.replicas });
      counts.set(about, await countPartitions(admin, about));
    }
    const odd = oddIn(counts);
    if (odd !== undefined) return err(odd);
    for (const stream of streams) {
      about = topicOf(place, stream);
      const fault = faultIn(stream, await configOf(admin, about, Object.keys(needed(stream))));
      if (fault !== undefined) return err(`the topic ${about} has ${fault}`);
    }
    const [partitionCount = 0] = counts.values();
    return ok(partitionCount);
  } catch (error) {
    return err(kafkaFault(error, place, about));
  }
}

async function make(
  admin: Admin,
  topic: string,
  settings: Readonly<Record<string, string>>,
  size: { readonly partitions: number; readonly replicas: number },
): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  try {
    await admin.createTopics({ topics: [topic], ...size, configs });
  } catch (error) {
    // Another part may have made it meanwhile.
    if (!isAnswer(error, 'TOPIC_ALREADY_EXISTS')) throw error;
  }
}

async function countPartitions(admin: Admin, topic: string): Promise<number> {
  const { topics } = await onceKnown(() => admin.metadata({ topics: [topic], forceUpdate: true }));
  return topics.get(topic)?.partitionsCount ?? 0;
}

async function onceKnown<T>(ask: () => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries += 1) {
    try {
      return await ask();
    } catch (error) {
      const isUnknown = isAnswer(error, 'UNKNOWN_TOPIC_OR_PARTITION') || messageOf(error).startsWith('Unknown topic');
      if (!isUnknown || retries === RETRIES_MAX) throw error;
      await setTimeout(RETRY_MS);
    }
  }
}

function oddIn(counts: ReadonlyMap<string, number>): string | undefined {
  const [first, ...others] = counts;
  const odd = others.find(([, count]) => count !== first?.[1]);
  if (first === undefined || odd === undefined) return undefined;
  const told = `the topic ${odd[0]} has ${odd[1]} partitions, and ${first[0]} has ${first[1]}: all of Postern have the same number`;
  return `${told}. Delete the one that is wrong, and it is made anew, or take another log.kafka.prefix`;
}

async function configOf(admin: Admin, topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: [...names] }];
  const [described] = await onceKnown(() => admin.describeConfigs({ resources }));
  return new Map(described?.configs.map(({ name, value }) => [name, value ?? '']));
}

function faultIn(stream: Stream, has: ReadonlyMap<string, string>): string | undefined {
  for (const [name, value] of Object.entries(needed(stream))) {
    const found = has.get(name) ?? '';
    const isEnough = name === 'max.message.bytes' ? Number(found) >= Number(value) : isSame(found, value);
    if (!isEnough) return `${name}=${found}, and needs ${value}: set it with kafka-configs.sh --alter`;
  }
  return undefined;
}

const isSame = (one: string, other: string): boolean =>
  one.split(',').toSorted().join(',') === other.split(',').toSorted().join(',');
