import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../cli/demo/free-ports.ts';
import { MIRROR_MS } from '../../cli/gate/gate-decisions.ts';
import { Fleet, faultsOf, type Machine } from '../support/fleet.ts';
import { postern } from '../support/postern.ts';

/** Longest time from the start of a shipper to the line about brokers that are silent, milliseconds. */
const TOLD_MS_MAX = 30_000;
/** How long it is looked at whether there is another line. */
const QUIET_MS = 12_000;
const MAILS = 20;
/** Half of the mails take less, milliseconds: some twenty where nothing else runs. */
const MAIL_MS_MAX = 500;

/** A port that takes connections, and says nothing. */
async function blackHole(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function halfOfMailsTakes(machine: Machine): Promise<number> {
  const tookMs: number[] = [];
  for (let count = 0; count < MAILS; count += 1) tookMs.push(await machine.mail(`198.51.100.${count}`));
  return tookMs.toSorted((one, other) => one - other)[MAILS / 2] ?? 0;
}

test('brokers that are not there cost one line, and no mail anything', { timeout: 120_000 }, async () => {
  const [free] = await freePorts(1);
  const hole = await blackHole();
  const wrong: Readonly<Record<string, string>> = {
    [`127.0.0.1:${free}`]: `nobody listens at 127.0.0.1:${free}`,
    'kafka.invalid:9092': 'the name of kafka.invalid:9092 is not known',
    [`127.0.0.1:${hole}`]: `Kafka (127.0.0.1:${hole}) takes connections and does not answer; if it always does, it may ask for TLS (log.kafka.tls) or a login (log.kafka.username)`,
  };
  const machines: Machine[] = [];
  for (const broker of Object.keys(wrong)) {
    const fleet = await Fleet.open([broker]);
    machines.push(fleet.gate('gate'));
  }
  const startedMs = performance.now();
  for (const [index, fault] of Object.values(wrong).entries()) {
    const machine = machines[index];
    if (machine === undefined) throw new Error('there is a machine for each');
    await machine.process.line('the common log cannot be used yet');
    expect(performance.now() - startedMs).toBeLessThan(TOLD_MS_MAX);
    await machine.process.line('listening');
    expect(await halfOfMailsTakes(machine)).toBeLessThan(MAIL_MS_MAX);
    expect(faultsOf(machine, 'ship')).toEqual([`the common log cannot be used yet: ${fault}`]);
  }
  await setTimeout(QUIET_MS);
  for (const [index, machine] of machines.entries()) {
    expect(faultsOf(machine, 'ship')).toEqual([`the common log cannot be used yet: ${Object.values(wrong)[index]}`]);
    expect(machine.process.stderr).not.toMatch(/^[^{\n]/m);
    const stopMs = performance.now();
    expect(await machine.process.stop()).toBe(0);
    expect(performance.now() - stopMs).toBeLessThan(5000);
  }
});

test(`without Kafka a gate waits ${MIRROR_MS} ms for what others decided, says so, and has in force what it knew last`, {
  timeout: 120_000,
}, async () => {
  const [free] = await freePorts(1);
  const fleet = await Fleet.open([`127.0.0.1:${free}`]);
  const first = fleet.gate('gate');
  await first.process.line('listening');
  const blocked = await postern(['block', '198.51.100.7', '--reason', 'spam run', '--config', first.file]);
  expect([blocked.code, blocked.stderr]).toEqual([0, '']);
  expect(await first.greeting('198.51.100.7')).toBe(554);
  expect(await first.process.stop()).toBe(0);
  const again = fleet.gate('gate');
  const started = await again.process.line('the event log is open');
  const told = await again.process.line('Kafka is not heard: the decisions that this gate knew last are in force');
  expect(Number(told['time']) - Number(started['time'])).toBeGreaterThan(MIRROR_MS - 2000);
  expect(await again.greeting('198.51.100.7')).toBe(554);
  expect(await again.greeting('198.51.100.8')).toBe(220);
  expect(await again.process.stop()).toBe(0);
});
