/** What happens often is told at once, and from then on no more often than this, milliseconds. */
export const TOLD_EVERY_MS = 60_000;

/** Counts what may happen with every page that is read, and says when an operator is to hear of it. */
export class ToldSeldom {
  private count = 0;
  private toldAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param nowMs - Of any clock that only goes forward.
   * @returns How many there were since it was told last, where it is to be told now.
   */
  add(count: number, nowMs: number): number | undefined {
    this.count += count;
    if (this.count === 0 || nowMs - this.toldAtMs < TOLD_EVERY_MS) return undefined;
    const told = this.count;
    this.count = 0;
    this.toldAtMs = nowMs;
    return told;
  }
}
