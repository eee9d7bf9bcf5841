/** A wait is told of when it is longer than this, milliseconds, and again after each such time. */
const FIRST_AFTER_MS = 1000;
const AGAIN_AFTER_MS = 250;

/** One line on stderr that says how far long work is; nothing where nobody looks, or the work is short. */
export class Progress implements Disposable {
  private readonly what: string;
  private readonly begunMs = performance.now();
  private shownMs = 0;
  private total = 0;
  private done = 0;

  constructor(what: string) {
    this.what = what;
  }

  /** More of it is to come. */
  expect(count: number): void {
    this.total += count;
  }

  advance(count: number): void {
    this.done += count;
    const nowMs = performance.now();
    if (!process.stderr.isTTY || nowMs - this.begunMs < FIRST_AFTER_MS || nowMs - this.shownMs < AGAIN_AFTER_MS) return;
    this.shownMs = nowMs;
    const share = this.total === 0 ? 0 : Math.min(1, this.done / this.total);
    const leftS = share === 0 ? 0 : ((nowMs - this.begunMs) * (1 - share)) / share / 1000;
    process.stderr.write(`\r${this.what}: ${Math.floor(share * 100)} %, ${Math.ceil(leftS)} s left   `);
  }

  [Symbol.dispose](): void {
    if (this.shownMs > 0) process.stderr.write('\r\u001b[K');
  }
}
