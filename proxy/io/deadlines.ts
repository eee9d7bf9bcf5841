import { type TimerName, timerNames } from '../input.ts';
import type { Clock, TimerHandle, Wakeable } from './clock.ts';

/** Longest time a Node timer can run; a later deadline is armed again when this has passed. */
export const TIMER_MS_MAX = 2_147_483_647;
/** A timer of Node may fire this much early, since it rounds to milliseconds. */
const EARLY_US_MAX = 1000;

const NEVER = Number.POSITIVE_INFINITY;
const indexOf: ReadonlyMap<TimerName, number> = new Map(timerNames.map((name, index) => [name, index]));

/**
 * The deadlines of one session on one timer. Most deadlines are cleared or moved before they pass, so the timer is armed for
 * the earliest deadline ever set and looks again when it fires: setting and clearing cost an assignment.
 */
export class Deadlines implements Wakeable {
  private readonly clock: Clock;
  private readonly target: Wakeable;
  /** Monotonic microseconds, by index of `timerNames`. */
  private readonly dueUs: number[] = timerNames.map(() => NEVER);
  private armedUs = NEVER;
  private handle: TimerHandle | undefined;

  /** `target` is woken when a deadline may have passed; it then asks `takeDue`. */
  constructor(clock: Clock, target: Wakeable) {
    this.clock = clock;
    this.target = target;
  }

  set(name: TimerName, afterMs: number, nowUs: number): void {
    const index = indexOf.get(name);
    if (index === undefined) return;
    const dueUs = nowUs + afterMs * 1000;
    this.dueUs[index] = dueUs;
    if (dueUs < this.armedUs) this.arm(dueUs, nowUs);
  }

  clear(name: TimerName): void {
    const index = indexOf.get(name);
    if (index !== undefined) this.dueUs[index] = NEVER;
  }

  /** Removes and names the earliest deadline that has passed; arms the timer for the next one when there is none. */
  takeDue(nowUs: number): TimerName | undefined {
    let earliest = 0;
    for (let index = 1; index < this.dueUs.length; index += 1) {
      if (this.at(index) < this.at(earliest)) earliest = index;
    }
    const dueUs = this.at(earliest);
    if (dueUs - nowUs <= EARLY_US_MAX) {
      this.dueUs[earliest] = NEVER;
      return timerNames[earliest];
    }
    if (dueUs < this.armedUs) this.arm(dueUs, nowUs);
    return undefined;
  }

  wake(): void {
    this.handle = undefined;
    this.armedUs = NEVER;
    this.target.wake();
  }

  /** Stops for good. */
  dispose(): void {
    this.dueUs.fill(NEVER);
    this.disarm();
  }

  private at(index: number): number {
    return this.dueUs[index] ?? NEVER;
  }

  private arm(dueUs: number, nowUs: number): void {
    this.disarm();
    this.armedUs = dueUs;
    const afterMs = Math.min(Math.max(1, Math.ceil((dueUs - nowUs) / 1000)), TIMER_MS_MAX);
    this.handle = this.clock.setTimer(afterMs, this);
  }

  private disarm(): void {
    if (this.handle !== undefined) this.clock.clearTimer(this.handle);
    this.handle = undefined;
    this.armedUs = NEVER;
  }
}
