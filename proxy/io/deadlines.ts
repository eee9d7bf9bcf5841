import type { TimerName } from '../input.ts';
import type { Clock, TimerHandle, Wakeable } from './clock.ts';

/** Longest time a Node timer can run; a later deadline is armed again when this has passed. */
export const TIMER_MS_MAX = 2_147_483_647;
/** A timer of Node may fire this much early, since it rounds to milliseconds. */
const EARLY_US_MAX = 1000;

const NEVER = Number.POSITIVE_INFINITY;

/**
 * The deadlines of one session on one timer. Most deadlines are cleared or moved before they pass, so the timer is armed for
 * the earliest deadline ever set and looks again when it fires: setting and clearing cost an assignment.
 */
export class Deadlines implements Wakeable {
  private readonly clock: Clock;
  private readonly target: Wakeable;
  /** Those that run; a handful at once. */
  private readonly names: TimerName[] = [];
  /** When each of them is due, monotonic microseconds. */
  private readonly dueUs: number[] = [];
  private armedUs = NEVER;
  private handle: TimerHandle | undefined;

  /** `target` is woken when a deadline may have passed; it then asks `takeDue`. */
  constructor(clock: Clock, target: Wakeable) {
    this.clock = clock;
    this.target = target;
  }

  /** Sets or moves a deadline. It runs once `arm` was called. */
  set(name: TimerName, afterMs: number, nowUs: number): void {
    const index = this.names.indexOf(name);
    const dueUs = nowUs + afterMs * 1000;
    if (index === -1) {
      this.names.push(name);
      this.dueUs.push(dueUs);
    } else this.dueUs[index] = dueUs;
  }

  clear(name: TimerName): void {
    const index = this.names.indexOf(name);
    if (index !== -1) this.remove(index);
  }

  /** Removes and names the earliest deadline that has passed. */
  takeDue(nowUs: number): TimerName | undefined {
    const earliest = this.earliest();
    const name = this.names[earliest];
    if (name === undefined || this.at(earliest) - nowUs > EARLY_US_MAX) return undefined;
    this.remove(earliest);
    return name;
  }

  /** Sees to it that the timer fires no later than the earliest deadline. */
  arm(nowUs: number): void {
    const dueUs = this.at(this.earliest());
    if (dueUs >= this.armedUs) return;
    this.disarm();
    this.armedUs = dueUs;
    const afterMs = Math.min(Math.max(1, Math.ceil((dueUs - nowUs) / 1000)), TIMER_MS_MAX);
    this.handle = this.clock.setTimer(afterMs, this);
  }

  wake(): void {
    this.handle = undefined;
    this.armedUs = NEVER;
    this.target.wake();
  }

  /** Stops for good. */
  dispose(): void {
    this.names.length = 0;
    this.dueUs.length = 0;
    this.disarm();
  }

  private at(index: number): number {
    return this.dueUs[index] ?? NEVER;
  }

  private earliest(): number {
    let earliest = 0;
    for (let index = 1; index < this.dueUs.length; index += 1) {
      if (this.at(index) < this.at(earliest)) earliest = index;
    }
    return earliest;
  }

  private remove(index: number): void {
    const name = this.names.pop();
    const dueUs = this.dueUs.pop();
    if (name === undefined || dueUs === undefined || index === this.names.length) return;
    this.names[index] = name;
    this.dueUs[index] = dueUs;
  }

  private disarm(): void {
    if (this.handle !== undefined) this.clock.clearTimer(this.handle);
    this.handle = undefined;
    this.armedUs = NEVER;
  }
}
