import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../lib/message-of.ts';
import { Actor, type Stage } from './actor.ts';
import { scenes } from './scenes.ts';
import { type Act, acts, story } from './story.ts';

/** Longest time of one line of the story, milliseconds: then its actor hangs up. The shipped deadlines are longer than those of the demo. */
export const SCENE_MS_MAX = 90_000;
/** Between two rounds, milliseconds. */
export const ROUND_PAUSE_MS = 20_000;

export interface Traffic {
  readonly stage: Stage;
  /** Rounds of the story. Default: until `signal` aborts. */
  readonly rounds?: number;
  /** Hears of each line of the story when it is over; `fault` is what went wrong with its actor. */
  readonly told: (id: string, source: string, fault: string | undefined) => void;
}

/**
 * Plays the story against a gate elsewhere, round after round, and judges nothing. What is told to the server behind itself is left
 * out.
 */
export async function playTraffic({ stage, rounds = Number.POSITIVE_INFINITY, told }: Traffic, signal: AbortSignal) {
  for (let round = 0; round < rounds && !signal.aborted; round += 1) {
    if (round > 0) await sleep(ROUND_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    for (const act of Object.keys(acts) as Act[]) {
      const lines = story.filter((line) => line.act === act && line.door !== 'server behind');
      await Promise.all(
        lines.map(async ({ id, source, door }) => {
          if (!signal.aborted) told(id, source, await playScene(scenes[id], new Actor(source, door, stage), signal));
        }),
      );
    }
  }
}

/** @returns What went wrong, in one line. */
async function playScene(
  scene: (actor: Actor) => Promise<void>,
  actor: Actor,
  signal: AbortSignal,
): Promise<string | undefined> {
  const leave = (): void => actor.leave();
  const late = setTimeout(leave, SCENE_MS_MAX);
  signal.addEventListener('abort', leave);
  try {
    await scene(actor);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', leave);
    leave();
  }
}
