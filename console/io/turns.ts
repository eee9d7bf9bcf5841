/** Does a few things at once; a few more wait for their turn, and the rest is refused. */
export class Turns {
  private readonly atOnceMax: number;
  private readonly waitingMax: number;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(limits: { readonly atOnceMax: number; readonly waitingMax: number }) {
    this.atOnceMax = limits.atOnceMax;
    this.waitingMax = limits.waitingMax;
  }

  /** @returns Undefined where too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.running >= this.atOnceMax) {
      if (this.waiting.length >= this.waitingMax) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.waiting.push(resolve);
      await promise;
    } else this.running += 1;
    try {
      return await work();
    } finally {
      // The place goes to the next one, or is free.
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
