import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../../cli/demo/free-ports.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { Fleet, harvest, type Machine } from '../support/fleet.ts';
import { describeNeeds } from '../support/needs.ts';
import { Postern, postern, until } from '../support/postern.ts';

const IP = '198.51.100.7';

/** The greeting of a gate for an address, as soon as it is this one. */
async function greets(gate: Machine, ip: string, code: number): Promise<void> {
  let last = 0;
  await until(
    async () => {
      last = await gate.greeting(ip);
      return last === code ? true : undefined;
    },
    () => `${code} and not ${last}:\n${gate.process.stderr}`,
  );
}

describeNeeds(['java', 'mvn'], 'a machine without a gate', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, 120_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('commands there know what all gates saw and what was decided, and act at all of them; so does the console', async () => {
    const fleet = await Fleet.open(cluster.addresses);
    const [port] = await freePorts(1);
    const center = await fleet.center('analyze,web', { web: { kind: 'on', port }, store: { kind: 'none' } });
    const gate = fleet.gate('one');
    await center.process.line('the analyzers watch');
    await harvest(gate, IP);
    await greets(gate, IP, 421);
    const at = (...args: readonly string[]) => postern([...args, '--config', center.file]);
    const json = async (...args: readonly string[]) => JSON.parse((await at(...args, '--json')).stdout);

    expect(await json('list')).toMatchObject({ value: IP, scenario: 'recipient-harvest', observed: false });
    const why = await json('why', IP);
    expect(why.decisions.length).toBeGreaterThan(0);
    expect(why.sessions.flat().length).toBeGreaterThan(5);
    expect((await json('report')).sessions).toBeGreaterThan(0);
    const replayed = await json('replay');
    expect(replayed).toMatchObject({ onlyLogged: [], onlyReplayed: [] });
    expect(replayed.same).toBeGreaterThan(0);
    const tail = new Postern(['tail', '--from-start', '--type', 'command', '--ip', IP, '--config', center.file]);
    await until(
      () => (tail.stdout.includes('guess0@example.com') ? true : undefined),
      () => tail.stderr,
    );
    expect(await tail.stop()).toBe(0);

    const freed = await at('unblock', IP, '--reason', 'a test');
    expect([freed.code, freed.stdout]).toEqual([0, expect.stringContaining('Ended: 1')]);
    await greets(gate, IP, 220);
    expect((await at('block', '198.51.100.9', '--reason', 'a test')).code).toBe(0);
    await greets(gate, '198.51.100.9', 554);

    const token = readFileSync(join(center.data, 'web', 'operator.token'), 'utf8').trim();
    const acted = await fetch(`http://127.0.0.1:${port}/api/acts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ act: 'unblock', value: '198.51.100.9', reason: 'a test' }),
    });
    expect([acted.status, await acted.text()]).toEqual([200, expect.stringContaining('Ended: 1')]);
    await greets(gate, '198.51.100.9', 220);

    const elsewhere = join(center.data, '..', 'elsewhere.yaml');
    writeFileSync(elsewhere, readFileSync(center.file, 'utf8').replace(fleet.prefix, `not-${fleet.prefix}`));
    for (const time of ['first', 'second']) {
      const lost = await postern(['list', '--config', elsewhere]);
      expect([time, lost.code, lost.stderr]).toEqual([
        time,
        1,
        expect.stringMatching(/the topic not-\S+ is not there: /),
      ]);
    }

    await cluster.kill(1);
    const blind = await at('list');
    expect([blind.code, blind.stdout]).toEqual([1, '']);
    expect(blind.stderr).toMatch(/^postern: the common log cannot be used: .*127\.0\.0\.1:\d+.*\n$/);
    const deaf = await at('block', '198.51.100.9', '--reason', 'a test');
    expect([deaf.code, deaf.stdout]).toEqual([1, '']);
    await cluster.startBroker(1);
    for (const machine of [gate, center]) expect(await machine.process.stop()).toBe(0);
  });

  test('the history of a site is filled anew from the common log', async () => {
    const fleet = await Fleet.open(cluster.addresses);
    const center = await fleet.center('store');
    const gate = fleet.gate('one');
    await center.process.line('the store keeps the history');
    for (let index = 0; index < 20; index += 1) await gate.mail(`203.0.113.${index}`);
    const sql = "SELECT count(), uniqExact(sid, seq) FROM events WHERE type != 'session-opened' AND ip != toIPv6('::')";
    const mails = "SELECT count() FROM mails WHERE outcome = 'accepted'";
    const has20 = async (machine: Machine): Promise<void> => {
      await until(
        async () => ((await machine.ask(mails)) === '20' ? true : undefined),
        () => `20 mails:\n${machine.process.stderr}`,
      );
    };
    await has20(center);
    const before = await center.ask(sql);
    expect(await center.process.stop()).toBe(0);
    const rebuilt = await postern(['store', '--rebuild', '--config', center.file]);
    expect([rebuilt.code, rebuilt.stdout]).toEqual([
      0,
      expect.stringMatching(/^\d+ records of the log are in the store\n$/),
    ]);
    const again = await fleet.center('store');
    await has20(again);
    expect(await again.ask(sql)).toBe(before);
    for (const machine of [gate, again]) expect(await machine.process.stop()).toBe(0);
  });
});
