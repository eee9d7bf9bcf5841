import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaGroup } from '../../log/io/kafka-group.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { openLogUnder } from '../support/fleet.ts';
import { describeNeeds } from '../support/needs.ts';
import { until } from '../support/postern.ts';

const PREFIX = 'group.';
/** Partitions of a stream. */
const PARTITIONS = 4;
/** How far apart the two members of each group begin, milliseconds. */
const apartMs = Array.from({ length: 14 }, (_, index) => 4 * index);

describeNeeds(['java', 'mvn'], 'members of a group', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, 120_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('two that begin at about the same moment share within seconds, also where one comes in the middle of the other', async () => {
    await openLogUnder(cluster.addresses, PREFIX);
    const shared = async (delayMs: number): Promise<void> => {
      const stop = new AbortController();
      const shares = new Map<string, number>();
      const member = (name: string): { group: KafkaGroup; running: Promise<void> } => {
        const group = new KafkaGroup({
          place: { clientId: name, brokers: cluster.addresses, prefix: PREFIX },
          group: `apart-${delayMs}`,
          streams: ['postern.events'],
          onFault: () => undefined,
        });
        const running = group.run(async (assignment, revoked) => {
          shares.set(name, assignment.get('postern.events')?.length ?? 0);
          await new Promise((resolve) => revoked.addEventListener('abort', resolve));
          shares.delete(name);
        }, stop.signal);
        return { group, running };
      };
      const one = member('one');
      await setTimeout(delayMs);
      const other = member('other');
      await until(
        () => ([...shares.values()].join() === `${PARTITIONS / 2},${PARTITIONS / 2}` ? true : undefined),
        () => `shares of two that begin ${delayMs} ms apart: ${JSON.stringify([...shares])}`,
        15_000,
      );
      stop.abort();
      await Promise.all([one.running, other.running]);
      for (const { group } of [one, other]) await group[Symbol.asyncDispose]();
    };
    const settled = await Promise.allSettled(apartMs.map(shared));
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([]);
  });
});
