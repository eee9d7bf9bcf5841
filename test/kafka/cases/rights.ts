import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { lastDecisions } from '../../../cli/io/read-decisions.ts';
import { encodeEvent } from '../../../events/codec.ts';
import { decisionRecord } from '../../../log/decision-record.ts';
import { streams } from '../../../log/event-log.ts';
import { aDecision } from '../../support/decisions.ts';
import { aGateStart } from '../../support/events.ts';
import { eventsIn, Fleet, faultsOf, harvest, type Machine } from '../../support/fleet.ts';
import { until } from '../../support/postern.ts';
import { newPrefix, passwordOf, type Right, type SecuredKafka } from '../../support/secured-kafka.ts';

const DOCUMENT = new URL('../../../docs/many-machines.md', import.meta.url);
const operations: Readonly<Record<string, Right['operation']>> = {
  Read: 'READ',
  Write: 'WRITE',
  Create: 'CREATE',
  Describe: 'DESCRIBE',
  DescribeConfigs: 'DESCRIBE_CONFIGS',
};

/** Whose rights a row of the documentation gives: users of the test are named as the parts that they run. */
const usersOf: Readonly<Record<string, readonly string[]>> = {
  'postern-gate': ['ship'],
  'postern-analyze': ['analyze'],
  'postern-store': ['store'],
  'postern-web': ['web'],
  'postern-siem': ['siem'],
};

