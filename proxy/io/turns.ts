import type { Input } from '../input.ts';

/** How the two sides of a session hand over what happened on them. */
export interface Turns {
  /** An event of a socket: delivers `input`, if there is one, and everything that can follow now. */
  turn(input: Input | undefined): void;
  /** Octets came, or their end; `waiting` of them are not looked at yet. They may be served together with other sessions. */
  came(waiting: number): void;
  /** In the midst of an effect: `input` is delivered after it. */
  queue(input: Input): void;
}
