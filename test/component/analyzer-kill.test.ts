import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { siteWatcher, sourceWatcher } from '../../analyzers/replay.ts';
import { siteDetectors } from '../../analyzers/site/all.ts';
import { Random } from '../../evaluation/traffic/random.ts';
import { decodeDecision, encodeEvent, partitionKeyOf } from '../../events/codec.ts';
import { connectLog, type LogClient } from '../../log/io/log-client.ts';
import { openSqliteLogReader, type SqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import { partitionOf } from '../../log/partition.ts';
import { type Act, deeds, eventsOf } from '../support/acts.ts';
import { Child } from '../support/child.ts';
import { readAll, readPartition } from '../support/log-reading.ts';
import { until } from '../support/postern.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { watchSettings } from '../support/watch.ts';

/** How often the analyzers are killed; more on request. */
const KILLS = Number(process.env['ANALYZER_KILLS'] ?? 25);
/** Events between two snapshots. */
const SNAPSHOT_EVENTS = 40;
const ACTS = 1500;

/** What sixty sources do, in the order of time; all kinds of deeds. */
function someEvents(seed: number) {
  const random = new Random(seed);
  const acts: Act[] = Array.from({ length: ACTS }, () => ({
    ip: `198.51.${random.below(6)}.${random.below(10)}`,
    deed: deeds[random.below(deeds.length)] ?? 'guess',
    afterMs: random.below(20_000),
  }));
  return eventsOf(acts);
}

class Site {
  readonly directory = temporaryDirectory();
  readonly snapshots = join(this.directory, 'watch');
  readonly socketPath = join(this.directory, 'log.sock');
  client!: LogClient;
  log!: SqliteLogReader;

  static async open(): Promise<Site> {
    const site = new Site();
    await Child.start('log-process.ts', [site.directory, site.socketPath, 'os']);
    site.client = connectLog({ socketPath: site.socketPath });
    onTestFinished(() => site.client[Symbol.asyncDispose]());
    const opened = await openSqliteLogReader({ directory: site.directory, socketPath: site.socketPath });
    if (!opened.ok) throw new Error(opened.error);
    site.log = opened.value;
    onTestFinished(() => site.log[Symbol.asyncDispose]());
    return site;
  }

  async append(events: ReturnType<typeof eventsOf>): Promise<void> {
    const appended = await this.client.append(
      events.map((event) => ({
        stream: 'postern.events',
        key: partitionKeyOf(event) ?? '',
        payload: encodeEvent(event),
      })),
    );
    expect(appended.ok).toBe(true);
  }

  analyzer(): Promise<Child> {
    return Child.start('analyzer.ts', [this.directory, this.socketPath, this.snapshots, String(SNAPSHOT_EVENTS)]);
  }

  /** Decisions in the log, those of sources and those of the site. */
  async decided(): Promise<string[]> {
    return (await readAll(this.log, 'postern.decisions')).flat();
  }

  /** Decisions of an undisturbed run over what the log has. */
  async expected(): Promise<string[]> {
    const settings = watchSettings();
    const expected: string[] = [];
    for (let partition = 0; partition < this.log.partitionCount; partition += 1) {
      const records = await readPartition(this.log, partition);
      expected.push(...sourceWatcher(settings, partition).take(records).decisions.map(encodeEvent));
    }
    const evidence = await readPartition(this.log, partitionOf('site', this.log.partitionCount), 'postern.evidence');
    return [...expected, ...siteWatcher(settings, siteDetectors).take(evidence).decisions.map(encodeEvent)];
  }

  /** Once nothing more is decided. */
  async settled(): Promise<string[]> {
    let before = -1;
    await until(
      async () => {
        const { length } = await this.decided();
        const isStill = length === before;
        before = length;
        await sleep(700);
        return isStill ? true : undefined;
      },
      () => 'the analyzers to come to rest',
    );
    return await this.decided();
  }
}

test(
  'analyzers that are killed at any moment lose no decision and make none twice',
  async () => {
    const site = await Site.open();
    const events = someEvents(1);
    const random = new Random(2);
    const share = Math.ceil(events.length / KILLS);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const analyzer = await site.analyzer();
      const slice = events.slice(kill * share, (kill + 1) * share);
      const half = random.below(slice.length + 1);
      await site.append(slice.slice(0, half));
      await sleep(random.below(150));
      await site.append(slice.slice(half));
      await sleep(random.below(60));
      await analyzer.kill();
    }
    await site.analyzer();
    const decided = await site.settled();
    expect(readdirSync(site.snapshots).length).toBeGreaterThan(1);
    expect(decided.length).toBeGreaterThan(20);
    expect(decided.toSorted()).toEqual((await site.expected()).toSorted());
    expect(new Set(decided.map((line) => idOf(line))).size).toBe(decided.length);
  },
  30_000 + KILLS * 2000,
);

const damages: readonly (readonly [name: string, damage: (path: string) => void])[] = [
  ['cut off', (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2))],
  ['empty', (path) => writeFileSync(path, '')],
  ['something else', (path) => writeFileSync(path, 'x'.repeat(1000))],
  [
    'with a bit flipped',
    (path) => {
      const octets = readFileSync(path);
      const middle = Math.floor(octets.length / 2);
      octets[middle] = (octets[middle] ?? 0) ^ 1;
      writeFileSync(path, octets);
    },
  ],
  ['with more behind it', (path) => appendFileSync(path, 'more')],
];

test.each(damages)('a snapshot that is %s is told, and every decision stands once', async (_name, damage) => {
  const site = await Site.open();
  const events = someEvents(3).slice(0, 2000);
  await site.append(events.slice(0, 1500));
  const first = await site.analyzer();
  await site.settled();
  await first.kill();
  const kept = readdirSync(site.snapshots).filter((name) => !name.endsWith('.new'));
  expect(kept.length).toBeGreaterThan(1);
  for (const name of kept) damage(join(site.snapshots, name));
  await site.append(events.slice(1500));
  const second = await site.analyzer();
  const decided = await site.settled();
  expect(second.lines.filter((line) => line.startsWith('trouble the kept state')).length).toBe(kept.length);
  expect(decided.toSorted()).toEqual((await site.expected()).toSorted());
});

function idOf(line: string): string {
  const decision = decodeDecision(line);
  if (!decision.ok) throw new Error(line);
  return decision.value.id;
}
