import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { KafkaCluster } from '../scripts/kafka/cluster.ts';
import { RawClient } from '../test/support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../test/support/scripted-upstream.ts';

/**
 * How long after the reply to an offence is its source refused, at the gate that saw it and at another one: on the same machine, or
 * with Kafka between them and the analyzers, as on three machines?
 *
 * Run: `node bench/decision-latency.ts [sources] [--kafka]`
 */
const isCommon = process.argv.includes('--kafka');
const SOURCES = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 100);
const PATIENCE_MS = 5000;
const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'postern-latency-'));
const children: ChildProcess[] = [];
const secretFile = join(folder, 'site.key');
writeFileSync(secretFile, randomBytes(32), { mode: 0o600 });
const cluster = isCommon ? await KafkaCluster.start() : undefined;

function config(name: string, upstreamPort: number): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    stringify({
      hostname: `${name}.example.com`,
      dataDirectory: join(folder, name),
      listeners: [
        { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
      ],
      upstreams: { default: { host: '127.0.0.1', port: upstreamPort } },
      domains: { names: ['example.com'] },
      networks: { balancers: ['127.0.0.1'] },
      limits: { slowDelayMs: 0, connectionsPerMinuteMax: 1_000_000 },
      watch: { documentationRanges: true, scenarios: { 'protocol-abuse': 'enforce' } },
      http: { port: 0 },
      store: { kind: 'none' },
      web: { kind: 'off' },
      privacy: { secretFile },
      ...(cluster === undefined
        ? {}
        : { log: { kind: 'kafka', kafka: { brokers: cluster.addresses, partitions: 4, replicas: 1 } } }),
    }),
  );
  return file;
}

/** Starts a command, and waits until it says something. @returns The port that it says with it. */
async function saying(message: string, ...args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  for await (const line of createInterface({ input: child.stderr })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number };
    if (msg !== message) continue;
    child.stderr.resume();
    return port ?? 0;
  }
  throw new Error(`${args.join(' ')} has ended`);
}

const listening = (...args: readonly string[]): Promise<number> => saying('listening', ...args);

/** Two gates and analyzers, all on this machine. */
async function onOneLog(upstreamPort: number): Promise<readonly [number, number]> {
  const first = await listening('start', '--config', config('one', upstreamPort));
  // Another gate on the same log: what it keeps for itself is elsewhere.
  mkdirSync(join(folder, 'two', 'run'), { recursive: true, mode: 0o700 });
  symlinkSync(join(folder, 'one', 'log'), join(folder, 'two', 'log'));
  symlinkSync(join(folder, 'one', 'run', 'log.sock'), join(folder, 'two', 'run', 'log.sock'));
  return [first, await listening('gate', '--config', config('two', upstreamPort))];
}

/** The same, each with a log of its own and Kafka between. */
async function onKafka(upstreamPort: number): Promise<readonly [number, number]> {
  const parts = ['--only', 'log,ship,gate'];
  const first = await listening('start', ...parts, '--config', config('one', upstreamPort));
  const second = await listening('start', ...parts, '--config', config('two', upstreamPort));
  await saying('the analyzers watch', 'analyze', '--config', config('center', upstreamPort));
  return [first, second];
}

async function client(port: number, ip: string): Promise<RawClient> {
  const opened = await RawClient.connect(port);
  opened.send(`PROXY TCP4 ${ip} 192.0.2.1 4242 25\r\n`);
  return opened;
}

/** Time until a new connection of the source is refused, milliseconds. */
async function refusedAfter(port: number, ip: string, fromMs: number): Promise<number> {
  for (;;) {
    const opened = await client(port, ip);
    const code = await opened.code();
    opened.destroy();
    if (code === 554) return performance.now() - fromMs;
    if (performance.now() - fromMs > PATIENCE_MS) throw new Error(`${ip} was never refused`);
    await sleep(1);
  }
}

const quantile = (numbers: readonly number[], share: number): string =>
  (numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))] ?? 0).toFixed(1);

await using upstream = await ScriptedUpstream.listen(smtpServer());
try {
  const [first, second] = await (isCommon ? onKafka : onOneLog)(upstream.port);
  await sleep(2000);
  const here: number[] = [];
  const there: number[] = [];
  for (let index = 0; index < SOURCES; index += 1) {
    const ip = `198.51.${100 + (index >> 8)}.${index & 255}`;
    const scanner = await client(first, ip);
    await scanner.reply();
    // One line decides; the gate ends the session, and the answer is what is waited for.
    await scanner.say('GET / HTTP/1.1');
    const offendedMs = performance.now();
    const [one, other] = await Promise.all([refusedAfter(first, ip, offendedMs), refusedAfter(second, ip, offendedMs)]);
    here.push(one);
    there.push(other);
    scanner.destroy();
  }
  for (const [name, times] of [
    ['at the gate that saw it', here],
    ['at the other gate', there],
  ] as const) {
    console.log(
      `${name.padEnd(26)} p50 ${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms, longest ${quantile(times, 1)} ms, ${times.length} sources`,
    );
  }
} finally {
  for (const child of children.reverse()) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}
