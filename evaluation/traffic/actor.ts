import type { MailEvent } from '../../events/event.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Somebody who opens sessions. */
export interface Label {
  /** `A1` to `A34`, `B1` to `B27`, or `background`. */
  readonly scenario: string;
  /** What he does is an attack. */
  readonly isAttack: boolean;
}

/** One session, as its caller wants it to go. */
export interface Planned {
  readonly atMs: number;
  readonly ip: string;
  readonly label: Label;
  /** Legitimate messages in it. */
  readonly messageCount: number;
  /** Its events, when its time has come. */
  readonly play: () => readonly MailEvent[];
}

/** Sessions of one actor, in the order of time. */
export type Actor = (world: World, random: Random) => Generator<Planned>;

/** What is documented of a scenario, and who plays it. */
export interface TrafficScenario {
  readonly id: string;
  readonly title: string;
  readonly isAttack: boolean;
  /** Sites that are large enough for it. */
  readonly sizes: readonly ('S' | 'M' | 'L')[];
  readonly actors: (world: World) => readonly Actor[];
}
