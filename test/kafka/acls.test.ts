import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  Consumer,
  Producer,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { Fleet, type Machine } from '../support/fleet.ts';
import { describeNeeds } from '../support/needs.ts';
import { textOf } from '../support/packaging.ts';
import { until } from '../support/postern.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Are the rights that docs/many-machines.md gives to each part enough, and no more? */

const ADMIN = 'admin';
const users = ['postern-gate', 'postern-analyze', 'postern-store', 'postern-siem'] as const;
type User = (typeof users)[number];
const passwordOf = (user: string): string => `of-${user}`;

const jaas = [
  'org.apache.kafka.common.security.plain.PlainLoginModule required',
  `username="${ADMIN}" password="${passwordOf(ADMIN)}"`,
  ...[ADMIN, ...users].map((user) => `user_${user}="${passwordOf(user)}"`),
].join(' ');

let cluster: KafkaCluster;

const clientOf = (user: string) => ({
  clientId: 'test',
  bootstrapBrokers: [...cluster.addresses],
  retries: 0,
  sasl: { mechanism: 'PLAIN' as const, username: user, password: passwordOf(user) },
});

interface Right {
  readonly user: User;
  readonly kind: 'topic' | 'group';
  readonly name: string;
  readonly operation: 'READ' | 'WRITE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS';
}

