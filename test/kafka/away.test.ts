import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyone } from '../../evaluation/traffic/all.ts';
import { undefended } from '../../evaluation/traffic/traffic.ts';
import { World } from '../../evaluation/traffic/world.ts';
import type { MailEvent } from '../../events/event.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { Fleet, harvest } from '../support/fleet.ts';
import { describeNeeds } from '../support/needs.ts';
import { postern, until } from '../support/postern.ts';

const EVENTS = 100_000;
const FROZEN_MS = 60_000;
/** Mail that waits for nothing takes a hundredth of it. */
const MAIL_MS_MAX = 2000;
const DAY_MS = 86_400_000;

/** Traffic of some days that are past, attacks among it. */
function* pastTraffic(): Generator<MailEvent> {
  const startMs = Date.now() - 14 * DAY_MS;
  const world = new World(11, 'S', { startMs, attacksMs: startMs, endMs: startMs + 7 * DAY_MS });
  const actors = everyone.filter(({ sizes }) => sizes.includes('S'));
  let count = 0;
  for (const event of undefended(world, actors, 11)) {
    yield event;
    count += 1;
    if (count === EVENTS) return;
  }
}

describeNeeds(['java', 'mvn'], 'Kafka that is away', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, 120_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('a broker is frozen for a minute, a gate takes 100,000 events meanwhile: mail does not wait, each is in the history once, and what is decided afterwards is what would have been', async () => {
    const fleet = await Fleet.open(cluster.addresses);
    const center = await fleet.center('analyze,store');
    const gate = fleet.gate('one');
    await center.process.line('the analyzers watch');
    await center.process.line('the store keeps the history');
    await gate.process.line('the decisions of all gates are here');
    cluster.signal(1, 'SIGSTOP');
    const frozenAtMs = performance.now();
    let isAppended = false;
    const appended = gate.append(pastTraffic()).then(() => {
      isAppended = true;
    });
    const took: number[] = [];
    while (performance.now() - frozenAtMs < FROZEN_MS) {
      took.push(await gate.mail('203.0.113.7'));
      await setTimeout(500);
    }
    expect(isAppended).toBe(true);
    await appended;
    expect(Math.max(...took)).toBeLessThan(MAIL_MS_MAX);
    expect(gate.process.stderr).toContain('Kafka does not do its work');
    cluster.signal(1, 'SIGCONT');

    const past = `SELECT count(), uniqExact(sid, seq) FROM events WHERE ip != toIPv6('203.0.113.7') AND ip != toIPv6('::')`;
    const sources = [...pastTraffic()].filter((event) => 'ip' in event).length;
    let last = '';
    const arrived = async (): Promise<true | undefined> => {
      last = await center.ask(past);
      return Number(last.split('\t')[1]) === sources ? true : undefined;
    };
    await until(arrived, () => `${last} of ${sources}:\n${center.process.stderr}`, 120_000);
    await setTimeout(3000);
    expect(await center.ask(past)).toBe(`${sources}\t${sources}`);
    const mails = "SELECT count() FROM mails WHERE ip = toIPv6('203.0.113.7')";
    expect(Number(await center.ask(mails))).toBe(took.length);

    const at = async (...args: readonly string[]) =>
      (await postern([...args, '--json', '--config', center.file])).stdout.trim();
    const replayed = await until(
      async () => {
        const comparison = JSON.parse(await at('replay'));
        return comparison.onlyReplayed.length === 0 ? comparison : undefined;
      },
      () => `the same decisions:\n${center.process.stderr}`,
      60_000,
    );
    expect(replayed.onlyLogged).toEqual([]);
    expect(replayed.same).toBeGreaterThan(20);
    // They were made about what was days ago: those that are over are recorded, and no gate hears of them.
    const decisionsIn = (lines: string) => lines.split('\n').map((line) => JSON.parse(line));
    const all = decisionsIn(await at('list', '--all'));
    const over = all.filter(({ until: untilMs }) => untilMs < Date.now()).map(({ id }) => id);
    expect(over.length).toBeGreaterThan(10);
    await harvest(gate, '198.51.100.77');
    await until(
      async () => ((await gate.greeting('198.51.100.77')) === 421 ? true : undefined),
      () => `what is decided now:\n${gate.process.stderr}`,
    );
    const heard = decisionsIn((await postern(['list', '--all', '--json', '--config', gate.file])).stdout.trim());
    expect(heard).toContainEqual(expect.objectContaining({ value: '198.51.100.77' }));
    expect(heard.filter(({ id }) => over.includes(id))).toEqual([]);
    for (const machine of [gate, center]) expect(await machine.process.stop()).toBe(0);
  });
});
