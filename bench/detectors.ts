import { sourceDetectors } from '../analyzers/detectors/all.ts';
import { sourceWatcher } from '../analyzers/replay.ts';
import { SourceWatch, type WatchSettings } from '../analyzers/source-watch.ts';
import { Random } from '../evaluation/traffic/random.ts';
import { SessionScript } from '../evaluation/traffic/session-script.ts';
import { encodeEvent } from '../events/codec.ts';
import type { MailEvent } from '../events/event.ts';
import { networkKey, PrefixSet } from '../lib/ip.ts';
import { partitionOf } from '../log/partition.ts';

/**
 * How many events a second do all scenarios take on one core, from the line in the log to the decision; what does a flood of ten
 * million sources cost of that; and how much memory does the state take?
 *
 * Run: `node --expose-gc bench/detectors.ts [sources]`
 */
const SOURCES = Number(process.argv[2] ?? 10_000_000);
const START_MS = 1_767_225_600_000;
const PARTITIONS = 4;

const settings: WatchSettings = {
  site: 'site',
  configHash: 'bench',
  hashKey: { first: 1, second: 2 },
  never: new PrefixSet([]),
  providers: new PrefixSet([]),
  detectors: sourceDetectors,
};

/** Ordinary sessions: mail of a thousand servers, one in twenty forward-paths unknown. */
function ordinary(count: number, random: Random): MailEvent[] {
  const events: MailEvent[] = [];
  for (let index = 0; events.length < count; index += 1) {
    const ip = `45.${index % 4}.${(index >> 2) & 255}.25`;
    const session = new SessionScript({ ip, atMs: START_MS + index * 50 }, random).hello().mail('a@friend.example');
    if (random.chance(0.05)) session.recipient(`left${random.below(100)}@example.com`, 'unknown');
    else session.recipient(`user${random.below(500)}@example.com`, 'known').data();
    events.push(...session.quit());
  }
  return events;
}

const addressOf = (index: number): string =>
  `${11 + (index >> 24)}.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;

function rate(name: string, count: number, work: () => void): number {
  const before = performance.now();
  work();
  const perSecond = count / ((performance.now() - before) / 1000);
  console.log(`${name.padEnd(52)} ${Math.round(perSecond).toLocaleString('en')} events/s`);
  return perSecond;
}

const random = new Random(1);
const events = ordinary(300_000, random);
const lines = events.map((event, offset) => ({ offset, payload: encodeEvent(event) }));
const watcher = sourceWatcher(settings, 0);
watcher.take(lines.slice(0, 50_000));
rate('from the line in the log, all scenarios', lines.length - 50_000, () => {
  for (let from = 50_000; from < lines.length; from += 1000) watcher.take(lines.slice(from, from + 1000));
});

globalThis.gc?.();
const memoryBefore = process.memoryUsage();
const watches = Array.from({ length: PARTITIONS }, () => new SourceWatch(settings));
let offset = 0;
const see = (event: MailEvent): void => {
  const partition = 'ip' in event ? partitionOf(networkKey(event.ip), PARTITIONS) : 0;
  watches[partition]?.see(event, { partition, offset });
  offset += 1;
};
for (const event of events) see(event);
const quiet = rate('events already read, before the flood', events.length, () => {
  for (const event of ordinary(300_000, new Random(2))) see(event);
});

const guess = (index: number): readonly MailEvent[] =>
  new SessionScript({ ip: addressOf(index), atMs: START_MS + 2e7 + index * 2 }, random)
    .hello()
    .mail('a@spam.example')
    .recipient(`guess${index}@example.com`, 'unknown')
    .quit();
const perSource = guess(0).length;
rate(`a flood: ${SOURCES.toLocaleString('en')} sources with one guess each`, SOURCES * perSource, () => {
  for (let index = 0; index < SOURCES; index += 1) for (const event of guess(index)) see(event);
});
const after = rate('events already read, after the flood', events.length, () => {
  for (const event of ordinary(300_000, new Random(3))) see(event);
});
globalThis.gc?.();
const memory = process.memoryUsage();
const grown = memory.heapUsed + memory.arrayBuffers - memoryBefore.heapUsed - memoryBefore.arrayBuffers;
const tables = watches.reduce((sum, watch) => sum + watch.octets, 0);
console.log(
  `state of ${PARTITIONS} partitions: tables ${(tables / 2 ** 20).toFixed(0)} MiB, all of it ${(grown / 2 ** 20).toFixed(0)} MiB`,
);
console.log(`loss of throughput by the flood: ${(100 * (1 - after / quiet)).toFixed(0)} %`);
