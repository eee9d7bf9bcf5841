import type { Scene, SourceDetector } from '../detector.ts';
import { DEFER, REFUSE, SLOW } from '../ladder.ts';

/** A session counts as held when it stood nearly still for so long inside a mail transaction, milliseconds. */
export const HELD_MS = 120_000;
/** And when it sent its message within this time of standing still, milliseconds. */
export const RELEASE_MS = 60_000;
/** A message that was held back: 0.02 of an honest client's, 0.6 of theirs (ln 30). */
const RELEASED = 3481;
/** One that was not (ln of 0.98 over 0.4). */
const PROMPT = -918;

/** Sessions that are held open with their mail ready, and all let go at once: so that the server behind breaks, or others do. */
export const heldSessionRelease: SourceDetector = {
  id: 'held-session-release',
  version: 1,
  shape: {
    slotCount: 16_384,
    halfLifeMs: 21_600_000,
    thresholds: [
      { score: 6656, rung: SLOW },
      { score: 10_240, rung: DEFER },
      { score: 17_408, rung: REFUSE },
    ],
  },
  reason: 'held sessions open with mail ready, and let them go together',
  description: {
    sees: 'Mail that was accepted after its session had stood nearly still for two minutes inside a mail transaction; where many of them end within two seconds, from whatever sources, the site says so too.',
    formula:
      'Cumulative sum, half-life 6 h: +3.4 for a message that was held back (0.02 against 0.6), -0.9 for one that was not. Slow at 6.5 (two), defer at 10 (three), refuse at 17 (five).',
    sources:
      'The measurements of CoordMail: a thousand sessions, released together, made servers send thirty thousand times their share.',
    evades:
      'Holding for less than two minutes; then a thousand slots are needed for as long, which the stress state sees.',
    lookalikes: 'A person who types SMTP by hand: one session. A slow satellite client: it moves.',
  },
  see(event, scene) {
    if (event.type !== 'mail' || event.outcome !== 'accepted') return;
    const heldMs = heldFor(scene);
    if (heldMs >= HELD_MS) scene.weigh(RELEASED, 'released-together');
    else scene.weigh(PROMPT, 'mail-accepted');
  },
};

/** How long the session of a message had stood nearly still just before, milliseconds. */
export function heldFor({ session, seen }: Pick<Scene, 'session' | 'seen'>): number {
  if (session === undefined || session.stillSinceMs === 0) return 0;
  return seen.atMs - session.stillAtMs > RELEASE_MS ? 0 : seen.atMs - session.stillSinceMs;
}
