import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MailEvent } from '../../events/event.ts';
import { UUID_RANDOM_OCTETS, uuidV7 } from '../../lib/uuid-v7.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { aCommand } from '../support/events.ts';
import { Fleet, type Machine } from '../support/fleet.ts';
import { describeNeeds } from '../support/needs.ts';
import { until } from '../support/postern.ts';

const EVENTS = 20_000;

const killed = new Set<number>();

/** Kills the process of a part of a machine that said something, once it runs (again). */
async function kill(machine: Machine, message: string): Promise<void> {
  const pid = await until(
    () => machine.process.lines.find(({ msg, pid: said }) => msg === message && !killed.has(said))?.pid,
    () => `"${message}" in:\n${machine.process.stderr}`,
  );
  killed.add(pid);
  process.kill(pid, 'SIGKILL');
}

/** Events of sessions from many networks. */
function* someEvents(): Generator<MailEvent> {
  let session = '';
  for (let number = 0; number < EVENTS; number += 1) {
    if (number % 10 === 0) session = uuidV7(Date.now(), randomBytes(UUID_RANDOM_OCTETS));
    const ip = `198.51.${Math.floor(number / 10) % 250}.7`;
    yield aCommand({ at: Date.now(), gate: 'one', sid: session, seq: number % 10, ip });
  }
}

describeNeeds(['java', 'mvn'], 'parts that are killed', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, 120_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('shipper, broker and store are killed, and a broker freezes: every event is in the history once', async () => {
    const fleet = await Fleet.open(cluster.addresses);
    const one = fleet.machine('one', 'log,ship');
    const center = await fleet.center('store');
    await one.process.line('the log is sent on to Kafka');
    await center.process.line('the store keeps the history');
    const appended = one.append(someEvents(), { batch: 200, pauseMs: 150 });
    const shipping = 'the log is sent on to Kafka';
    const storing = 'the store keeps the history';
    await setTimeout(1000);
    await kill(one, shipping);
    await setTimeout(1000);
    await cluster.kill(1);
    await setTimeout(1000);
    await kill(center, storing);
    await setTimeout(1000);
    await cluster.startBroker(1);
    await setTimeout(1500);
    await kill(one, shipping);
    await setTimeout(500);
    cluster.signal(1, 'SIGSTOP');
    await setTimeout(8000);
    cluster.signal(1, 'SIGCONT');
    await appended;
    await kill(center, storing);
    const sql = "SELECT count(), uniqExact(sid, seq) FROM events WHERE type = 'command'";
    const wanted = `${EVENTS}\t${EVENTS}`;
    let last = '';
    await until(
      async () => {
        last = await center.ask(sql);
        return Number(last.split('\t')[1] ?? 0) >= EVENTS ? true : undefined;
      },
      () => `${last} of ${wanted}\n${one.process.stderr}\n${center.process.stderr}`,
      120_000,
    );
    await setTimeout(3000);
    expect(await center.ask(sql)).toBe(wanted);
    for (const machine of [one, center]) expect(await machine.process.stop()).toBe(0);
  });
});
