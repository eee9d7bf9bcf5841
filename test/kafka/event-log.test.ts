import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { type Stream, streams } from '../../log/event-log.ts';
import { openKafkaLog } from '../../log/io/kafka-log.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { eventLogContract, type LogUnderTest } from '../contracts/event-log.contract.ts';
import { describeNeeds } from '../support/needs.ts';

const DAY_MS = 86_400_000;
/** Brokers that are there already; otherwise one is started. */
const given = process.env['KAFKA_BROKERS']?.split(',');

describeNeeds(given === undefined ? ['java', 'mvn'] : [], 'the contract of the log', () => {
  let cluster: KafkaCluster | undefined;
  beforeAll(async () => {
    if (given === undefined) cluster = await KafkaCluster.start();
  }, 120_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  eventLogContract('Kafka', async (): Promise<LogUnderTest> => {
    const clock = { nowMs: Date.now() };
    const prefix = `${randomBytes(4).toString('hex')}.`;
    const opened = await openKafkaLog({
      place: { clientId: 'test', brokers: given ?? cluster?.addresses ?? [], prefix },
      topics: {
        partitionCount: 4,
        replicas: 1,
        retentionMs: Object.fromEntries(streams.map((stream) => [stream, DAY_MS])) as Record<Stream, number>,
      },
      now: () => clock.nowMs,
    });
    if (!opened.ok) throw new Error(opened.error);
    return { log: opened.value, clock, close: () => opened.value[Symbol.asyncDispose]() };
  });
});
