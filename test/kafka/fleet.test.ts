import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { Fleet, type Machine } from '../support/fleet.ts';
import { until } from '../support/postern.ts';

let cluster: KafkaCluster;
beforeAll(async () => {
  cluster = await KafkaCluster.start();
}, 120_000);
afterAll(() => cluster[Symbol.asyncDispose]());

/** Guesses addresses until the gate ends it, or 9 times. */
async function harvest(gate: Machine, ip: string): Promise<number | undefined> {
  const client = await gate.connect(ip);
  if ((await client.code()) !== 220) return 421;
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@spam.example>']) expect(await client.say(line)).toBe(250);
  let code = 0;
  for (let count = 0; count < 9 && code !== 421; count += 1) {
    client.send(`RCPT TO:<guess${count}@example.com>\r\n`);
    code = await client.code();
    await setTimeout(150);
  }
  client.destroy();
  return code;
}

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
