import { setTimeout } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { streams } from '../../../log/event-log.ts';
import { FOLLOW_WAIT_MS } from '../../../log/io/kafka-log.ts';
import { eventsIn, Fleet, faultsOf, harvest } from '../../support/fleet.ts';
import { until } from '../../support/postern.ts';
import { newPrefix, type SecuredKafka } from '../../support/secured-kafka.ts';

const LARGE = { 'max.message.bytes': '4000000' };
const COMPACTED = { ...LARGE, 'cleanup.policy': 'compact,delete' };

type Deed = (kafka: SecuredKafka, prefix: string) => Promise<void>;

interface Spoilt {
  readonly spoil: Deed;
  /** What is said, behind the prefix of the topic. */
  readonly line: string;
  readonly mend: Deed;
}

const spoilt: Readonly<Record<string, Spoilt>> = {
  'another number of partitions': {
    spoil: async (kafka, prefix) => {
      await kafka.makeTopic(`${prefix}postern.events`, 4, LARGE);
      await kafka.makeTopic(`${prefix}postern.evidence`, 3, LARGE);
    },
    line: 'postern.evidence has 3 partitions, and PREFIXpostern.events has 4: all of Postern have the same number. Delete the one that is wrong, and it is made anew, or take another log.kafka.prefix',
    mend: (kafka, prefix) => kafka.dropTopic(`${prefix}postern.evidence`),
  },
  'decisions that are not kept by key': {
    spoil: (kafka, prefix) => kafka.makeTopic(`${prefix}postern.decisions`, 4, LARGE),
    line: 'postern.decisions has cleanup.policy=delete, and needs compact,delete: set it with kafka-configs.sh --alter',
    mend: (kafka, prefix) => kafka.setTopic(`${prefix}postern.decisions`, 'cleanup.policy', 'delete,compact'),
  },
  'events that are kept by key': {
    spoil: (kafka, prefix) => kafka.makeTopic(`${prefix}postern.events`, 4, COMPACTED),
    line: 'postern.events has cleanup.policy=compact,delete, and needs delete: set it with kafka-configs.sh --alter',
    mend: (kafka, prefix) => kafka.setTopic(`${prefix}postern.events`, 'cleanup.policy', 'delete'),
  },
  'records that are too large': {
    spoil: (kafka, prefix) => kafka.makeTopic(`${prefix}postern.events`, 4, { 'max.message.bytes': '3211263' }),
    line: 'postern.events has max.message.bytes=3211263, and needs 3211264: set it with kafka-configs.sh --alter',
    mend: (kafka, prefix) => kafka.setTopic(`${prefix}postern.events`, 'max.message.bytes', '3211264'),
  },
};

