import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openSqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { openLogUnder } from '../support/fleet.ts';
import { describeNeeds } from '../support/needs.ts';
import { playStory, secretFileIn } from '../support/story.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describeNeeds(['java', 'mvn'], 'the story of the demo', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, 120_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('on two gates and two analyzers it comes out as on one machine, and the same is decided', async () => {
    const secretFile = secretFileIn(temporaryDirectory());
    const alone = await playStory(
      {
        machines: [{ name: 'alone', only: 'log,analyze,gate', doors: ['mx', 'submission', 'submissions'] }],
        log: async (data) => {
          const socketPath = join(data, 'run', 'log.sock');
          const opened = await openSqliteLogReader({ directory: join(data, 'log'), socketPath, patienceMs: 5000 });
          if (!opened.ok) throw new Error(JSON.stringify(opened.error));
          onTestFinished(() => opened.value[Symbol.asyncDispose]());
          return opened.value;
        },
      },
      secretFile,
    );
    const prefix = 'story.';
    const kafka = { log: { kind: 'kafka', kafka: { brokers: cluster.addresses, prefix, partitions: 4, replicas: 1 } } };
    const many = await playStory(
      {
        machines: [
          { name: 'one', only: 'log,ship,gate', doors: ['mx'], settings: kafka },
          { name: 'other', only: 'log,ship,gate', doors: ['submission', 'submissions'], settings: kafka },
          { name: 'first', only: 'analyze', doors: [], settings: kafka },
          { name: 'second', only: 'analyze', doors: [], settings: kafka },
        ],
        log: () => openLogUnder(cluster.addresses, prefix),
      },
      secretFile,
    );
    const odd = ({ report }: typeof many) =>
      report.judged.filter(({ asTold }) => !asTold).map(({ line, came }) => [line.id, came]);
    expect(odd(alone)).toEqual([]);
    expect(odd(many)).toEqual([]);
    expect(alone.decided.length).toBeGreaterThan(4);
    expect(many.decided).toEqual(alone.decided);
  });
});
