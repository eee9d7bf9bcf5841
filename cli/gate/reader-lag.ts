/** When a part that reads the log counts as behind, or as gone, and when as back, milliseconds: what is near the limit is told once. */
export interface LagLimits {
  readonly behindMs: number;
  readonly backMs: number;
}

/** Analyzers decide within a tenth of a second, or somebody should know. */
export const analyzerLimits: LagLimits = { behindMs: 5000, backMs: 2500 };
/** History may be late, and is when it is asked for much at once. */
export const storeLimits: LagLimits = { behindMs: 60_000, backMs: 10_000 };
/** Brokers may be away for a moment: one is elected leader, or started anew. */
export const shipLimits: LagLimits = { behindMs: 10_000, backMs: 5000 };
/** Moments kept of one reader, at most: ten minutes of new records every second. Later ones count as the last of them. */
export const MOMENTS_MAX = 600;

/** One reader, and the part of the log that it reads. */
export interface ReaderStanding {
  readonly name: string;
  /** Offset of the next record that it has not seen. */
  readonly nextOffset: number;
  /** Offset behind the last record that is there for it to see. */
  readonly end: number;
}

/** What is seen of a part at one look. */
export interface Look {
  /** Differs from one report to the next; undefined where there is none. */
  readonly stamp: number | undefined;
  /** Undefined where the log cannot be read now: what was unseen stays unseen. */
  readonly readers: readonly ReaderStanding[] | undefined;
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
 * Judges whether a part keeps up with the log. A reader is behind for as long as the oldest record that it has not seen has been
 * seen to be in the log; a part is silent for as long as its report stays the same, since it tells one every second. All times are
 * milliseconds of one clock that does not step.
 */
export class ReaderLag {
  /** Records that each reader has not seen, by its name. */
  readonly unseen = new Map<string, number>();
  isBehind = false;
  private readonly limits: LagLimits;
  private readonly moments = new Map<string, Moment[]>();
  private stamp: number | undefined;
  private reportedMs: number;
  private sinceMs = 0;

  /** @param nowMs - It may take `behindMs` from here to report for the first time. */
  constructor(nowMs: number, limits: LagLimits) {
    this.reportedMs = nowMs;
    this.limits = limits;
  }

  /** @returns What begins or ends with this look. */
  look(nowMs: number, { stamp, readers }: Look): LagChange | undefined {
    if (stamp !== undefined && stamp !== this.stamp) {
      this.stamp = stamp;
      this.reportedMs = nowMs;
    }
    if (readers !== undefined) this.see(nowMs, readers);
    const lagMs = this.lagMs(nowMs);
    if (!this.isBehind && lagMs > this.limits.behindMs) {
      this.isBehind = true;
      this.sinceMs = nowMs - lagMs;
      const isSilent = nowMs - this.reportedMs > this.limits.behindMs;
      return { kind: 'behind', reason: isSilent ? 'it does not report' : 'it has not read what is in the log' };
    }
    if (!this.isBehind || lagMs > Math.min(this.limits.backMs, this.limits.behindMs)) return undefined;
    this.isBehind = false;
    return { kind: 'back', behindMs: nowMs - this.sinceMs };
  }

  /** How far behind it is, or for how long it has been silent, if that is longer; milliseconds. */
  lagMs(nowMs: number): number {
    const oldest = [...this.moments.values()].map(([first]) => first?.atMs ?? nowMs);
    return Math.max(0, nowMs - Math.min(this.reportedMs, ...oldest));
  }

  private see(nowMs: number, readers: readonly ReaderStanding[]): void {
    const before = new Map(this.moments);
    this.moments.clear();
    this.unseen.clear();
    for (const { name, nextOffset, end } of readers) {
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
