/** From so long on the analyzers count as behind, or as gone, milliseconds. */
export const ANALYZERS_BEHIND_MAX_MS = 5000;
/** Once they are no further behind than this they count as back, milliseconds: what is near the limit is told once. */
export const ANALYZERS_BACK_MS = 2500;
/** Moments kept of one watch, at most: ten minutes of new records every second. Later ones count as the last of them. */
export const MOMENTS_MAX = 600;

/** One watch of the analyzers, and the part of the log that it reads. */
export interface WatchStanding {
  readonly name: string;
  /** Offset of the next record that it has not seen. */
  readonly nextOffset: number;
  /** Offset behind the last record that is there for it to see. */
  readonly end: number;
}

/** What is seen of the analyzers at one look. */
export interface Look {
  /** Differs from one report of the analyzers to the next; undefined where there is none. */
  readonly stamp: number | undefined;
  /** Undefined where the log cannot be read now: what was unseen stays unseen. */
  readonly watches: readonly WatchStanding[] | undefined;
}

/** A change that the operator should know. */
export type LagChange =
  | { readonly kind: 'behind'; readonly reason: string }
  | { readonly kind: 'back'; readonly behindMs: number };

/** The log ended there at that time. */
interface Moment {
  readonly atMs: number;
  end: number;
}

/**
 * Judges whether the analyzers keep up. A watch is behind for as long as the oldest record that it has not seen has been seen to
 * be in the log; the analyzers are silent for as long as their report stays the same, since they tell one every second. All times
 * are milliseconds of one clock that does not step.
 */
export class AnalyzerLag {
  /** Records that each watch has not seen, by its name. */
  readonly unseen = new Map<string, number>();
  isBehind = false;
  private readonly maxMs: number;
  private readonly moments = new Map<string, Moment[]>();
  private stamp: number | undefined;
  private reportedMs: number;
  private sinceMs = 0;

  /** @param nowMs - They may take `maxMs` from here to report for the first time. */
  constructor(nowMs: number, maxMs = ANALYZERS_BEHIND_MAX_MS) {
    this.reportedMs = nowMs;
    this.maxMs = maxMs;
  }

  /** @returns What begins or ends with this look. */
  look(nowMs: number, { stamp, watches }: Look): LagChange | undefined {
    if (stamp !== undefined && stamp !== this.stamp) {
      this.stamp = stamp;
      this.reportedMs = nowMs;
    }
    if (watches !== undefined) this.see(nowMs, watches);
    const lagMs = this.lagMs(nowMs);
    if (!this.isBehind && lagMs > this.maxMs) {
      this.isBehind = true;
      this.sinceMs = nowMs - lagMs;
      const isSilent = nowMs - this.reportedMs > this.maxMs;
      return { kind: 'behind', reason: isSilent ? 'they do not report' : 'they have not read what is in the log' };
    }
    if (!this.isBehind || lagMs > Math.min(ANALYZERS_BACK_MS, this.maxMs)) return undefined;
    this.isBehind = false;
    return { kind: 'back', behindMs: nowMs - this.sinceMs };
  }

  /** How far behind they are, or for how long they have been silent, if that is longer; milliseconds. */
  lagMs(nowMs: number): number {
    const oldest = [...this.moments.values()].map(([first]) => first?.atMs ?? nowMs);
    return Math.max(0, nowMs - Math.min(this.reportedMs, ...oldest));
  }

  private see(nowMs: number, watches: readonly WatchStanding[]): void {
    const before = new Map(this.moments);
    this.moments.clear();
    this.unseen.clear();
    for (const { name, nextOffset, end } of watches) {
      this.unseen.set(name, Math.max(0, end - nextOffset));
      const moments = (before.get(name) ?? []).filter((moment) => moment.end > nextOffset);
      const last = moments.at(-1);
      if (end > (last?.end ?? nextOffset)) {
        if (last !== undefined && moments.length >= MOMENTS_MAX) last.end = end;
        else moments.push({ atMs: nowMs, end });
      }
      this.moments.set(name, moments);
    }
  }
}
