import type { Clock, TimerHandle, Wakeable } from '../../proxy/io/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly target: Wakeable;
}

/** A clock that moves when the test says so. */
export class ManualClock implements Clock {
  nowMs = 1_750_000_000_000;
  readonly timers = new Set<Timer>();
  /** Timers ever set. */
  timerCount = 0;

  wallMs(): number {
    return this.nowMs;
  }

  monotonicUs(): number {
    return (this.nowMs - 1_750_000_000_000) * 1000;
  }

  setTimer(afterMs: number, target: Wakeable): TimerHandle {
    const timer = { dueMs: this.nowMs + afterMs, target };
    this.timers.add(timer);
    this.timerCount += 1;
    return timer;
  }

  clearTimer(handle: TimerHandle): void {
    this.timers.delete(handle as Timer);
  }

  /** Moves on, waking what falls due on the way, in order. */
  advance(byMs: number): void {
    const endMs = this.nowMs + byMs;
    for (;;) {
      const [next] = [...this.timers].filter((timer) => timer.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      next.target.wake();
    }
    this.nowMs = endMs;
  }
}
