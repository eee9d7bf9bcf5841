import { parseArgs } from 'node:util';
import { baselines } from './defenders/baselines.ts';
import { postern } from './defenders/postern.ts';
import { exportLog } from './export-log.ts';
import { frontierTables } from './frontier.ts';
import { type ByScenario, goalResults, goalsTable } from './goals.ts';
import { honestTable } from './honest-table.ts';
import { markdownTables } from './markdown-tables.ts';
import { reactionsTable } from './reactions.ts';
import { replayTable } from './replay-check.ts';
import { type Score, scoresOf } from './score.ts';
import { tableOf } from './table.ts';
import { sweepTable } from './threshold-sweep.ts';
import type { TrafficScenario } from './traffic/actor.ts';
import { everyone } from './traffic/all.ts';
import { undefended } from './traffic/traffic.ts';
import { DAY_MS, type SiteSize, siteSizes, World } from './traffic/world.ts';

/**
 * How well are attacks found, and who else is hit? Traffic of one site, labelled, against Postern and what it is measured
 * against, each of which keeps out whom it keeps out.
 *
 *     npm run evaluate -- --site S --seeds 11-20
 */
const { values } = parseArgs({
  options: {
    /** S, M or L. */
    site: { type: 'string', default: 'S' },
    /** The first and the last. */
    seeds: { type: 'string', default: '11-20' },
    /** Scenarios, with commas; all of them without it. */
    only: { type: 'string', default: '' },
    /** Postern alone. */
    alone: { type: 'boolean', default: false },
    /** The greatest steady rates that nobody minds, instead of the scenarios; no site, no seeds. */
    frontier: { type: 'boolean', default: false },
    /** Postern alone, with lower and higher thresholds. */
    sweep: { type: 'boolean', default: false },
    /** The traffic of the first seed through the analyzers in several ways: are the decisions the same? */
    replay: { type: 'boolean', default: false },
    /** The traffic of the first seed, which nobody keeps out, as the log of a Postfix into this file; nothing else. */
    'export-log': { type: 'string', default: '' },
    /** The tables of attacks and of honest mail as Markdown, and the others after them. */
    markdown: { type: 'boolean', default: false },
    /** Everything as data. */
    json: { type: 'boolean', default: false },
    /** Exit code 1 when a goal is missed. */
    strict: { type: 'boolean', default: false },
  },
});

const START_MS = 1_767_225_600_000;

/** What is asked for: scenarios of one site and the seeds of their traffic. */
interface Task {
  readonly scenarios: readonly TrafficScenario[];
  readonly seeds: readonly number[];
  readonly worldOf: (seed: number) => World;
}

function main(): number {
  if (values.frontier) return print(frontierTables());
  const task = taskOf();
  if (task === undefined) {
    process.stderr.write('--site is S, M or L, --seeds is like 11-20\n');
    return 2;
  }
  const { scenarios, seeds, worldOf } = task;
  if (values['export-log'] !== '') {
    const [seed = 0] = seeds;
    const lineCount = exportLog(values['export-log'], undefended(worldOf(seed), scenarios, seed));
    process.stderr.write(`seed ${seed}: ${lineCount} lines\n`);
    return 0;
  }
  if (values.replay) {
    const [seed = 0] = seeds;
    const { text, isSame } = replayTable([...undefended(worldOf(seed), scenarios, seed)]);
    print(text);
    return isSame ? 0 : 1;
  }
  return values.sweep ? print(sweepTable(worldOf, scenarios, seeds)) : compare(task);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function taskOf(): Task | undefined {
  const size = values.site;
  const [first = Number.NaN, last = first] = values.seeds.split('-').map(Number);
  if (!isSize(size) || !(first <= last)) return undefined;
  const attacksMs = START_MS + (size === 'L' ? 0.25 : 7) * DAY_MS;
  const span = { startMs: START_MS, attacksMs, endMs: attacksMs + (size === 'L' ? 1 : 7) * DAY_MS };
  const only = values.only === '' ? undefined : values.only.split(',');
  return {
    scenarios: everyone.filter(({ id, sizes }) => sizes.includes(size) && (only === undefined || only.includes(id))),
    seeds: Array.from({ length: last - first + 1 }, (_, index) => first + index),
    worldOf: (seed) => new World(seed, size, span),
  };
}

/** Every defender against every seed. */
function compare({ scenarios, seeds, worldOf }: Task): number {
  const all = new Map<string, Score[]>();
  for (const seed of seeds) {
    for (const make of values.alone ? [postern] : [postern, ...baselines]) {
      const defender = make();
      const begunMs = performance.now();
      const { scores, eventCount } = scoresOf(worldOf(seed), scenarios, defender, seed);
      const seconds = (performance.now() - begunMs) / 1000;
      process.stderr.write(`seed ${seed}, ${defender.name}: ${eventCount} events in ${seconds.toFixed(1)} s\n`);
      for (const score of scores) {
        const key = `${defender.name}\n${score.scenario}`;
        all.set(key, [...(all.get(key) ?? []), score]);
      }
    }
  }
  const ours = ofPostern(all);
  const results = goalResults(ours);
  print(
    values.json
      ? jsonOf(all, results)
      : `${values.markdown ? markdownTables(all) : tableOf(all)}\n${reactionsTable(ours)}\n${honestTable(ours)}\n${goalsTable(ours)}`,
  );
  return values.strict && results.some(({ reached }) => reached === false) ? 1 : 0;
}

const ofPostern = (all: ReadonlyMap<string, readonly Score[]>): ByScenario =>
  new Map([...all].flatMap(([key, runs]) => (key.startsWith('Postern\n') ? [[key.slice(8), runs] as const] : [])));

const jsonOf = (all: ReadonlyMap<string, readonly Score[]>, goals: readonly unknown[]): string =>
  // A goal that is never reached is infinite, for which JSON has no number.
  `${JSON.stringify({ site: values.site, seeds: values.seeds, goals, runs: [...all].flatMap(([key, scores]) => scores.map((score) => ({ defender: key.split('\n')[0], ...score }))) }, (_key, value) => (value === Number.POSITIVE_INFINITY ? 'never' : value))}\n`;

const isSize = (text: string): text is SiteSize => Object.hasOwn(siteSizes, text);

process.exitCode = main();
