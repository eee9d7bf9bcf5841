import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import { err, ok, type Result } from '../../lib/result.ts';
import { APPEND_OCTETS_MAX, RECORD_OCTETS_MAX, type Stream, streams } from '../event-log.ts';
import { clientOptions, isAnswer, type KafkaPlace, kafkaFault, topicOf } from './kafka-client.ts';

/** How topics are made where they are not there. */
export interface TopicSettings {
  readonly partitionCount: number;
  /** Copies of every record, on as many brokers. */
  readonly replicas: number;
  /** How long each stream is kept, milliseconds. */
  readonly retentionMs: Readonly<Record<Stream, number>>;
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
  // The time of a record is when the gate saw it: what waited in a spool is not of today.
  'message.timestamp.type': 'CreateTime',
  'min.insync.replicas': String(Math.max(1, replicas - 1)),
  // States come often, and only the last ones count.
  ...(stream === 'postern.snapshots'
    ? { 'segment.ms': String(SNAPSHOT_SEGMENT_MS), 'min.cleanable.dirty.ratio': '0.1' }
    : {}),
});

/**
 * Makes the topics that are not there, and looks at those that are.
 *
 * @returns How many partitions they have, or one line that says what is wrong with which topic and what to do.
 */
export async function prepareTopics(place: KafkaPlace, settings: TopicSettings): Promise<Result<number, string>> {
  const admin = new Admin(clientOptions(place));
  try {
    const there = new Set(await admin.listTopics());
    for (const stream of streams) {
      if (!there.has(topicOf(place, stream))) await make(admin, place, stream, settings);
    }
    return await examine(admin, place);
  } catch (error) {
    return err(`Kafka at ${place.brokers.join(', ')}: ${kafkaFault(error)}`);
  } finally {
    await admin.close();
  }
}

async function make(admin: Admin, place: KafkaPlace, stream: Stream, settings: TopicSettings): Promise<void> {
  const configs = Object.entries(wanted(stream, settings)).map(([name, value]) => ({ name, value }));
  const topic = topicOf(place, stream);
  const { partitionCount: partitions, replicas } = settings;
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas, configs });
  } catch (error) {
    // Another part may have made it meanwhile.
    if (!isAnswer(error, 'TOPIC_ALREADY_EXISTS')) throw error;
  }
}

async function examine(admin: Admin, place: KafkaPlace): Promise<Result<number, string>> {
  const topics = streams.map((stream) => topicOf(place, stream));
  const metadata = await admin.metadata({ topics, forceUpdate: true });
  const counts = new Map(topics.map((topic) => [topic, metadata.topics.get(topic)?.partitionsCount ?? 0]));
  const [count = 0] = counts.values();
  const odd = topics.find((topic) => counts.get(topic) !== count);
  if (odd !== undefined) {
    const told = `the topic ${odd} has ${counts.get(odd)} partitions, and ${topics[0]} has ${count}`;
    return err(`${told}: all topics of Postern have the same number, which never changes`);
  }
  const described = await admin.describeConfigs({
    resources: streams.map((stream) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName: topicOf(place, stream),
      configurationKeys: Object.keys(needed(stream)),
    })),
  });
  for (const stream of streams) {
    const topic = topicOf(place, stream);
    const configs = described.find(({ resourceName }) => resourceName === topic)?.configs ?? [];
    const fault = faultIn(stream, new Map(configs.map(({ name, value }) => [name, value ?? ''])));
    if (fault !== undefined) return err(`the topic ${topic} has ${fault}`);
  }
  return ok(count);
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
