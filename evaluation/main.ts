import { parseArgs } from 'node:util';
import { baselines } from './defenders/baselines.ts';
import { postern } from './defenders/postern.ts';
import { exportLog } from './export-log.ts';
import { frontierTables } from './frontier.ts';
import { type Score, scoresOf } from './score.ts';
import { tableOf } from './table.ts';
import { sweepTable } from './threshold-sweep.ts';
import { attacks } from './traffic/attacks.ts';
import { background, honest } from './traffic/benign.ts';
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
    /** The traffic of the first seed, which nobody keeps out, as the log of a Postfix into this file; nothing else. */
    'export-log': { type: 'string', default: '' },
  },
});

const START_MS = 1_767_225_600_000;

function main(): number {
  if (values.frontier) {
    process.stdout.write(frontierTables());
    return 0;
  }
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
  if (values['export-log'] !== '') {
    const lineCount = exportLog(values['export-log'], undefended(new World(first, size, span), scenarios, first));
    process.stderr.write(`seed ${first}: ${lineCount} lines\n`);
    return 0;
  }
  if (values.sweep) {
    const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    process.stdout.write(sweepTable((seed) => new World(seed, size, span), scenarios, seeds));
    return 0;
  }
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
  process.stdout.write(tableOf(all));
  return 0;
}

const isSize = (text: string): text is SiteSize => Object.hasOwn(siteSizes, text);

process.exitCode = main();
