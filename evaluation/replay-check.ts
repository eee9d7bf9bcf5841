import { createHash, type Hash } from 'node:crypto';
import { siteDetectors } from '../analyzers/site/all.ts';
import { SiteWatch } from '../analyzers/site-watch.ts';
import { SourceWatch } from '../analyzers/source-watch.ts';
import type { DecisionMade } from '../events/decision.ts';
import type { MailEvent } from '../events/event.ts';
import type { EvidenceEvent } from '../events/evidence.ts';
import { networkKey } from '../lib/ip.ts';
import { partitionOf } from '../log/partition.ts';
import { PARTITIONS, settings } from './defenders/postern.ts';

/** After so many events all state goes into snapshots, and other detectors go on from them. */
const SNAPSHOT_EVERY = 10_000;
/** How far back an event comes once more. */
const DISTANCE = 100;

/** One way to watch the same events. */
interface Run {
  readonly title: string;
  readonly hash: string;
  readonly count: number;
}

interface Way {
  readonly title: string;
  /** The order in which the events come. */
  readonly order: (events: readonly MailEvent[]) => Iterable<MailEvent>;
  readonly restores: boolean;
}

const ways: readonly Way[] = [
  { title: 'as they came', order: (events) => events, restores: false },
  { title: 'once more', order: (events) => events, restores: false },
  { title: `from a snapshot every ${SNAPSHOT_EVERY} events`, order: (events) => events, restores: true },
  { title: `each once more, ${DISTANCE} events later`, order: repeated, restores: false },
  { title: 'one partition after the other', order: byPartition, restores: false },
];

/** Do all ways give the same decisions, octet for octet? One partition after the other is only the same for sources. */
export function replayTable(events: readonly MailEvent[]): { readonly text: string; readonly isSame: boolean } {
  const forSources = ways.map((way) => watch(events, way, false));
  const forSite = ways.filter(({ order }) => order !== byPartition).map((way) => watch(events, way, true));
  const isSame = [forSources, forSite].every((runs) => new Set(runs.map(({ hash }) => hash)).size === 1);
  const lines = [
    ...forSources.map((run) => lineOf('sources', run)),
    ...forSite.map((run) => lineOf('the site', run)),
    isSame ? 'the same decisions, octet for octet' : 'DECISIONS DIFFER',
  ];
  return { text: `${events.length} events\n${lines.join('\n')}\n`, isSame };
}

const lineOf = (about: string, { title, count, hash }: Run): string =>
  `${about.padEnd(9)} ${title.padEnd(36)} ${String(count).padStart(6)} decisions  ${hash.slice(0, 16)}`;

function watch(events: readonly MailEvent[], { title, order, restores }: Way, isSite: boolean): Run {
  let watches = Array.from({ length: PARTITIONS }, () => new SourceWatch(settings));
  const counts = new Array<number>(PARTITIONS).fill(0);
  let site = new SiteWatch(settings, siteDetectors);
  // By partition: partitions decide independently of each other.
  const hashes = Array.from({ length: PARTITIONS + 1 }, () => createHash('sha256'));
  let count = 0;
  const take = (hash: Hash | undefined, decisions: readonly DecisionMade[]): void => {
    for (const decision of decisions) hash?.update(JSON.stringify(decision));
    count += decisions.length;
  };
  const seeSite = (evidence: readonly EvidenceEvent[]): void => {
    for (const each of evidence) take(hashes[PARTITIONS], site.see(each).decisions);
  };
  let seenCount = 0;
  for (const event of order(events)) {
    const partition = partitionFor(event);
    const offset = counts[partition] ?? 0;
    counts[partition] = offset + 1;
    seenCount += 1;
    if (restores && seenCount % SNAPSHOT_EVERY === 0) {
      watches = watches.map((before) => restored(before, () => new SourceWatch(settings)));
      site = restored(site, () => new SiteWatch(settings, siteDetectors));
    }
    const outcome = watches[partition]?.see(event, { partition, offset });
    if (isSite) seeSite(outcome?.evidence ?? []);
    else take(hashes[partition], outcome?.decisions ?? []);
  }
  const all = createHash('sha256');
  for (const hash of hashes) all.update(hash.digest());
  return { title, count, hash: all.digest('hex') };
}

const partitionFor = (event: MailEvent): number => ('ip' in event ? partitionOf(networkKey(event.ip), PARTITIONS) : 0);

function restored<W extends { encode(): Uint8Array; decode(octets: Uint8Array): boolean }>(
  before: W,
  make: () => W,
): W {
  const after = make();
  if (!after.decode(before.encode())) throw new Error('a snapshot that cannot be read');
  return after;
}

function* repeated(events: readonly MailEvent[]): Generator<MailEvent> {
  for (const [index, event] of events.entries()) {
    yield event;
    const again = events[index - DISTANCE];
    if (again !== undefined) yield again;
  }
}

function* byPartition(events: readonly MailEvent[]): Generator<MailEvent> {
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    for (const event of events) if (partitionFor(event) === partition) yield event;
}
