import type { Role } from '../../events/event.ts';
import type { Actor, Label, Planned } from './actor.ts';
import { Random } from './random.ts';
import { SessionScript } from './session-script.ts';
import type { World } from './world.ts';

/** How an actor's sessions come. */
export interface Habit {
  readonly scenario: string;
  readonly isAttack?: boolean;
  readonly role?: Role;
  /** Milliseconds from the start of the run, or of the attacks. */
  readonly fromMs?: number;
  /** Sessions, at most. */
  readonly count?: number;
  /** How long it goes on, milliseconds; default: to the end. */
  readonly forMs?: number;
  /** Time to the next session, milliseconds. */
  readonly gapMs: (random: Random, atMs: number) => number;
  readonly ip: string | ((random: Random, index: number) => string);
  /** Legitimate messages a session. */
  readonly messageCount?: number;
  readonly heloName?: string;
  readonly play: (session: SessionScript, random: Random, index: number) => SessionScript | undefined;
}

/** An actor of a habit. Sessions that `play` leaves open are ended by QUIT. */
export function actorOf(habit: Habit): Actor {
  const { scenario, isAttack = scenario.startsWith('A'), role = 'mx', messageCount = 0 } = habit;
  const label: Label = { scenario, isAttack };
  return function* (world: World, random: Random): Generator<Planned> {
    const { startMs, attacksMs, endMs } = world.span;
    const beginMs = (isAttack ? attacksMs : startMs) + (habit.fromMs ?? 0);
    const untilMs = Math.min(endMs, habit.forMs === undefined ? endMs : beginMs + habit.forMs);
    let atMs = beginMs + habit.gapMs(random, beginMs) * random.fraction();
    for (let index = 0; index < (habit.count ?? Number.POSITIVE_INFINITY) && atMs < untilMs; index += 1) {
      const ip = typeof habit.ip === 'string' ? habit.ip : habit.ip(random, index);
      const openedMs = Math.floor(atMs);
      const seed = random.word();
      const number = index;
      yield {
        atMs: openedMs,
        ip,
        label,
        messageCount,
        play: () => {
          const own = new Random(seed);
          const heloName = habit.heloName ?? 'mail.example.net';
          const session = new SessionScript({ ip, atMs: openedMs, role, heloName }, own);
          const left = habit.play(session, own, number);
          return left === undefined ? session.events : left.quit();
        },
      };
      atMs += Math.max(1, habit.gapMs(random, atMs));
    }
  };
}
