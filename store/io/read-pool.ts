import { err, type Result } from '../../lib/result.ts';
import { type Refusal, refusal } from '../refusal.ts';

/** Queries at once: each holds a thread of libuv until it ends, and there are four. */
export const QUERIES_MAX = 2;
/** Queries that wait for one of them to end. */
export const QUERIES_WAITING_MAX = 16;

/** Lets a few readers in at a time. A query cannot be stopped once it runs; one that waits can. */
export class ReadPool {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly ends = new Set<Promise<unknown>>();

  /**
   * Does `work` in its turn.
   *
   * @param isWanted - False once nobody waits for it any more: then it is not begun.
   */
  async run<T>(work: () => Promise<Result<T, Refusal>>, isWanted: () => boolean): Promise<Result<T, Refusal>> {
    if (this.running >= QUERIES_MAX) {
      if (this.waiting.length >= QUERIES_WAITING_MAX) return err(refusal.tooManyQueries);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.waiting.push(resolve);
      await promise;
    } else this.running += 1;
    try {
      if (!isWanted()) return err(refusal.unavailable);
      const ended = work();
      this.ends.add(ended);
      void ended.catch(() => undefined).finally(() => this.ends.delete(ended));
      return await ended;
    } finally {
      // The place goes to the next one, or is free.
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.ends.size > 0 || this.waiting.length > 0) {
      await Promise.allSettled(this.ends);
      await Promise.resolve();
    }
  }
}
