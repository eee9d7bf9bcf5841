import { BoundedMap } from '../lib/bounded-map.ts';
import type { Alert } from './site/site-detector.ts';

/** Subjects whose last alert is remembered. */
export const SUBJECTS_MAX = 4096;
/** Alerts an hour, at most; the others are counted, and told with the next one. */
export const ALERTS_AN_HOUR_MAX = 20;
/** What happened longer ago than this is not told any more, milliseconds: a restart reads old events again. */
export const ALERT_AGE_MS_MAX = 900_000;

const HOUR_MS = 3_600_000;

/** An alert that goes out. */
export interface SentAlert extends Alert {
  /** Alerts that were held back since the last one. */
  readonly heldBack: number;
}

/** Lets through what a person should read: each subject once in a while, few an hour, and nothing old. */
export class AlertGate {
  private readonly againAfterMs: number;
  private readonly lastMs = new BoundedMap<string, number>(SUBJECTS_MAX);
  private sentMs: number[] = [];
  private heldBack = 0;

  /** @param againAfterMs - The same about the same is told again after this time. */
  constructor(againAfterMs: number) {
    this.againAfterMs = againAfterMs;
  }

  /** @returns undefined for what is not told. */
  pass(alert: Alert, nowMs: number): SentAlert | undefined {
    if (nowMs - alert.atMs > ALERT_AGE_MS_MAX) return undefined;
    const key = `${alert.kind} ${alert.subject}`;
    const lastMs = this.lastMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < this.againAfterMs) return undefined;
    this.sentMs = this.sentMs.filter((each) => nowMs - each < HOUR_MS);
    if (this.sentMs.length >= ALERTS_AN_HOUR_MAX) {
      this.heldBack += 1;
      return undefined;
    }
    this.lastMs.set(key, nowMs);
    this.sentMs.push(nowMs);
    const { heldBack } = this;
    this.heldBack = 0;
    return { ...alert, heldBack };
  }
}
