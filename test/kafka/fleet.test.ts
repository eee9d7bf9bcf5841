import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { Fleet, harvest } from '../support/fleet.ts';
import { until } from '../support/postern.ts';

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
