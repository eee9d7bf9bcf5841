import { z } from 'zod';

/** Different members that are told apart, at most: no threshold asks for more. */
export const DISTINCT_MAX = 64;
const WINDOW_MS = 86_400_000;

export const distinctState = z.array(z.tuple([z.string(), z.number()]));

/** Who was seen within a day, and when last: a bounded number, the oldest goes first. */
export class Distinct {
  private readonly seen: Map<string, number>;
  private readonly max: number;

  constructor(entries: readonly (readonly [string, number])[] = [], max = DISTINCT_MAX) {
    this.seen = new Map(entries);
    this.max = max;
  }

  /** @returns How many different ones there are within the last day. */
  add(member: string, atMs: number): number {
    this.seen.delete(member);
    this.seen.set(member, atMs);
    for (const [oldest, lastMs] of this.seen) {
      if (atMs - lastMs < WINDOW_MS && this.seen.size <= this.max) break;
      this.seen.delete(oldest);
    }
    return this.seen.size;
  }

  /** It does not count after all. @returns Whether it was seen within the last day. */
  forget(member: string, atMs: number): boolean {
    const wasSeen = this.has(member, atMs);
    this.seen.delete(member);
    return wasSeen;
  }

  /** Whether it was seen within the last day. */
  has(member: string, atMs: number): boolean {
    const lastMs = this.seen.get(member);
    return lastMs !== undefined && atMs - lastMs < WINDOW_MS;
  }

  toJson(): readonly (readonly [string, number])[] {
    return [...this.seen];
  }
}
