import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Stream, streams } from '../../log/event-log.ts';
import { openKafkaLog } from '../../log/io/kafka-log.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { describeNeeds } from '../support/needs.ts';

const DAY_MS = 86_400_000;
const RECORDS = 3000;
const BATCH = 50;

describeNeeds(['java', 'mvn'], 'three brokers', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ brokers: 3 });
  }, 240_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('one is killed: what was taken is there, appends go on, and a follower sees each in its order', async () => {
    const told: string[] = [];
    const opened = await openKafkaLog({
      place: { clientId: 'test', brokers: cluster.addresses, prefix: '' },
      topics: {
        partitionCount: 3,
        replicas: 3,
        retentionMs: Object.fromEntries(streams.map((stream) => [stream, DAY_MS])) as Record<Stream, number>,
      },
      listener: { away: (fault) => told.push(fault), back: () => told.push('back') },
      patienceMs: 90_000,
    });
    if (!opened.ok) throw new Error(opened.error);
    const log = opened.value;
    onTestFinished(() => log[Symbol.asyncDispose]());
    const seen = new Map<number, number[]>();
    const ending = new AbortController();
    const following = [0, 1, 2].map(async (partition) => {
      for await (const { records } of log.follow('postern.events', partition, 0, ending.signal)) {
        const known = seen.get(partition) ?? [];
        for (const { payload } of records) known.push((JSON.parse(payload) as { n: number }).n);
        seen.set(partition, known);
      }
    });
    let killed: Promise<void> = Promise.resolve();
    for (let first = 0; first < RECORDS; first += BATCH) {
      if (first === RECORDS / 3) killed = cluster.kill(2);
      const records = Array.from({ length: BATCH }, (_, index) => ({
        stream: 'postern.events' as const,
        key: `key-${(first + index) % 30}`,
        payload: `{"n":${first + index}}`,
      }));
      expect((await log.append(records)).ok).toBe(true);
    }
    await killed;
    const distinct = () => [...seen.values()].reduce((sum, numbers) => sum + new Set(numbers).size, 0);
    await expect.poll(distinct, { timeout: 60_000 }).toBe(RECORDS);
    ending.abort();
    await Promise.all(following);
    for (const numbers of seen.values()) {
      // A batch may come twice as a whole; the first time that each record comes is in order.
      const firsts = numbers.filter((number, index) => numbers.indexOf(number) === index);
      expect(firsts).toEqual(firsts.toSorted((one, other) => one - other));
    }
    await setTimeout(10);
    expect(told.length === 0 || told.at(-1) === 'back').toBe(true);
  });
});
