import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Candidate, candidates } from './support/candidates.ts';
import { IDLE_SESSIONS, idle } from './support/idle.ts';
import type { LoadOrder } from './support/load.ts';
import { cpuUsOf, load, median, percentile, residentOf, stop } from './support/measure.ts';

/**
 * How much the gate costs beside a relay that looks at nothing, in one run, as ratios: `npm run bench`.
 *
 * All candidates are up at once and warm (a gate runs for weeks; Node compiles what runs often only after a while), and
 * every round loads each of them once, one after the other, so that a change of the machine's speed hits all of them.
 */
interface Question extends Omit<LoadOrder, 'port'> {
  /** Rounds before the first that counts. */
  readonly warmUpRounds: number;
}

const questions: Readonly<Record<string, Question>> = {
  sessions: {
    sessions: 3000,
    concurrency: 20,
    messagesPerSession: 1,
    bodyOctets: 1024,
    latency: false,
    warmUpRounds: 4,
  },
  messages: {
    sessions: 20,
    concurrency: 20,
    messagesPerSession: 300,
    bodyOctets: 1024,
    latency: false,
    warmUpRounds: 4,
  },
  bodies: {
    sessions: 48,
    concurrency: 4,
    messagesPerSession: 1,
    bodyOctets: 10_485_760,
    latency: false,
    warmUpRounds: 4,
  },
  latency: {
    sessions: 60,
    concurrency: 1,
    messagesPerSession: 5,
    bodyOctets: 1024,
    latency: true,
    warmUpRounds: 3,
  },
};
const IDLE = 'idle';

interface Sample {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly residentOctets: number;
  readonly failures: number;
}

interface Running {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
}

/** Starts a server behind and every candidate in front of it, and ends them all. */
async function withCandidates(chosen: readonly Candidate[], use: (running: readonly Running[]) => Promise<void>) {
  const directory = await mkdtemp(join(tmpdir(), 'postern-bench-'));
  const upstreamPort = 20_000;
  const upstream = fork(join(import.meta.dirname, 'support', 'upstream.ts'), [String(upstreamPort)]);
  await new Promise((resolve) => upstream.once('message', resolve));
  const children = [];
  const running: Running[] = [];
  try {
    for (const [at, candidate] of chosen.entries()) {
      const port = 21_000 + at * 4;
      const child = await candidate.start(
        { listen: port, upstream: upstreamPort },
        await mkdtemp(join(directory, 'c')),
      );
      children.push(child);
      running.push({ name: candidate.name, pid: child.pid ?? 0, port });
    }
    await use(running);
  } finally {
    for (const child of [...children, upstream]) await stop(child);
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure({ pid, port }: Running, order: Question): Promise<Sample> {
  const beforeUs = cpuUsOf(pid);
  const result = await load({ ...order, port });
  const work = order.sessions * order.messagesPerSession;
  return {
    perSecond: work / (result.elapsedMs / 1000),
    cpuUs: (cpuUsOf(pid) - beforeUs) / work,
    p50Us: percentile(result.latenciesUs, 0.5),
    p99Us: percentile(result.latenciesUs, 0.99),
    residentOctets: residentOf(pid),
    failures: result.failures,
  };
}

const WIDTHS = [22, 9, 7, 9, 7, 8, 8, 7, 7];
const rowOf = (cells: readonly string[]): string =>
  cells.map((cell, at) => (at === 0 ? cell.padEnd(WIDTHS[at] ?? 0) : cell.padStart(WIDTHS[at] ?? 0))).join(' ');

function row(name: string, samples: readonly Sample[], yardstick: readonly Sample[]): string {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  const ratio = (pick: (sample: Sample) => number): string =>
    median(samples.map((sample, at) => pick(sample) / pick(yardstick[at] ?? sample))).toFixed(2);
  const microseconds = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(0));
  return rowOf([
    name,
    of((sample) => sample.perSecond).toFixed(1),
    ratio((sample) => sample.perSecond),
    of((sample) => sample.cpuUs).toFixed(0),
    ratio((sample) => sample.cpuUs),
    microseconds(of((sample) => sample.p50Us)),
    microseconds(of((sample) => sample.p99Us)),
    (of((sample) => sample.residentOctets) / 1_048_576).toFixed(0),
    String(samples.reduce((sum, sample) => sum + sample.failures, 0)),
  ]);
}

async function ask(name: string, question: Question, rounds: number, chosen: readonly Candidate[]): Promise<void> {
  const { sessions, concurrency, messagesPerSession, bodyOctets, warmUpRounds } = question;
  console.log(
    `\n${name}: ${sessions} sessions, ${concurrency} at a time, ${messagesPerSession} messages each of ${bodyOctets} octets;` +
      ` medians of ${rounds} rounds behind ${warmUpRounds} to warm up`,
  );
  console.log(rowOf(['', 'per s', 'ratio', 'CPU us', 'ratio', 'p50 us', 'p99 us', 'MB', 'failed']));
  await withCandidates(chosen, async (running) => {
    for (let round = 0; round < warmUpRounds; round += 1) for (const each of running) await measure(each, question);
    const samples = new Map<string, Sample[]>(running.map((each) => [each.name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const each of running) samples.get(each.name)?.push(await measure(each, question));
    }
    const yardstick = samples.get(running[0]?.name ?? '') ?? [];
    for (const [each, all] of samples) console.log(row(each, all, yardstick));
  });
}

/** What sessions cost that do nothing: resident memory of all processes of a candidate, before and with them. */
async function askIdle(chosen: readonly Candidate[]): Promise<void> {
  console.log(`\n${IDLE}: ${IDLE_SESSIONS} sessions behind their EHLO, at once`);
  console.log(rowOf(['', 'MB', 'before', 'KB each', 'failed']));
  for (const candidate of chosen) {
    await withCandidates([candidate], async ([running]) => {
      if (running === undefined) return;
      const { before, during, failures } = await idle(running.port, () => residentOf(running.pid));
      const megabytes = (octets: number): string => (octets / 1_048_576).toFixed(0);
      const each = ((during - before) / IDLE_SESSIONS / 1024).toFixed(1);
      console.log(rowOf([running.name, megabytes(during), megabytes(before), each, String(failures)]));
    });
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, only: { type: 'string', multiple: true } },
});
const asked = positionals.length > 0 ? positionals : [...Object.keys(questions), IDLE];
for (const name of asked) {
  if (name in questions || name === IDLE) continue;
  console.error(`unknown question ${name}: ${[...Object.keys(questions), IDLE].join(', ')}`);
  process.exit(2);
}
console.log(`node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`);
const chosen = candidates.filter(
  ({ name, missing }, at) =>
    missing === undefined &&
    (at === 0 || values.only === undefined || values.only.some((each) => name.startsWith(each))),
);
for (const { name, missing } of candidates) if (missing !== undefined) console.log(`${name}: ${missing}`);
for (const name of asked) {
  const question = questions[name];
  if (question === undefined) await askIdle(chosen);
  else await ask(name, question, Number(values.rounds), chosen);
}
