import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { freePorts } from '../cli/demo/free-ports.ts';
import { RawClient } from '../test/support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../test/support/scripted-upstream.ts';

/**
 * Do heavy queries of the history slow down mail? Commands at a gate, quiet and while two queries keep the embedded store busy, by
 * short turns in one run. Quiet turns are two series: what they differ by is chance.
 *
 * Run: `node bench/gate-beside-queries.ts [rounds]`
 */
const ROUNDS = Number(process.argv[2] ?? 30);
const COMMANDS = 400;
/** A command every so often, milliseconds. */
const EVERY_MS = 1;
const HEAVY = 'SELECT uniqExact(sipHash64(number)) FROM numbers(30000000)';
const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'postern-queries-'));
const upstream = await ScriptedUpstream.listen(smtpServer({ keywords: [] }));
const [historyPort = 0] = await freePorts(1);
writeFileSync(
  join(folder, 'postern.yaml'),
  stringify({
    hostname: 'gate.example.com',
    dataDirectory: join(folder, 'data'),
    listeners: [{ role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0 }],
    upstreams: { default: { host: '127.0.0.1', port: upstream.port } },
    domains: { names: ['example.com'] },
    store: { kind: 'chdb', http: { port: historyPort } },
    limits: { junkMax: 1_000_000, errorsMax: 1_000_000 },
    http: { port: 0 },
  }),
);
const product = spawn(process.execPath, [MAIN, 'start', '--config', join(folder, 'postern.yaml')], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
let port = 0;
for await (const line of createInterface({ input: product.stderr })) {
  const { msg, port: listening } = JSON.parse(line) as { msg: string; port?: number };
  if (msg === 'listening') port = listening ?? 0;
  if (msg.startsWith('the history is at')) break;
}
product.stderr.resume();

const password = readFileSync(join(folder, 'data', 'store', 'http.key'), 'utf8').trim();
const authorization = `Basic ${Buffer.from(`postern:${password}`).toString('base64')}`;
const query = async (): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${historyPort}/`, {
    method: 'POST',
    headers: { authorization },
    body: HEAVY,
  });
  if (!answer.ok) throw new Error(await answer.text());
  await answer.text();
};

/** Time of each command, milliseconds. */
async function turn(): Promise<number[]> {
  const client = await RawClient.connect(port);
  await client.code();
  await client.say('EHLO c.example.net');
  const times: number[] = [];
  for (let index = 0; index < COMMANDS; index += 1) {
    const begun = performance.now();
    await client.say('NOOP');
    times.push(performance.now() - begun);
    await sleep(EVERY_MS);
  }
  await client.say('QUIT');
  client.destroy();
  return times;
}

const quantile = (times: readonly number[], share: number): number =>
  times.toSorted((one, other) => one - other)[Math.floor(share * times.length)] ?? 0;

/** A turn while two queries run; what they take to end is nobody's. */
async function busyTurn(): Promise<number[]> {
  let isOver = false;
  const heavy = Array.from({ length: 2 }, async () => {
    while (!isOver) {
      await query();
      queries += 1;
    }
  });
  const times = await turn();
  isOver = true;
  await Promise.all(heavy);
  return times;
}

let queries = 0;
const quiet: number[] = [];
const again: number[] = [];
const busy: number[] = [];
await turn();
for (let round = 0; round < ROUNDS; round += 1) {
  quiet.push(...(await turn()));
  busy.push(...(await busyTurn()));
  again.push(...(await turn()));
}
for (const [name, times] of [
  ['quiet', quiet],
  ['quiet again', again],
  [`beside ${queries} heavy queries`, busy],
] as const) {
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => quantile(times, share).toFixed(3));
  console.log(`${name.padEnd(26)} p50 ${p50} ms   p99 ${p99} ms   p99.9 ${p999} ms`);
}
const p99 = (times: readonly number[]): number => quantile(times, 0.99);
console.log(`p99: ${(p99(busy) / p99([...quiet, ...again])).toFixed(2)} times that of a quiet machine`);
console.log(`by chance: ${(p99(again) / p99(quiet)).toFixed(2)} times`);
product.kill('SIGTERM');
await upstream[Symbol.asyncDispose]();
await sleep(3000);
rmSync(folder, { recursive: true, force: true });
process.exit(0);
