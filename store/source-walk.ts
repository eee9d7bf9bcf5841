/** A place in `sources_by_hour`, whose rows lie by hour and address. */
export interface SourcePlace {
  /** Seconds since 1970-01-01 UTC. */
  readonly hour: number;
  /** IPv4 in its mapped form, as ClickHouse writes an IPv6. */
  readonly ip: string;
}

/** How often a walk begins, and how far back, milliseconds. */
export interface WalkPlan {
  readonly everyMs: number;
  /** Undefined: from the first row on. */
  readonly backMs?: number;
}

const SECOND_MS = 1000;

/** Walks through the rows of sources a slice at a time, over and over. Times are milliseconds since 1970-01-01 UTC. */
export class SourceWalk {
  private readonly plan: WalkPlan;
  private beganMs: number | undefined;
  private behind: SourcePlace | undefined;

  constructor(plan: WalkPlan) {
    this.plan = plan;
  }

  /** How long until there is something to do; 0 while a walk is under way. */
  waitMs(nowMs: number): number {
    if (this.behind !== undefined || this.beganMs === undefined) return 0;
    // A clock that was set back must not stop it.
    const sinceMs = Math.max(0, nowMs - this.beganMs);
    return Math.max(0, this.plan.everyMs - sinceMs);
  }

  /** Behind which place the next slice lies. Begins a walk if none is under way. */
  next(nowMs: number): SourcePlace {
    if (this.behind === undefined) {
      const { backMs } = this.plan;
      this.beganMs = nowMs;
      const hour = backMs === undefined ? 0 : Math.max(0, Math.floor((nowMs - backMs) / SECOND_MS));
      this.behind = { hour, ip: '::' };
    }
    return this.behind;
  }

  /** @param end - The last row of a slice; undefined: behind it there are none. */
  arrived(end: SourcePlace | undefined): void {
    this.behind = end;
  }

  /** The next walk begins at once. */
  restart(): void {
    this.beganMs = undefined;
    this.behind = undefined;
  }
}
