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

  /** One more, made at a time. @returns True while it is tripped. */
  add(atMs: number): boolean {
    const bucket = this.advance(atMs);
    const slot = bucket % BUCKETS;
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
    return this.isTripped;
  }

  /** How many there were in the window that ends now. */
  countAt(nowMs: number): number {
    this.advance(nowMs);
    return this.count;
  }

  get isTripped(): boolean {
    return this.count > this.max;
  }

  private get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** What is older than the window no longer counts. @returns The bucket of this time. */
  private advance(atMs: number): number {
    const bucket = Math.floor((atMs * BUCKETS) / GROWTH_WINDOW_MS);
    for (let passed = Math.min(bucket - this.bucket, BUCKETS); passed > 0; passed -= 1) {
      this.counts[(bucket - passed + 1) % BUCKETS] = 0;
    }
    this.bucket = Math.max(this.bucket, bucket);
    return bucket;
  }
}
