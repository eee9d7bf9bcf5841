import type { DecisionMade } from '../../events/decision.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { ReaderProgress } from '../../log/progress.ts';
import type { Alert, SiteDetector } from '../site/site-detector.ts';
import type { SnapshotStore } from '../snapshot.ts';
import type { WatchSettings } from '../source-watch.ts';

/** How often the state of a partition is kept, milliseconds, if anything happened in it. */
export const SNAPSHOT_EVERY_MS = 60_000;
/** After so many events it is kept earlier: a restart has no more to read again. */
export const SNAPSHOT_EVENTS_MAX = 200_000;

/** Hears what a runner does. */
export interface RunnerListener {
  /** Decisions are in the log. */
  decided(decisions: readonly DecisionMade[]): void;
  /** A person should know. */
  alerted(alerts: readonly Alert[]): void;
  /** Something the operator should know of the runner itself. */
  trouble(what: string, details: object): void;
  /** How far every watch has read: once a second from the time on at which all have their state. Must not throw. */
  progressed?(watches: readonly ReaderProgress[]): void;
}

export interface RunnerOptions {
  readonly log: EventLog;
  readonly snapshots: SnapshotStore;
  readonly settings: WatchSettings;
  readonly siteDetectors: readonly SiteDetector[];
  /** See {@link Snapshot.stateHash}. */
  readonly stateHash: string;
  readonly listener: RunnerListener;
  /** Default: {@link SNAPSHOT_EVENTS_MAX}. */
  readonly snapshotEventsMax?: number;
  /** Default: {@link SNAPSHOT_EVERY_MS}. */
  readonly snapshotEveryMs?: number;
  /** What of the log is watched. Default: all of it. */
  readonly share?: WatchShare;
  /** False while others may watch the same: then nothing is put into the log. Default: always true. */
  readonly isSure?: () => boolean;
}

/** What one of several analyzers watches. */
export interface WatchShare {
  readonly eventPartitions: readonly number[];
  readonly evidencePartitions: readonly number[];
}

/** Counts since a runner began. */
export interface RunnerStats {
  events: number;
  evidence: number;
  decisions: number;
  unreadable: number;
  snapshots: number;
}