/** The rights that the documentation says are enough, under a prefix: a column for each topic, and one for the group. */
function documented(prefix: string): readonly Right[] {
  const rows = readFileSync(DOCUMENT, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `postern-') || line.startsWith('| user '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  const [head = [], ...body] = rows;
  expect(body.map(([user]) => user)).toEqual(Object.keys(usersOf));
  return body.flatMap(([row = '', , ...cells]) =>
    cells.flatMap((cell, index) => {
      const title = head[index + 2] ?? '';
      const [name = '', words = ''] = title === 'group' ? cell.split(': ') : [title, cell];
      const kind = title === 'group' ? 'GROUP' : 'TOPIC';
      return words.split(', ').flatMap((word): readonly Right[] => {
        const operation = operations[word];
        if (operation === undefined) return [];
        return (usersOf[row] ?? []).map((user) => ({ user, kind, name: `${prefix}${name}`, operation }));
      });
    }),
  );
}

async function syslog(): Promise<{ readonly port: number; readonly messages: readonly string[] }> {
  const messages: string[] = [];
  const socket = createSocket('udp4', (message) => messages.push(message.toString())).bind(0, '127.0.0.1');
  onTestFinished(() => void socket.close());
  await once(socket, 'listening');
  return { port: socket.address().port, messages };
}

const parts = ['ship', 'analyze', 'store', 'siem'];
const faults = (machines: readonly Machine[]) =>
  machines.flatMap((machine) => parts.flatMap((part) => faultsOf(machine, part)));

/** What each part may do at the brokers, and what becomes of it where it may not. */
export function rightsCases(kafka: () => SecuredKafka): void {
  test('with the rights that are documented every part does its work; without one it says so, and nothing is lost', async () => {
    const prefix = newPrefix();
    await using log = await kafka().log(prefix);
    const rights = documented(prefix);
    await kafka().grant(rights);
    const fleetOf = (user: string) =>
      Fleet.open(kafka().by('LOGIN'), { prefix, username: user, password: { env: 'KAFKA_PASSWORD' } });
    const own = (user: string) => ({ env: { KAFKA_PASSWORD: passwordOf(user) } });
    const collector = await syslog();
    const gate = (await fleetOf('ship')).machine('gate', 'log,ship,gate', {}, own('ship'));
    const analyzer = (await fleetOf('analyze')).machine('analyzer', 'analyze', {}, own('analyze'));
    const keeper = await (await fleetOf('store')).center('store', {}, own('store'));
    const siem = {
      siem: { kind: 'syslog', transport: 'udp', host: '127.0.0.1', port: collector.port, least: 'usual' },
    };
    const forwarder = (await fleetOf('siem')).machine('forwarder', 'siem', siem, own('siem'));
    const machines = [gate, analyzer, keeper, forwarder];
    await Promise.all([
      gate.process.line('the decisions of all gates are here'),
      analyzer.process.line('the analyzers watch'),
      keeper.process.line('the store keeps the history'),
    ]);
    await harvest(gate, '198.51.100.7');
    await until(
      async () => ((await gate.greeting('198.51.100.7')) === 421 ? true : undefined),
      () => `a refusal:\n${machines.map(({ process: { stderr } }) => stderr).join('\n')}`,
    );
    await until(
      async () => (Number(await keeper.ask('SELECT count() FROM decisions')) > 0 ? true : undefined),
      () => `a decision in the history:\n${keeper.process.stderr}`,
    );
    await until(
      async () => {
        const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
        const done = await Promise.all(partitions.map((each) => log.committed('siem', 'postern.events', each)));
        return done.some((offset) => offset > 0) ? true : undefined;
      },
      () => `that the SIEM is told is remembered:\n${forwarder.process.stderr}`,
    );
    expect(collector.messages).not.toEqual([]);
    const reader = await kafka().open(
      kafka().place({ prefix, brokers: kafka().by('LOGIN'), login: kafka().login('SCRAM-SHA-512', 'web') }),
    );
    if (!reader.ok) throw new Error(reader.error);
    expect(await eventsIn(reader.value, 'command')).toBeGreaterThan(0);
    expect(await lastDecisions(reader.value)).not.toEqual([]);
    // What operators do at the console, and the event that every analyzer sees.
    const act = decisionRecord(aDecision({ value: '198.51.100.9', at: Date.now(), origin: 'operator' }));
    expect(await reader.value.append([act])).toMatchObject({ ok: true });
    const event = {
      stream: 'postern.events',
      key: '',
      payload: encodeEvent(aGateStart()),
      everyPartition: true,
    } as const;
    expect(await reader.value.append([event])).toMatchObject({ ok: true });
    await reader.value[Symbol.asyncDispose]();
    expect(faults(machines)).toEqual([]);

    const write = rights.filter(
      ({ user, name, operation }) => user === 'ship' && name === `${prefix}postern.events` && operation === 'WRITE',
    );
    await kafka().revoke(write);
    const line = `Kafka does not do its work: what is new waits: ${prefix}postern.events: this user may not: docs/many-machines.md tells which rights it needs at the brokers`;
    let mails = 0;
    for (; faults([gate]).length === 0 && mails < 600; mails += 1) {
      await gate.mail(`203.0.113.${mails % 250}`);
      await setTimeout(30);
    }
    expect(faults([gate])).toEqual([expect.stringContaining(line)]);
    expect(await eventsIn(log, 'session-closed', '203.0.113.')).toBeLessThan(mails);
    await kafka().grant(write);
    await gate.process.line('Kafka does its work again');
    await until(
      async () => ((await eventsIn(log, 'session-closed', '203.0.113.')) === mails ? true : undefined),
      () => `${mails} sessions in the common log:\n${gate.process.stderr}`,
    );
    for (const machine of machines) expect(await machine.process.stop()).toBe(0);
    expect(faults([analyzer, keeper, forwarder])).toEqual([]);
  });

  test('a user that may not look at topics, or make them, is told which one', async () => {
    const prefix = newPrefix();
    const [first = ''] = streams;
    const place = kafka().place({
      prefix,
      brokers: kafka().by('LOGIN'),
      login: kafka().login('SCRAM-SHA-256', 'web'),
    });
    const line = `${prefix}${first}: this user may not: docs/many-machines.md tells which rights it needs at the brokers (TOPIC_AUTHORIZATION_FAILED)`;
    expect(await kafka().open(place)).toEqual({ ok: false, error: line });
    // To make topics it takes Create, besides what is documented for every part.
    const operationsNeeded = ['CREATE', 'DESCRIBE', 'DESCRIBE_CONFIGS'] as const;
    await kafka().grant(
      streams.flatMap((stream) =>
        operationsNeeded.map((operation) => ({ user: 'web', kind: 'TOPIC', name: `${prefix}${stream}`, operation })),
      ),
    );
    const opened = await until(
      async () => {
        const again = await kafka().open(place);
        return again.ok ? again.value : undefined;
      },
      () => 'that it can be used',
    );
    await opened[Symbol.asyncDispose]();
  });
}