/** Topics that are not as they should be. */
export function topicCases(kafka: () => SecuredKafka): void {
  describe('one line says which topic, and what to do; once it is done the log can be used', () => {
    test.each(Object.entries(spoilt))('%s', async (_, { spoil, line, mend }) => {
      const place = kafka().place();
      const { prefix } = place;
      await spoil(kafka(), prefix);
      const error = `the topic ${prefix}${line.replace('PREFIX', prefix)}`;
      expect(await kafka().open(place)).toEqual({ ok: false, error });
      await mend(kafka(), prefix);
      const opened = await until(
        async () => {
          const again = await kafka().open(place);
          return again.ok ? again.value : undefined;
        },
        () => 'that it can be used',
      );
      expect(opened.partitionCount).toBe(4);
      await opened[Symbol.asyncDispose]();
    });

    test('more copies than brokers', async () => {
      const place = kafka().place();
      const opened = await kafka().open(place, 4, 3);
      expect(opened.ok ? '' : opened.error).toMatch(
        /^\w+\.postern\.events: .*replication factor of 3 cannot be reached.* Look at log\.kafka\.replicas \(INVALID_REPLICATION_FACTOR\)$/,
      );
      const again = await kafka().open(place, 4, 1);
      expect(again.ok).toBe(true);
      if (again.ok) await again.value[Symbol.asyncDispose]();
    });
  });

  test('the number of partitions that topics have counts, not the configured one, also for a topic that was lost', async () => {
    const place = kafka().place();
    for (const stream of streams.slice(0, 2)) await kafka().makeTopic(`${place.prefix}${stream}`, 3, LARGE);
    const opened = await kafka().open(place, 12);
    if (!opened.ok) throw new Error(opened.error);
    expect(opened.value.partitionCount).toBe(3);
    for (const stream of streams) expect(await opened.value.bounds(stream, 2)).toEqual({ first: 0, next: 0 });
    await opened.value[Symbol.asyncDispose]();
  });

  test('what waits for a topic arrives once it is mended; lines that nobody can read are passed over', async () => {
    const prefix = newPrefix();
    const decisions = `${prefix}postern.decisions`;
    await kafka().makeTopic(decisions, 4, LARGE);
    const fleet = await Fleet.open(kafka().cluster.addresses, { prefix });
    const gate = fleet.gate('gate');
    const center = await fleet.center();
    const line = `the common log cannot be used yet: the topic ${decisions} has cleanup.policy=delete, and needs compact,delete: set it with kafka-configs.sh --alter`;
    await gate.process.line('listening');
    for (let count = 0; count < 10; count += 1) await gate.mail(`203.0.113.${count}`);
    await Promise.all([gate, center].map((machine) => machine.process.line('the common log cannot be used yet')));
    await kafka().setTopic(decisions, 'cleanup.policy', 'compact,delete');
    await Promise.all([center.process.line('the analyzers watch'), center.process.line('the store keeps the history')]);
    await using log = await kafka().log(prefix);
    await until(
      async () => ((await eventsIn(log, 'session-closed', '203.0.113.')) === 10 ? true : undefined),
      () => `ten sessions in the common log:\n${gate.process.stderr}`,
    );
    const appended = await log.append(
      ['{"v":99,"type":"command","of":"tomorrow"}', 'no JSON'].map((payload) => {
        return { stream: 'postern.events' as const, key: '198.51.100.7', payload };
      }),
    );
    expect(appended.ok).toBe(true);
    await harvest(gate, '198.51.100.7');
    await until(
      async () => ((await gate.greeting('198.51.100.7')) === 421 ? true : undefined),
      () => `a refusal:\n${center.process.stderr}\n${gate.process.stderr}`,
    );
    await until(
      async () => ((await center.ask('SELECT count() FROM unreadable')) === '2' ? true : undefined),
      () => `two lines in the history:\n${center.process.stderr}`,
    );
    expect(await center.ask("SELECT count() FROM events WHERE type = 'session-closed'")).not.toBe('0');
    expect(faultsOf(gate, 'ship')).toEqual([line]);
    expect(faultsOf(center, 'analyze')).toEqual([line, expect.stringContaining('were passed over')]);
    expect(faultsOf(center, 'store').slice(0, 1)).toEqual([line]);
    expect(faultsOf(center, 'store')).toHaveLength(2);
    for (const machine of [gate, center]) {
      expect(machine.process.stderr).not.toMatch(/^[^{\n]/m);
      expect(await machine.process.stop()).toBe(0);
    }
  });

  test('records that became too large for their topic wait, and arrive when they may', async () => {
    const place = kafka().place();
    const told: string[] = [];
    const listener = { away: (fault: string) => told.push(fault), back: () => told.push('back') };
    const opened = await kafka().open(place, 1, 1, listener);
    if (!opened.ok) throw new Error(opened.error);
    const topic = `${place.prefix}postern.events`;
    await kafka().setTopic(topic, 'max.message.bytes', '100');
    const appended = opened.value.append([{ stream: 'postern.events', key: 'a', payload: `"${'x'.repeat(5000)}"` }]);
    await until(
      () => told[0],
      () => 'the fault',
    );
    await kafka().setTopic(topic, 'max.message.bytes', '4000000');
    expect(await appended).toEqual({ ok: true, value: [0] });
    const fault = `${topic}: the records are too large for it: raise its max.message.bytes (MESSAGE_TOO_LARGE)`;
    expect(told).toEqual([fault, 'back']);
    await opened.value[Symbol.asyncDispose]();
  });

  test('a follower holds no more the longer it waits', async () => {
    const opened = await kafka().open(kafka().place());
    if (!opened.ok) throw new Error(opened.error);
    const log = opened.value;
    let listeners = 0;
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    const added = vi.spyOn(EventTarget.prototype, 'addEventListener').mockImplementation(function add(
      this: EventTarget,
      ...given
    ) {
      if (given[0] === 'abort') listeners += 1;
      addEventListener.apply(this, given);
    });
    const removed = vi.spyOn(EventTarget.prototype, 'removeEventListener').mockImplementation(function remove(
      this: EventTarget,
      ...given
    ) {
      if (given[0] === 'abort') listeners -= 1;
      removeEventListener.apply(this, given);
    });
    onTestFinished(() => [added, removed].forEach((spy) => void spy.mockRestore()));
    const stop = new AbortController();
    const following = (async () => {
      for await (const page of log.follow('postern.events', 0, 0, stop.signal)) expect(page.records).toEqual([]);
    })();
    await setTimeout(FOLLOW_WAIT_MS);
    const early = listeners;
    await setTimeout(4 * FOLLOW_WAIT_MS);
    expect(added.mock.calls.length).toBeGreaterThan(4);
    expect(listeners).toBeLessThanOrEqual(early + 1);
    stop.abort();
    await following;
    await log[Symbol.asyncDispose]();
  });
}
