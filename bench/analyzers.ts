import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileSnapshots } from '../analyzers/io/file-snapshots.ts';
import { Runner } from '../analyzers/io/runner.ts';
import { siteDetectors } from '../analyzers/site/all.ts';
import { Random } from '../evaluation/traffic/random.ts';
import { SessionScript } from '../evaluation/traffic/session-script.ts';
import { encodeEvent, partitionKeyOf } from '../events/codec.ts';
import type { MailEvent } from '../events/event.ts';
import { openSqliteLog, type SqliteLog } from '../log/io/sqlite-log.ts';
import { watchSettings } from '../test/support/watch.ts';

/**
 * The analyzers with the log on the disk, in one process: how many events a second go from the log through all scenarios to
 * decisions in the log, and how long a restart takes, from the last snapshot and through a tail behind it.
 *
 * Run: `node bench/analyzers.ts [events] [tail]`
 */
const EVENTS = Number(process.argv[2] ?? 1_000_000);
const TAIL = Number(process.argv[3] ?? 200_000);
const START_MS = 1_767_225_600_000;
const BATCH = 500;

const random = new Random(1);
let sessionCount = 0;

/** Mail of a thousand servers, and one session in twenty of a source that comes once and guesses. */
function* someEvents(count: number): Generator<MailEvent> {
  for (let made = 0; made < count; ) {
    sessionCount += 1;
    const atMs = START_MS + sessionCount * 20;
    const isGuess = random.chance(0.05);
    const ip = isGuess
      ? `${11 + random.below(80)}.${random.below(256)}.${random.below(256)}.${random.below(256)}`
      : `45.${sessionCount % 4}.${(sessionCount >> 2) & 255}.25`;
    const session = new SessionScript({ ip, atMs }, random).hello().mail('a@friend.example');
    if (isGuess) session.recipient(`guess${sessionCount}@example.com`, 'unknown');
    else session.recipient(`user${random.below(500)}@example.com`, 'known').data();
    const events = session.quit();
    made += events.length;
    yield* events;
  }
}

async function fill(log: SqliteLog, count: number): Promise<number> {
  let filled = 0;
  let batch: MailEvent[] = [];
  const flush = async (): Promise<void> => {
    const appended = await log.append(
      batch.map((event) => ({
        stream: 'postern.events',
        key: partitionKeyOf(event) ?? '',
        payload: encodeEvent(event),
      })),
    );
    if (!appended.ok) throw new Error(appended.error);
    filled += batch.length;
    batch = [];
  };
  for (const event of someEvents(count)) {
    batch.push(event);
    if (batch.length === BATCH) await flush();
  }
  if (batch.length > 0) await flush();
  return filled;
}

/** Runs the analyzers until they have seen so many events. @returns Milliseconds until they had their state, and until then. */
async function run(log: SqliteLog, directory: string, count: number): Promise<{ readyMs: number; doneMs: number }> {
  const runner = new Runner({
    log,
    snapshots: new FileSnapshots(directory),
    settings: watchSettings(),
    siteDetectors,
    stateHash: 'bench',
    listener: { decided: () => undefined, alerted: () => undefined, trouble: (what) => console.error(what) },
  });
  const begunMs = performance.now();
  let readyMs = 0;
  const running = runner.run(() => {
    readyMs = performance.now() - begunMs;
  });
  while (runner.stats.events < count) await sleep(5);
  const doneMs = performance.now() - begunMs;
  runner.stop();
  await running;
  console.log(`  ${runner.stats.evidence} pieces of evidence, ${runner.stats.decisions} decisions`);
  return { readyMs, doneMs };
}

const folder = mkdtempSync(join(tmpdir(), 'postern-analyzers-'));
try {
  const opened = await openSqliteLog({ directory: join(folder, 'log'), site: 'site', gate: 'bench', durable: 'os' });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  await using log = opened.value;
  const watch = join(folder, 'watch');
  const first = await fill(log, EVENTS);
  const whole = await run(log, watch, first);
  console.log(
    `${first} events, log to decisions: ${Math.round(first / (whole.doneMs / 1000)).toLocaleString('en')} events/s`,
  );
  const octets = statSync(join(watch, 'events-0.snapshot')).size;
  const tail = await fill(log, TAIL);
  const again = await run(log, watch, tail);
  console.log(
    `restart: state there after ${(again.readyMs / 1000).toFixed(2)} s (${(octets / 2 ** 20).toFixed(1)} MiB a snapshot), ` +
      `${tail} events behind it after ${(again.doneMs / 1000).toFixed(2)} s`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
