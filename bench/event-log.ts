import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { encodeEvent } from '../events/codec.ts';
import type { MailEvent } from '../events/event.ts';
import { networkKey } from '../lib/ip.ts';
import type { LogRecord } from '../log/event-log.ts';
import type { Durability } from '../log/io/database.ts';
import { connectLog } from '../log/io/log-client.ts';
import { runLogProcess } from '../log/io/log-process.ts';
import { openSqliteLog } from '../log/io/sqlite-log.ts';
import { createRecorder } from '../proxy/io/recorder.ts';

/**
 * How many events a second the embedded log takes and gives, and what one costs: `node bench/event-log.ts`.
 *
 * 1. By its owner, one batch a commit. 2. Read back. 3. As in production: a recorder, the socket, the log process.
 */
const EVENTS = 400_000;
const SOURCES = 500;

const anEvent = (n: number): MailEvent => ({
  v: 1,
  at: 1_750_000_000_000 + n,
  site: 'example.org',
  gate: 'gate-1',
  listener: 'mx',
  role: 'mx',
  ip: `192.0.${(n % SOURCES) >> 1}.${n % 250}`,
  sid: '01890a5d-ac96-774b-bcce-b302099a8057',
  seq: n % 15,
  type: 'command',
  verb: 'RCPT',
  forwardPath: `someone-${n % 1000}@example.org`,
  verdict: { action: 'accept' },
  reply: { code: 250, enhanced: '2.1.5', text: 'Recipient OK', from: 'upstream' },
  latencyUs: 812,
});

interface Cost {
  readonly events: number;
  readonly seconds: number;
  readonly cpuUs: number;
}

function stopwatch(): (events: number) => Cost {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  return (events) => {
    const { user, system } = process.cpuUsage(cpu);
    return { events, seconds: (performance.now() - startMs) / 1000, cpuUs: user + system };
  };
}

function tell(what: string, { events, seconds, cpuUs }: Cost): void {
  const rate = Math.round(events / seconds).toLocaleString('en');
  process.stdout.write(
    `${what.padEnd(44)} ${rate.padStart(10)} events/s  ${(cpuUs / events).toFixed(2)} µs CPU an event\n`,
  );
}

async function byItsOwner(directory: string, durable: Durability, batchSize: number, events: number): Promise<void> {
  const opened = await openSqliteLog({ directory, site: 'example.org', gate: 'log', durable });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  await using log = opened.value;
  const records = Array.from({ length: batchSize }, (_, n): LogRecord => {
    const event = anEvent(n);
    return { stream: 'postern.events', key: 'ip' in event ? networkKey(event.ip) : '', payload: encodeEvent(event) };
  });
  const appended = stopwatch();
  for (let n = 0; n < events; n += batchSize) await log.append(records);
  tell(`append, ${durable}, ${batchSize} a commit`, appended(events));
  const read = stopwatch();
  let count = 0;
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    for (let from = 0; ; ) {
      const page = await log.read('postern.events', partition, from, 1000);
      if (page.records.length === 0) break;
      count += page.records.length;
      from = page.nextOffset;
    }
  }
  tell('read, pages of 1000', read(count));
}

/** What the log process has used since it was asked last. */
async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [cpuUs] = await once(child, 'message');
  return Number(cpuUs);
}

async function throughTheSocket(directory: string, durable: Durability, eventsPerSecond: number): Promise<void> {
  const socketPath = join(directory, 'log.sock');
  const child = fork(fileURLToPath(import.meta.url), ['serve', directory, socketPath, durable]);
  await once(child, 'message');
  const client = connectLog({ socketPath });
  const recorder = createRecorder({ client, site: 'example.org', gate: 'gate-1' });
  const events = Array.from({ length: 1000 }, (_, n) => anEvent(n));
  await cpuOf(child);
  const recorded = stopwatch();
  const total = Math.min(EVENTS, eventsPerSecond * 4);
  const startMs = performance.now();
  for (let n = 0; n < total; ) {
    const due = Math.min(total, ((performance.now() - startMs) / 1000) * eventsPerSecond);
    for (; n < due; n += 1) recorder.record(events[n % 1000] ?? anEvent(n));
    await sleep(1);
  }
  await recorder.flush();
  const cost = recorded(total);
  tell(`recorder, ${durable}, ${eventsPerSecond.toLocaleString('en')} events/s: gate`, cost);
  tell('  log process', { ...cost, cpuUs: await cpuOf(child) });
  if (recorder.counters.dropped > 0) process.stdout.write(`  ${recorder.counters.dropped} events dropped\n`);
  await client[Symbol.asyncDispose]();
  child.kill();
  await once(child, 'exit');
}

async function serve(directory: string, socketPath: string, durable: string): Promise<void> {
  const mode = durable === 'os' ? 'os' : 'fsync';
  const opened = await runLogProcess({ directory, socketPath, durable: mode, site: 'example.org', gate: 'log' });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  let before = process.cpuUsage();
  process.on('message', () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    process.send?.(user + system);
  });
  process.send?.('ready');
}

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const [role, directory = '', socketPath = '', durable = ''] = process.argv.slice(2);
if (role === 'serve') await serve(directory, socketPath, durable);
else {
  for (const mode of ['fsync', 'os'] as const) {
    for (const size of [10, 100, 1000])
      await inDirectory((path) => byItsOwner(path, mode, size, size === 10 ? 40_000 : EVENTS));
  }
  for (const rate of [1000, 10_000, 50_000, 1_000_000])
    await inDirectory((path) => throughTheSocket(path, 'fsync', rate));
}
