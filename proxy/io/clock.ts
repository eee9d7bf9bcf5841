/** Something that a timer wakes. An object instead of a closure, because there are thousands of them. */
export interface Wakeable {
  wake(): void;
}

/** What a clock gave for a running timer; only the clock that made it can read it. */
export type TimerHandle = object;

/** Time as the shell sees it; tests bring their own. */
export interface Clock {
  /** Integer milliseconds since 1970-01-01 UTC: for events. */
  wallMs(): number;
  /** Monotonic, integer microseconds: for durations and deadlines. */
  monotonicUs(): number;
  /** Wakes `target` once, `afterMs` milliseconds from now. */
  setTimer(afterMs: number, target: Wakeable): TimerHandle;
  clearTimer(handle: TimerHandle): void;
}

const wake = (target: Wakeable): void => target.wake();

/** The clock of this machine. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicUs: () => Math.round(performance.now() * 1000),
  setTimer: (afterMs, target) => setTimeout(wake, afterMs, target),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
};
