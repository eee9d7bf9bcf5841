import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { everyone } from '../evaluation/traffic/all.ts';
import { undefended } from '../evaluation/traffic/traffic.ts';
import { DAY_MS, World } from '../evaluation/traffic/world.ts';
import { encodeEvent, partitionKeyOf } from '../events/codec.ts';
import { openMemoryLog } from '../log/io/memory-log.ts';
import { openChdb } from '../store/io/clickhouse-database.ts';
import { migrate } from '../store/io/migrate.ts';
import { StoreWriter } from '../store/io/writer.ts';

/**
 * How many events a second go from the log into the embedded store with all that is derived from them, what processor time that
 * takes, and how many octets an event needs on the disk? For one core: `taskset -c 0 node bench/store.ts [events]`.
 */
const EVENTS = Number(process.argv[2] ?? 500_000);
const START_MS = 1_767_225_600_000;
const APPEND = 500;

const span = { startMs: START_MS, attacksMs: START_MS + 7 * DAY_MS, endMs: START_MS + 14 * DAY_MS };
const log = openMemoryLog({ octetsMax: 2 ** 31 });
let count = 0;
let waiting: { stream: 'postern.events'; key: string; payload: string }[] = [];
for (const event of undefended(
  new World(11, 'M', span),
  everyone.filter(({ sizes }) => sizes.includes('M')),
  11,
)) {
  waiting.push({ stream: 'postern.events', key: partitionKeyOf(event) ?? '', payload: encodeEvent(event) });
  count += 1;
  if (waiting.length < APPEND && count < EVENTS) continue;
  await log.append(waiting);
  waiting = [];
  if (count >= EVENTS) break;
}

const directory = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const opened = await openChdb(directory, 'postern');
if (!opened.ok) throw new Error(opened.error.message);
const database = opened.value;
const migrated = await migrate(database);
if (!migrated.ok) throw new Error(migrated.error);
const writer = new StoreWriter({
  log,
  database,
  journal: { load: () => undefined, save: () => undefined },
  listener: { trouble: (what, details) => console.error(what, details) },
});
const never = new AbortController().signal;
await writer.begin(never);
const before = { ms: performance.now(), cpu: process.cpuUsage() };
await writer.catchUp(never);
const seconds = (performance.now() - before.ms) / 1000;
const cpu = process.cpuUsage(before.cpu);
console.log(`${count} events in ${seconds.toFixed(1)} s: ${Math.round(count / seconds).toLocaleString('en')} a second`);
console.log(
  `processor time: ${((cpu.user + cpu.system) / count).toFixed(1)} µs an event, merges in the background included`,
);
const sizes = await database.query<{ table: string; octets: string; rows: string }>(
  `SELECT table, sum(bytes_on_disk) AS octets, sum(rows) AS rows FROM system.parts
   WHERE active AND database = 'postern' GROUP BY table HAVING rows > 100 ORDER BY octets DESC`,
);
let all = 0;
for (const { table, octets, rows } of sizes.ok ? sizes.value : []) {
  all += Number(octets);
  console.log(
    `${table.padEnd(20)} ${String(rows).padStart(9)} rows ${(Number(octets) / count).toFixed(1).padStart(6)} octets an event`,
  );
}
console.log(`${'all'.padEnd(20)} ${(all / count).toFixed(1).padStart(21)} octets an event`);
console.log(`memory: ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB, with the log`);
await database[Symbol.asyncDispose]();
rmSync(directory, { recursive: true, force: true });