/** The table, a right at a time. */
function rightsTold(): readonly Right[] {
  const rows = textOf('docs/many-machines.md')
    .split('\n')
    .filter((line) => line.startsWith('| `postern-') || line.startsWith('| user '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  const [head = [], ...body] = rows;
  return body.flatMap(([user = '', , ...cells]) =>
    cells.flatMap((cell, index) => {
      const title = head[index + 2] ?? '';
      const [name, operations = ''] = title === 'group' ? cell.split(': ') : [title, cell];
      return operations.split(', ').flatMap((operation): Right[] => {
        if (name === undefined || !/^[A-Z]/.test(operation)) return [];
        const spelt = operation.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase() as Right['operation'];
        return [{ user: user as User, kind: title === 'group' ? 'group' : 'topic', name, operation: spelt }];
      });
    }),
  );
}

async function grant(rights: readonly Right[], prefix: string): Promise<void> {
  const admin = new Admin(clientOf(ADMIN));
  await admin.createAcls({
    creations: rights.map(({ user, kind, name, operation }) => ({
      resourceType: kind === 'topic' ? ResourceTypes.TOPIC : ResourceTypes.GROUP,
      resourceName: `${prefix}${name}`,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${user}`,
      host: '*',
      operation: AclOperations[operation],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  });
  await admin.close();
}

/** The sum of what a group has behind itself. */
async function committed(groupId: string, name: string): Promise<number> {
  const admin = new Admin(clientOf(ADMIN));
  const topics = [{ name, partitionIndexes: [0, 1, 2, 3] }];
  const [found] = await admin.listConsumerGroupOffsets({ groups: [{ groupId, topics }] });
  await admin.close();
  const offsets = found?.topics.flatMap(({ partitions }) => partitions) ?? [];
  return offsets.reduce((sum, { committedOffset }) => sum + Math.max(0, Number(committedOffset)), 0);
}

/** What a machine of a user says of the brokers in its configuration. */
function kafkaOf(fleet: Fleet, user: string): Record<string, unknown> {
  const file = join(temporaryDirectory(), 'kafka.password');
  writeFileSync(file, passwordOf(user), { mode: 0o600 });
  const { prefix } = fleet;
  const login = { mechanism: 'PLAIN', username: user, password: { file } };
  return {
    log: { kind: 'kafka', kafka: { brokers: cluster.addresses, prefix, partitions: 4, replicas: 1, ...login } },
  };
}

/** Guesses addresses, and looks whether the gate still greets. */
async function isRefusedAfterHarvest(gate: Machine, ip: string): Promise<boolean> {
  const client = await gate.connect(ip);
  expect(await client.code()).toBe(220);
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@spam.example>']) expect(await client.say(line)).toBe(250);
  for (let count = 0; count < 9; count += 1) {
    client.send(`RCPT TO:<guess${count}@example.com>\r\n`);
    if ((await client.code()) === 421) break;
    await setTimeout(150);
  }
  client.destroy();
  return (await until(
    async () => {
      // Rarely enough not to be refused for that.
      await setTimeout(500);
      return (await gate.greeting(ip)) === 421 ? true : undefined;
    },
    () => `a refusal:\n${gate.process.stderr}`,
    60_000,
  )) as boolean;
}

describeNeeds(['java', 'mvn'], 'rights at Kafka', () => {
  beforeAll(async () => {
    cluster = await KafkaCluster.start({
      // The last line of a name counts.
      properties: [
        'listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENT:SASL_PLAINTEXT',
        'sasl.enabled.mechanisms=PLAIN',
        'sasl.mechanism.inter.broker.protocol=PLAIN',
        `listener.name.client.plain.sasl.jaas.config=${jaas};`,
        'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        `super.users=User:${ADMIN};User:ANONYMOUS`,
      ],
    });
  }, 120_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('gates, analyzers, store, console and SIEM work with the rights that are told', async () => {
    const rights = rightsTold();
    expect(new Set(rights.map(({ user }) => user))).toEqual(new Set(users));
    const fleet = await Fleet.open(cluster.addresses);
    // An administrator makes the topics.
    const maker = fleet.machine('maker', 'log,ship', kafkaOf(fleet, ADMIN));
    await maker.process.line('the log is sent on to Kafka');
    expect(await maker.process.stop()).toBe(0);
    await grant(rights, fleet.prefix);

    const gate = fleet.machine('one', 'log,ship,gate', kafkaOf(fleet, 'postern-gate'));
    const analyzer = fleet.machine('two', 'analyze', kafkaOf(fleet, 'postern-analyze'));
    const store = await fleet.center('store,web', {
      ...kafkaOf(fleet, 'postern-store'),
      web: { kind: 'on', port: 0 },
    });
    const siem = fleet.machine('three', 'siem', {
      ...kafkaOf(fleet, 'postern-siem'),
      siem: { kind: 'syslog', transport: 'udp', host: '127.0.0.1', port: 9 },
    });
    await analyzer.process.line('the analyzers watch');
    await store.process.line('the store keeps the history');
    expect(await isRefusedAfterHarvest(gate, '198.51.100.7')).toBe(true);
    await until(
      async () =>
        (await committed(`${fleet.prefix}postern.siem`, `${fleet.prefix}postern.events`)) > 0 ? true : undefined,
      () => `how far the SIEM is:\n${siem.process.stderr}`,
    );
    for (const machine of [gate, analyzer, store, siem]) {
      expect(await machine.process.stop()).toBe(0);
      // Whoever lacks a right is told so by the brokers.
      expect(machine.process.stderr).not.toMatch(/authoriz/i);
    }
  });

  test.each([
    ['postern-gate', 'postern.events', 'read'],
    ['postern-gate', 'postern.evidence', 'read'],
    ['postern-gate', 'postern.snapshots', 'write'],
    ['postern-analyze', 'postern.events', 'write'],
    ['postern-store', 'postern.events', 'write'],
    ['postern-store', 'postern.decisions', 'write'],
    ['postern-siem', 'postern.snapshots', 'read'],
  ] as const)('%s cannot, at %s: %s', async (user, topic, what) => {
    const prefix = `${user}.${topic}.${what}.`;
    const admin = new Admin(clientOf(ADMIN));
    await admin.createTopics({ topics: [`${prefix}${topic}`], partitions: 1, replicas: 1 });
    await grant(rightsTold(), prefix);
    const { topics } = await admin.metadata({ topics: [`${prefix}${topic}`], forceUpdate: true });
    await admin.close();
    const read = async (): Promise<unknown> => {
      const consumer = new Consumer({ ...clientOf(user), groupId: 'nobody' });
      const partitions = [
        { partition: 0, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1, partitionMaxBytes: 1000 },
      ];
      const topicId = topics.get(`${prefix}${topic}`)?.id ?? '';
      try {
        return await consumer.fetch({
          node: 1,
          maxWaitTime: 1,
          minBytes: 1,
          maxBytes: 1000,
          topics: [{ topicId, partitions }],
        });
      } finally {
        await consumer.close(true).catch(() => undefined);
      }
    };
    const write = async (): Promise<unknown> => {
      const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({ ...clientOf(user), idempotent: true });
      try {
        return await producer.send({
          messages: [{ topic: `${prefix}${topic}`, partition: 0, key: Buffer.from('a'), value: Buffer.from('{}') }],
        });
      } finally {
        await producer.close(true).catch(() => undefined);
      }
    };
    const outcome = await (what === 'read' ? read() : write()).then(
      () => 'done',
      (error: unknown) => inspect(error, { depth: 8 }),
    );
    expect(outcome).toMatch(/AUTHORIZATION_FAILED/);
  });
});
