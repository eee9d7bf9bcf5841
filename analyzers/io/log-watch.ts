import { setTimeout } from 'node:timers/promises';
import { decodeDecision, encodeEvent } from '../../events/codec.ts';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { assert } from '../../lib/assert.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { ToldSeldom } from '../../lib/told-seldom.ts';
import { decisionRecord } from '../../log/decision-record.ts';
import {
  type EventLog,
  type LogRecord,
  type Offset,
  type Page,
  RECORD_OCTETS_MAX,
  type Stream,
} from '../../log/event-log.ts';
import type { ReaderProgress } from '../../log/progress.ts';
import type { Watcher } from '../replay.ts';
import type { Snapshot, SnapshotFault } from '../snapshot.ts';
import { type RunnerOptions, type RunnerStats, SNAPSHOT_EVENTS_MAX, SNAPSHOT_EVERY_MS } from './runner-options.ts';

/** Delay before an append that the log would not take is tried again, milliseconds. */
export const APPEND_RETRY_MS = 500;
/** Records of one append, and their octets. */
const APPEND_RECORDS_MAX = 200;
const APPEND_OCTETS = RECORD_OCTETS_MAX;

/** Told with the name of the state and the reason. */
const NOT_KEPT = 'the kept state of the detectors cannot be used: the log is read from its start';

const EVENTS = 'postern.events';
const DECISIONS = 'postern.decisions';
const EVIDENCE = 'postern.evidence';

/** What a watch follows, and how one begins. */
export interface WatchPlace {
  /** Of its snapshot. */
  readonly name: string;
  readonly stream: Stream;
  readonly partition: number;
  begin(): Watcher;
}

/** One watch, and what of it is in the log. */
export class LogWatch {
  private offset: Offset;
  private readonly place: WatchPlace;
  private readonly options: RunnerOptions;
  private readonly stats: RunnerStats;
  private watcher: Watcher;
  /** Decisions since the snapshot that are in the log already. */
  private readonly known: Set<string>;
  private keptAtMs = performance.now();
  private countSince = 0;
  /** The watch has seen records whose decisions are not in the log: its state must not be kept. */
  private isTorn = false;
  /** One thing after the other: a page, and what is done with the state in between. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly unreadable = new ToldSeldom();
  private readonly refused = new ToldSeldom();

  private constructor(
    place: WatchPlace,
    options: RunnerOptions,
    stats: RunnerStats,
    state: { readonly watcher: Watcher; readonly offset: Offset; readonly known: Set<string> },
  ) {
    this.place = place;
    this.options = options;
    this.stats = stats;
    this.watcher = state.watcher;
    this.offset = state.offset;
    this.known = state.known;
  }

  /** From the last snapshot, or from the oldest record that the log has. */
  static async begin(place: WatchPlace, options: RunnerOptions, stats: RunnerStats): Promise<LogWatch> {
    const { log, listener } = options;
    const { first, next } = await log.bounds(place.stream, place.partition);
    const kept = await keptState(place, options, next);
    if (kept.ok && kept.value !== undefined) {
      const { watcher, snapshot } = kept.value;
      const known = await decidedSince(log, snapshot.decisionOffsets);
      return new LogWatch(place, options, stats, { watcher, offset: snapshot.offset, known });
    }
    if (!kept.ok) listener.trouble(NOT_KEPT, { state: place.name, reason: kept.error });
    return new LogWatch(place, options, stats, {
      watcher: place.begin(),
      offset: first,
      known: await decidedSince(log, []),
    });
  }

  get progress(): ReaderProgress {
    const { name, stream, partition } = this.place;
    return { name, stream, partition, nextOffset: this.offset };
  }

  async run(signal: AbortSignal, onPage: () => void): Promise<void> {
    const { stream, partition } = this.place;
    for await (const page of this.options.log.follow(stream, partition, this.offset, signal)) {
      await this.inTurn(() => this.take(page, signal));
      onPage();
      if (signal.aborted) break;
      const { snapshotEventsMax = SNAPSHOT_EVENTS_MAX, snapshotEveryMs = SNAPSHOT_EVERY_MS } = this.options;
      const isDue = this.countSince >= snapshotEventsMax || performance.now() - this.keptAtMs >= snapshotEveryMs;
      if (isDue) await this.inTurn(() => this.keepNew());
    }
    await this.inTurn(() => this.keepNew());
  }

