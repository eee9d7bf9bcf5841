import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dashboards } from '../dashboards/all.ts';
import { expandMacros, type Selection } from '../dashboards/macros.ts';
import { everyone } from '../evaluation/traffic/all.ts';
import { undefended } from '../evaluation/traffic/traffic.ts';
import { DAY_MS, HOUR_MS, World } from '../evaluation/traffic/world.ts';
import type { DecisionMade } from '../events/decision.ts';
import { EVENT_VERSION } from '../events/event.ts';
import type { Result } from '../lib/result.ts';
import type { StoreDatabase } from '../store/database.ts';
import { openChdb } from '../store/io/clickhouse-database.ts';
import { migrate } from '../store/io/migrate.ts';

/**
 * How long does each panel of the dashboards take over a store full of events, in the range of all of them? With everything
 * chosen, and with one value of each variable. The goal is 300 ms.
 *
 * Run: `node bench/dashboards.ts [events]`. Five million take some minutes to insert, and half a gigabyte of disk for a while.
 */
const EVENTS = Number(process.argv[2] ?? 5_000_000);
const DECISIONS = 20_000;
const INSERT_MAX = 20_000;
const RUNS = 5;
const GOAL_MS = 300;
const START_MS = 1_767_225_600_000;

/** Every source has one of 26 countries. */
const countries = `INSERT INTO countries_of_sources (ip, country, hour)
  SELECT ip, concat('X', char(65 + cityHash64(ip) % 26)), max(hour) FROM sources_by_hour GROUP BY ip`;

const directory = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const database = given(await openChdb(directory, 'postern'));
given(await migrate(database));

let endMs = START_MS;
await insert(database, 'events', eventLines());
await insert(database, 'decisions', decisionLines());
given(await database.command(countries));
console.log(`${EVENTS.toLocaleString('en')} events of ${((endMs - START_MS) / DAY_MS).toFixed(0)} days`);

const session = 'SELECT toString(sid) AS sid, toString(ip) AS ip FROM sessions LIMIT 1';
const [someone = {}] = given(await database.query<Record<string, string>>(session));
const one = { gate: 'gate-1', listener: 'mx', scenario: 'relay-probe', ...someone };

const medians: { readonly name: string; readonly allMs: number; readonly oneMs: number }[] = [];
for (const { uid, panels } of dashboards)
  for (const { id, sql } of panels)
    medians.push({
      name: `${uid} ${id}`,
      allMs: await medianMs(sql, {}),
      oneMs: await medianMs(sql, one),
    });
for (const { name, allMs, oneMs } of medians.toSorted((first, second) => second.allMs - first.allMs))
  console.log(`${name.padEnd(44)} all ${allMs.toFixed(0).padStart(4)} ms   one ${oneMs.toFixed(0).padStart(4)} ms`);
const slow = medians.filter(({ allMs, oneMs }) => Math.max(allMs, oneMs) > GOAL_MS).length;
console.log(`${slow} of ${medians.length} panels above ${GOAL_MS} ms`);

await database[Symbol.asyncDispose]();
rmSync(directory, { recursive: true, force: true });

function given<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** Everybody at a small site, and its attackers from the second day on. */
function* eventLines(): Generator<string> {
  const world = new World(1, 'S', { startMs: START_MS, attacksMs: START_MS + DAY_MS, endMs: START_MS + 400 * DAY_MS });
  let count = 0;
  for (const event of undefended(world, everyone, 1)) {
    if (count === EVENTS) return;
    count += 1;
    endMs = event.at;
    yield JSON.stringify(event);
  }
}

/** Some for a second time, most of them over. */
function* decisionLines(): Generator<string> {
  const scenarios = ['relay-probe', 'recipient-harvest', 'auth-guessing'];
  for (let index = 0; index < DECISIONS; index += 1) {
    const at = START_MS + Math.floor((index * (endMs - START_MS)) / DECISIONS);
    const decision: DecisionMade = {
      v: EVENT_VERSION,
      type: 'decision-made',
      at,
      site: 'site',
      id: String(index),
      scope: 'ip',
      value: `198.51.${index % 100}.${index % 151}`,
      roles: ['mx'],
      origin: 'analyzer',
      scenario: scenarios[index % scenarios.length] ?? '',
      action: 'refuse',
      level: index % 5,
      until: at + HOUR_MS * (1 + (index % 100)),
      reason: 'asked for many addresses that do not exist',
    };
    yield JSON.stringify({ ...decision, logPartition: 0, logOffset: index });
  }
}

async function insert(store: StoreDatabase, table: string, lines: Iterable<string>): Promise<void> {
  let batch: string[] = [];
  let count = 0;
  const flush = async (): Promise<void> => {
    count += 1;
    given(await store.insert(table, batch, `${table}/${count}`));
    batch = [];
  };
  for (const line of lines) {
    batch.push(line);
    if (batch.length === INSERT_MAX) await flush();
  }
  await flush();
}

async function medianMs(sql: string, values: Selection['values']): Promise<number> {
  const statement = given(expandMacros(sql, { fromMs: START_MS, toMs: endMs, intervalMs: HOUR_MS, values }));
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const before = performance.now();
    given(await database.query(statement));
    times.push(performance.now() - before);
  }
  return times.toSorted((one, other) => one - other)[RUNS >> 1] ?? Number.NaN;
}
