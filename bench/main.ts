import { fork } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Candidate, candidates } from './support/candidates.ts';
import type { LoadOrder } from './support/load.ts';
import { cpuUsOf, load, median, percentile, residentOf, stop } from './support/measure.ts';

/**
 * How much the gate costs beside a relay that looks at nothing, in one run, as ratios: `npm run bench`.
 * Every round runs each candidate once, one after the other, so that a change of the machine's speed hits all of them.
 */
const questions: Readonly<Record<string, Omit<LoadOrder, 'port'>>> = {
  sessions: { sessions: 1500, concurrency: 20, messagesPerSession: 1, bodyOctets: 1024, latency: false },
  messages: { sessions: 20, concurrency: 20, messagesPerSession: 150, bodyOctets: 1024, latency: false },
  bodies: { sessions: 24, concurrency: 4, messagesPerSession: 1, bodyOctets: 10 * 1024 * 1024, latency: false },
  latency: { sessions: 60, concurrency: 1, messagesPerSession: 5, bodyOctets: 1024, latency: true },
};

interface Sample {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly residentOctets: number;
  readonly failures: number;
}

async function measure(candidate: Candidate, order: Omit<LoadOrder, 'port'>, at: number): Promise<Sample> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-bench-'));
  const ports = { listen: 21_000 + at * 4, upstream: 20_000 + at };
  const upstream = fork(join(import.meta.dirname, 'support', 'upstream.ts'), [String(ports.upstream)]);
  await new Promise((resolve) => upstream.once('message', resolve));
  await mkdir(directory, { recursive: true });
  const child = await candidate.start(ports, directory);
  try {
    const pid = child.pid ?? 0;
    // A short run first: code is compiled, buffers have their size.
    await load({ ...order, port: ports.listen, sessions: Math.max(4, Math.ceil(order.sessions / 5)) });
    const beforeUs = cpuUsOf(pid);
    const result = await load({ ...order, port: ports.listen });
    const work = order.sessions * order.messagesPerSession;
    return {
      perSecond: work / (result.elapsedMs / 1000),
      cpuUs: (cpuUsOf(pid) - beforeUs) / work,
      p50Us: percentile(result.latenciesUs, 0.5),
      p99Us: percentile(result.latenciesUs, 0.99),
      residentOctets: residentOf(pid),
      failures: result.failures,
    };
  } finally {
    await stop(child);
    await stop(upstream);
    await rm(directory, { recursive: true, force: true });
  }
}

function row(name: string, samples: readonly Sample[], yardstick: readonly Sample[]): string {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  const ratio = (pick: (sample: Sample) => number): string =>
    median(samples.map((sample, at) => pick(sample) / pick(yardstick[at] ?? sample))).toFixed(2);
  const cells = [
    name.padEnd(22),
    of((s) => s.perSecond)
      .toFixed(1)
      .padStart(9),
    ratio((s) => s.perSecond).padStart(7),
    of((s) => s.cpuUs)
      .toFixed(0)
      .padStart(9),
    ratio((s) => s.cpuUs).padStart(7),
    of((s) => s.p50Us)
      .toFixed(0)
      .padStart(8),
    of((s) => s.p99Us)
      .toFixed(0)
      .padStart(8),
    (of((s) => s.residentOctets) / 1048576).toFixed(0).padStart(7),
    String(samples.reduce((sum, s) => sum + s.failures, 0)).padStart(6),
  ];
  return cells.join(' ');
}

async function ask(question: string, rounds: number, chosen: readonly Candidate[]): Promise<void> {
  const order = questions[question];
  if (order === undefined) throw new Error(`unknown question ${question}: ${Object.keys(questions).join(', ')}`);
  console.log(`\n${question}: ${JSON.stringify(order)}, ${rounds} rounds, medians`);
  console.log('candidate                per s   ratio  cpu us   ratio   p50 us   p99 us  RSS MB  failed');
  const samples = new Map<string, Sample[]>(chosen.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, candidate] of chosen.entries()) {
      samples.get(candidate.name)?.push(await measure(candidate, order, round * chosen.length + at));
    }
  }
  const yardstick = samples.get(chosen[0]?.name ?? '') ?? [];
  for (const [name, all] of samples) console.log(row(name, all, yardstick));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, only: { type: 'string', multiple: true } },
});
console.log(`node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`);
const chosen = candidates.filter(
  ({ name, missing }, at) =>
    missing === undefined &&
    (at === 0 || values.only === undefined || values.only.some((each) => name.startsWith(each))),
);
for (const { name, missing } of candidates) if (missing !== undefined) console.log(`${name}: ${missing}`);
for (const question of positionals.length > 0 ? positionals : Object.keys(questions)) {
  await ask(question, Number(values.rounds), chosen);
}