  /** See {@link Runner.changeTexts}. */
  changeTexts(change: (text: string) => string): Promise<boolean> {
    return this.inTurn(async () => {
      const changed = this.place.begin();
      assert(changed.decode(this.watcher.encode(change)), 'a state with other texts is a state');
      this.watcher = changed;
      return this.keep();
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async take({ records, nextOffset }: Page, signal: AbortSignal): Promise<void> {
    const { listener } = this.options;
    const { decisions, evidence, alerts, unreadableCount } = this.watcher.take(records);
    const fresh = decisions.filter(({ id }) => !this.known.delete(id));
    const isWhole =
      (await this.append(fresh.map(decisionRecord), signal)) &&
      (await this.append(evidence.map(evidenceRecord), signal));
    if (!isWhole) {
      this.isTorn = true;
      return;
    }
    this.offset = nextOffset;
    this.countSince += records.length;
    const { stats } = this;
    stats[this.place.stream === EVENTS ? 'events' : 'evidence'] += records.length;
    stats.decisions += fresh.length;
    stats.unreadable += unreadableCount;
    const count = this.unreadable.add(unreadableCount, performance.now());
    if (count !== undefined) listener.trouble('records that this release does not know were passed over', { count });
    if (fresh.length > 0) listener.decided(fresh);
    if (alerts.length > 0) listener.alerted(alerts);
  }

  /** Keeps the state, if there is anything new in it. */
  private async keepNew(): Promise<void> {
    if (this.countSince > 0) await this.keep();
  }

  /** @returns False where it is not kept. */
  private async keep(): Promise<boolean> {
    const { log, snapshots, stateHash, listener, isSure = () => true } = this.options;
    if (this.isTorn || !isSure()) return false;
    this.countSince = 0;
    this.keptAtMs = performance.now();
    try {
      const decisionOffsets = await endsOf(log);
      const { offset } = this;
      await snapshots.save(this.place.name, { stateHash, offset, decisionOffsets, state: this.watcher.encode() });
      this.stats.snapshots += 1;
      return true;
    } catch (error) {
      listener.trouble('the state of the detectors cannot be kept', { reason: String(error) });
      return false;
    }
  }

  /** Until the log has them: a decision is never dropped. @returns False when the runner was stopped before. */
  private async append(records: readonly LogRecord[], signal: AbortSignal): Promise<boolean> {
    for (const part of parted(records)) {
      while (!(await this.tryAppend(part))) {
        if (signal.aborted) return false;
        await setTimeout(APPEND_RETRY_MS);
      }
    }
    return true;
  }

  private async tryAppend(records: readonly LogRecord[]): Promise<boolean> {
    const { log, listener, isSure = () => true } = this.options;
    // Who was frozen for long has been replaced, and will hear of it: what it would decide now others have decided.
    if (!isSure()) return false;
    const appended = await log.append(records);
    if (!appended.ok && this.refused.add(1, performance.now()) !== undefined)
      listener.trouble('the log does not take what was decided', { reason: appended.error });
    return appended.ok;
  }
}

/** What a watch goes on from, `undefined` where nothing was kept; or why it cannot go on from that. */
async function keptState(
  place: WatchPlace,
  { snapshots, stateHash }: RunnerOptions,
  logEnd: Offset,
): Promise<Result<{ readonly watcher: Watcher; readonly snapshot: Snapshot } | undefined, string>> {
  const loaded = await snapshots.load(place.name);
  if (!loaded.ok) return err(faultTexts[loaded.error]);
  const snapshot = loaded.value;
  if (snapshot === undefined) return ok(undefined);
  if (snapshot.stateHash !== stateHash) return err('it is of other detectors');
  // Events that come would take the numbers of those it has seen, and be passed over.
  if (snapshot.offset > logEnd) return err('it has seen more than the log has: the log is another one');
  const watcher = place.begin();
  return watcher.decode(snapshot.state) ? ok({ watcher, snapshot }) : err(faultTexts.format);
}

const faultTexts: Readonly<Record<SnapshotFault, string>> = {
  damaged: 'it is damaged',
  format: 'it is of another release',
  unreadable: 'it cannot be read',
};

const evidenceRecord = (evidence: EvidenceEvent): LogRecord => ({
  stream: EVIDENCE,
  key: evidence.site,
  payload: encodeEvent(evidence),
  priority: 'normal',
});

/** Records in appends that are small enough. */
function* parted(records: readonly LogRecord[]): Generator<readonly LogRecord[]> {
  let part: LogRecord[] = [];
  let octets = 0;
  for (const record of records) {
    if (part.length >= APPEND_RECORDS_MAX || (part.length > 0 && octets + record.payload.length > APPEND_OCTETS)) {
      yield part;
      part = [];
      octets = 0;
    }
    part.push(record);
    octets += record.payload.length;
  }
  if (part.length > 0) yield part;
}

async function endsOf(log: EventLog): Promise<readonly Offset[]> {
  const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
  const bounds = await Promise.all(partitions.map((partition) => log.bounds(DECISIONS, partition)));
  return bounds.map(({ next }) => next);
}

/** Records read at a time. */
const READ_RECORDS = 1000;

/** Ids of the analyzers' decisions behind these offsets. */
async function decidedSince(log: EventLog, offsets: readonly Offset[]): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    const { first, next } = await log.bounds(DECISIONS, partition);
    for (let from = Math.max(first, offsets[partition] ?? 0); from < next; ) {
      const page = await log.read(DECISIONS, partition, from, READ_RECORDS);
      if (page.records.length === 0) break;
      for (const { payload } of page.records) {
        const decision = decodeDecision(payload);
        if (decision.ok && decision.value.origin === 'analyzer') ids.add(decision.value.id);
      }
      from = page.nextOffset;
    }
  }
  return ids;
}
