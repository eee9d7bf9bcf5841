import type { Input } from '../input.ts';

/** How the two sides of a session hand over what happened on them. */
export interface Turns {
  /** An event of a socket: delivers `input`, if there is one, and everything that can follow now. */
  turn(input: Input | undefined): void;
  /** In the midst of an effect: `input` is delivered after it. */
  queue(input: Input): void;
}
