/** A clock that only a test moves, and what is due on it. */
export class FakeClock {
  nowMs = 0;
  #sequence = 0;
  readonly #due = new Map<string, { readonly atMs: number; readonly order: number; readonly run: () => void }>();

  /** Sets (or resets) the named alarm. */
  set(name: string, afterMs: number, run: () => void): void {
    this.#sequence += 1;
    this.#due.set(name, { atMs: this.nowMs + afterMs, order: this.#sequence, run });
  }

  clear(name: string): void {
    this.#due.delete(name);
  }

  clearAll(): void {
    this.#due.clear();
  }

  /** Names of the alarms that are set. */
  get names(): readonly string[] {
    return [...this.#due.keys()];
  }

  /** Runs the next alarm that is due at or before `untilMs`; false when there is none. */
  runNext(untilMs: number): boolean {
    const next = [...this.#due].toSorted(([, a], [, b]) => a.atMs - b.atMs || a.order - b.order)[0];
    if (next === undefined || next[1].atMs > untilMs) return false;
    this.#due.delete(next[0]);
    this.nowMs = Math.max(this.nowMs, next[1].atMs);
    next[1].run();
    return true;
  }

  /** Moves the time, running what falls due on the way. */
  advance(byMs: number): void {
    const untilMs = this.nowMs + byMs;
    while (this.runNext(untilMs));
    this.nowMs = untilMs;
  }
}
