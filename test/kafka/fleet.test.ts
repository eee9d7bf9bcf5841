import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeDecision } from '../../events/codec.ts';
import type { DecisionEvent } from '../../events/decision.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { Fleet, harvest } from '../support/fleet.ts';
import { describeNeeds } from '../support/needs.ts';
import { until } from '../support/postern.ts';

/** Every decision in the common log, each partition in its order. */
async function decisions(fleet: Fleet): Promise<readonly DecisionEvent[]> {
  const log = await fleet.log();
  const found: DecisionEvent[] = [];
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    for (let from = 0; ; ) {
      const page = await log.read('postern.decisions', partition, from, 1000);
      if (page.records.length === 0) break;
      for (const { payload } of page.records) {
        const decision = decodeDecision(payload);
        if (decision.ok) found.push(decision.value);
      }
      from = page.nextOffset;
    }
  }
  return found;
}

describeNeeds(['java', 'mvn'], 'gates and analyzers on machines of their own', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, 120_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('an offence at one gate is refused at another; a gate that comes later knows it before it opens its ports', async () => {
    const fleet = await Fleet.open(cluster.addresses);
    const center = await fleet.center('analyze');
    const [one, other] = [fleet.gate('one'), fleet.gate('other')];
    await center.process.line('the analyzers watch');
    expect(await other.greeting('198.51.100.7')).toBe(220);
    await harvest(one, '198.51.100.7');
    await until(
      async () => ((await other.greeting('198.51.100.7')) === 421 ? true : undefined),
      () => `a refusal at the other gate:\n${center.process.stderr}\n${other.process.stderr}`,
    );
    expect(await other.greeting('198.51.100.8')).toBe(220);
    const third = fleet.gate('third');
    expect(await third.greeting('198.51.100.7')).toBe(421);
    for (const machine of [one, other, third, center]) expect(await machine.process.stop()).toBe(0);
  });

  test('analyzers share the log; one is killed: another goes on where it was, and nothing is decided twice', async () => {
    const fleet = await Fleet.open(cluster.addresses);
    const gate = fleet.gate('one');
    const sources = Array.from({ length: 12 }, (_, index) => `198.51.${index}.7`);
    const decided = async () => (await decisions(fleet)).filter(({ scope }) => scope === 'ip');
    const first = fleet.machine('first', 'analyze');
    await first.process.line('the analyzers watch');
    const second = fleet.machine('second', 'analyze');
    await second.process.line('the analyzers watch');
    const share = second.process.lines.find(({ msg }) => msg === 'this share of the log is watched');
    expect(share?.['eventPartitions']).toHaveLength(2);
    // Too little to decide anything.
    for (const ip of sources) await harvest(gate, ip, 0, 3);
    expect(await decided()).toEqual([]);
    const victim = first.process.lines.find(({ msg }) => msg === 'the analyzers watch')?.pid ?? 0;
    first.process.signal('SIGKILL');
    process.kill(victim, 'SIGKILL');
    for (const ip of sources) await harvest(gate, ip, 3, 3);
    await until(
      async () => (new Set((await decided()).map(({ value }) => value)).size === sources.length ? true : undefined),
      () => `decisions about all:\n${second.process.stderr}`,
      60_000,
    );
    const made = await decided();
    expect(new Set(made.map(({ id }) => id)).size).toBe(made.length);
    expect(new Set(made.map(({ value }) => value))).toEqual(new Set(sources));
    for (const machine of [gate, second]) expect(await machine.process.stop()).toBe(0);
  });
});
