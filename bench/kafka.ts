import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeEvent, partitionKeyOf } from '../events/codec.ts';
import { EVENT_VERSION, type MailEvent } from '../events/event.ts';
import { UUID_RANDOM_OCTETS, uuidV7 } from '../lib/uuid-v7.ts';
import { type EventLog, type Stream, streams } from '../log/event-log.ts';
import { type KafkaLog, openKafkaLog } from '../log/io/kafka-log.ts';
import { Shipper } from '../log/io/shipper.ts';
import { openSqliteLog } from '../log/io/sqlite-log.ts';
import { KafkaCluster } from '../scripts/kafka/cluster.ts';

/**
 * How many events a second go from the log of a machine to one broker of Kafka (every copy written, gzip, one send under way), how
 * many can be read from there, and what an idle connection costs?
 *
 * Run: `node bench/kafka.ts [events]`. Java and mvn are needed; the broker shares the machine.
 */
const EVENTS = Number(process.argv[2] ?? 300_000);
const APPEND = 500;
const IDLE_MS = 10_000;
const DAY_MS = 86_400_000;

const random = new Uint8Array(UUID_RANDOM_OCTETS);
/** Commands of sessions of ten, from many networks: some 400 octets each. */
function eventAt(number: number): MailEvent {
  const session = Math.floor(number / 10);
  random.set([session & 0xff, (session >> 8) & 0xff, (session >> 16) & 0xff]);
  return {
    v: EVENT_VERSION,
    type: 'command',
    at: 1_767_225_600_000 + number,
    site: 'main',
    gate: 'gate-1',
    listener: 'mx',
    role: 'mx',
    ip: `198.${18 + (session % 2)}.${(session >> 1) % 250}.${(session >> 9) % 250}`,
    sid: uuidV7(1_767_225_600_000 + session, random),
    seq: number % 10,
    verb: 'RCPT',
    forwardPath: `someone-${number % 5000}@example.org`,
    verdict: { action: 'accept' },
    reply: { code: 250, enhanced: '2.1.5', text: 'Recipient OK', from: 'upstream' },
    latencyUs: 800 + (number % 400),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const cluster = await KafkaCluster.start();
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const opened = await openSqliteLog({ directory: join(folder, 'log'), site: 'main', gate: 'gate-1', durable: 'os' });
if (!opened.ok) throw new Error(JSON.stringify(opened.error));
const spool = opened.value;
const retentionMs = Object.fromEntries(streams.map((stream) => [stream, DAY_MS])) as Record<Stream, number>;

async function openCommon(clientId: string): Promise<KafkaLog> {
  const log = await openKafkaLog({
    place: { clientId, brokers: cluster.addresses, prefix: '' },
    topics: { partitionCount: 4, replicas: 1, retentionMs },
  });
  if (!log.ok) throw new Error(log.error);
  return log.value;
}

async function countIn(log: EventLog): Promise<number> {
  let count = 0;
  for (let partition = 0; partition < log.partitionCount; partition += 1)
    count += (await log.bounds('postern.events', partition)).next;
  return count;
}

function measured(what: string, count: number, before: { ms: number; cpu: NodeJS.CpuUsage }): void {
  const seconds = (performance.now() - before.ms) / 1000;
  const { user, system } = process.cpuUsage(before.cpu);
  const rate = Math.round(count / seconds).toLocaleString('en');
  console.log(
    `${what}: ${rate} events a second, ${((user + system) / count).toFixed(1)} µs of processor time an event`,
  );
}

const now = () => ({ ms: performance.now(), cpu: process.cpuUsage() });

for (let first = 0; first < EVENTS; first += APPEND) {
  const records = Array.from({ length: Math.min(APPEND, EVENTS - first) }, (_, index) => {
    const event = eventAt(first + index);
    return { stream: 'postern.events' as const, key: partitionKeyOf(event) ?? '', payload: encodeEvent(event) };
  });
  if (!(await spool.append(records)).ok) throw new Error('the log is full');
}

const common = await openCommon('shipper');
const ending = new AbortController();
const shipper = new Shipper({
  spool,
  spoolId: 'bench',
  common,
  mirrored: { load: () => [], save: () => undefined },
  listener: { trouble: (what, details) => console.error(what, details), caughtUp: () => undefined },
});
const beforeShip = now();
const running = shipper.run(ending.signal);
while ((await countIn(common)) < EVENTS) await sleep(50);
measured('from the log of a machine to Kafka', EVENTS, beforeShip);
const beforeIdle = process.cpuUsage();
await sleep(IDLE_MS);
const idle = process.cpuUsage(beforeIdle);
console.log(`idle, connected: ${((idle.user + idle.system) / 10 / IDLE_MS).toFixed(2)} % of a core`);
ending.abort();
await running;
await common[Symbol.asyncDispose]();

const reader = await openCommon('reader');
const beforeRead = now();
let read = 0;
const done = new AbortController();
await Promise.all(
  Array.from({ length: reader.partitionCount }, async (_, partition) => {
    for await (const { records } of reader.follow('postern.events', partition, 0, done.signal)) {
      read += records.length;
      if (read >= EVENTS) done.abort();
    }
  }),
);
measured('read from Kafka', read, beforeRead);
await reader[Symbol.asyncDispose]();
await spool[Symbol.asyncDispose]();
await cluster[Symbol.asyncDispose]();
