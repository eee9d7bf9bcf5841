/** New automatic refusals within the window that are still believed. */
export const GROWTH_MAX_DEFAULT = 2000;
/** The window, milliseconds: ten minutes. */
export const GROWTH_WINDOW_MS = 600_000;
const BUCKETS = 10;

/**
 * Counts automatic decisions that refuse, by the time at which they were made, and trips when there are more of them within ten
 * minutes than a site has enemies: then something is wrong with the detectors, or with what they are fed.
 */
export class GrowthBreaker {
  max: number;
  private readonly counts = new Array<number>(BUCKETS).fill(0);
  private bucket = 0;

  constructor(max = GROWTH_MAX_DEFAULT) {
    this.max = max;
  }

  /** One more, made at a time. @returns True while it is tripped, by the times of decisions. */
  add(atMs: number): boolean {
    const bucket = bucketOf(atMs);
    for (let passed = Math.min(bucket - this.bucket, BUCKETS); passed > 0; passed -= 1) {
      this.counts[(bucket - passed + 1) % BUCKETS] = 0;
    }
    this.bucket = Math.max(this.bucket, bucket);
    const slot = bucket % BUCKETS;
    // One that is older than the window comes late, and counts with the oldest.
    const place = bucket > this.bucket - BUCKETS ? slot : (this.bucket + 1) % BUCKETS;
    this.counts[place] = (this.counts[place] ?? 0) + 1;
    return this.counts.reduce((sum, count) => sum + count, 0) > this.max;
  }

  /** How many there were in the window that ends now. What `add` goes by is the time of decisions, and stays. */
  countAt(nowMs: number): number {
    const passed = Math.max(0, bucketOf(nowMs) - this.bucket);
    return this.counts.reduce((sum, count, slot) => {
      const age = (((this.bucket - slot) % BUCKETS) + BUCKETS) % BUCKETS;
      return age + passed < BUCKETS ? sum + count : sum;
    }, 0);
  }

  /** Whether it would hold back a refusal that was made now. */
  isTrippedAt(nowMs: number): boolean {
    return this.countAt(nowMs) > this.max;
  }
}

const bucketOf = (atMs: number): number => Math.floor((atMs * BUCKETS) / GROWTH_WINDOW_MS);
