import { parseArgs } from 'node:util';
import { baselines } from './defenders/baselines.ts';
import { postern } from './defenders/postern.ts';
import { type ByScenario, goalResults, goalsTable } from './goals.ts';
import { reactionsTable } from './reactions.ts';
import { type Score, scoresOf } from './score.ts';
import { tableOf } from './table.ts';
import { attacks } from './traffic/attacks.ts';
import { background, honest } from './traffic/benign.ts';
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
    /** Everything as data. */
    json: { type: 'boolean', default: false },
    /** Exit code 1 when a goal is missed. */
    strict: { type: 'boolean', default: false },
  },
});

const START_MS = 1_767_225_600_000;

function main(): number {
  const size = values.site;
  const [first = Number.NaN, last = first] = values.seeds.split('-').map(Number);
  if (!isSize(size) || !(first <= last)) {
    process.stderr.write('--site is S, M or L, --seeds is like 11-20\n');
    return 2;
  }
  const warmUpDays = size === 'L' ? 0.25 : 7;
  const attacksMs = START_MS + warmUpDays * DAY_MS;
  const span = { startMs: START_MS, attacksMs, endMs: attacksMs + (size === 'L' ? 1 : 7) * DAY_MS };
  const only = values.only === '' ? undefined : values.only.split(',');
  const scenarios = [background, ...honest, ...attacks].filter(
    ({ id, sizes }) => sizes.includes(size) && (only === undefined || only.includes(id)),
  );
  const all = new Map<string, Score[]>();
  for (let seed = first; seed <= last; seed += 1) {
    for (const make of values.alone ? [postern] : [postern, ...baselines]) {
      const defender = make();
      const begunMs = performance.now();
      const { scores, eventCount } = scoresOf(new World(seed, size, span), scenarios, defender, seed);
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
  process.stdout.write(
    values.json ? jsonOf(all, results) : `${tableOf(all)}\n${reactionsTable(ours)}\n${goalsTable(ours)}`,
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
