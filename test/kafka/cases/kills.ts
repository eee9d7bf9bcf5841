import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeEvent, partitionKeyOf } from '../../../events/codec.ts';
import { UUID_RANDOM_OCTETS, uuidV7 } from '../../../lib/uuid-v7.ts';
import { connectLog } from '../../../log/io/log-client.ts';
import { aCommand } from '../../support/events.ts';
import { Fleet, faultsOf, type Machine } from '../../support/fleet.ts';
import { until } from '../../support/postern.ts';
import { newPrefix, passwordOf, type SecuredKafka } from '../../support/secured-kafka.ts';

const CUTS = 15;
const KILLS = 1;
/** How long the line may be whole, and how long it is cut, milliseconds: in the midst of logins, too. */
const WHOLE_MS_MAX = 800;
const CUT_MS_MAX = 400;
const FREEZE_MS = 500;
/** Warnings of a part: some for each time that nobody is there for long. */
const WARNINGS_MAX = 12;

/** Appends events to the log of a machine until told to stop. @returns How many. */
async function appendEvents(machine: Machine, signal: AbortSignal): Promise<number> {
  const socketPath = join(machine.data, 'run', 'log.sock');
  const client = connectLog({ socketPath, patienceMs: 60_000, subscribe: false });
  let count = 0;
  for (; !signal.aborted; count += 20) {
    const sid = uuidV7(Date.now(), randomBytes(UUID_RANDOM_OCTETS));
    const ip = `198.51.${(count / 20) % 250}.7`;
    const records = Array.from({ length: 20 }, (_, seq) => {
      const event = aCommand({ at: Date.now(), gate: 'one', sid, seq, ip });
      return { stream: 'postern.events' as const, key: partitionKeyOf(event) ?? '', payload: encodeEvent(event) };
    });
    expect((await client.append(records)).ok).toBe(true);
    await setTimeout(20);
  }
  await client[Symbol.asyncDispose]();
  return count;
}

/** Every connection breaks, again and again, at moments by chance; the broker freezes, and is killed. */
async function torment({ line, cluster }: SecuredKafka): Promise<void> {
  for (let count = 0; count < CUTS; count += 1) {
    line.cut();
    await setTimeout(Math.random() * CUT_MS_MAX);
    line.mend();
    await setTimeout(Math.random() * WHOLE_MS_MAX);
  }
  for (let count = 0; count < KILLS; count += 1) {
    cluster.signal(1, 'SIGSTOP');
    await setTimeout(FREEZE_MS);
    cluster.signal(1, 'SIGCONT');
    await setTimeout(Math.random() * WHOLE_MS_MAX);
    await cluster.kill(1);
    await cluster.startBroker(1);
    await setTimeout(Math.random() * WHOLE_MS_MAX);
  }
}

/** A broker that is gone at any moment. */
export function killCases(kafka: () => SecuredKafka): void {
  test('every connection breaks, a broker freezes and is killed: no part ends, each says little, and nothing is lost', async () => {
    const settings = { prefix: newPrefix(), username: 'admin', password: { env: 'KAFKA_PASSWORD' } };
    const fleet = await Fleet.open([`127.0.0.1:${kafka().line.port}`], settings);
    const own = { env: { KAFKA_PASSWORD: passwordOf('admin') } };
    const one = fleet.machine('one', 'log,ship', {}, own);
    const center = await fleet.center('analyze,store', {}, own);
    const machines = [one, center];
    await Promise.all([
      one.process.line('the decisions of all gates are here'),
      center.process.line('the analyzers watch'),
      center.process.line('the store keeps the history'),
    ]);
    const pidsOf = ({ process: { lines } }: Machine) => new Set(lines.map(({ pid }) => pid));
    const pids = machines.map(pidsOf);
    const stop = new AbortController();
    const appended = appendEvents(one, stop.signal);
    await torment(kafka());
    stop.abort();
    const count = await appended;
    expect(count).toBeGreaterThan(1000);
    const sql = "SELECT count(), uniqExact(sid, seq) FROM events WHERE type = 'command'";
    await until(
      async () => ((await center.ask(sql)) === `${count}\t${count}` ? true : undefined),
      () => `${count} events, each once:\n${machines.map(({ process: { stderr } }) => stderr).join('\n')}`,
      60_000,
    );
    expect(machines.map(pidsOf)).toEqual(pids);
    for (const machine of machines) {
      for (const part of ['ship', 'analyze', 'store'])
        expect(faultsOf(machine, part).length).toBeLessThanOrEqual(WARNINGS_MAX);
    }
    // Whoever is told to end does, whether the broker answers or not.
    kafka().cluster.signal(1, 'SIGSTOP');
    expect(await Promise.all(machines.map((machine) => machine.process.stop()))).toEqual([0, 0]);
    kafka().cluster.signal(1, 'SIGCONT');
    for (const { process } of machines) {
      expect(process.stderr).not.toMatch(/^[^{\n]/m);
      expect(process.stderr).not.toContain('HUNTER2');
      expect(process.lines.filter(({ level }) => level >= 50)).toEqual([]);
    }
  });
}
