import type { EventByType } from '../../events/event.ts';
import type { Scene, SourceDetector } from '../detector.ts';
import { DEFER, REFUSE, SLOW } from '../ladder.ts';
import { isStill } from '../still.ts';

/** A session ended by a deadline: 0.05 of honest sessions, 0.8 of those that only hold a slot (ln 16). */
const DEADLINE_MISSED = 2839;
/** A session that stands still: once more every 30 s, little each time. */
const STANDS_STILL = 512;
/** The same where slots are getting short. */
const STANDS_STILL_IN_NEED = 1536;
/** A message that came through (ln of 0.95 over 0.2). */
const MESSAGE = -1595;
/** Share of the slots in use from which on a slot is worth something. */
const SLOTS_SHORT = 0.6;

/** Sessions that hold a slot and do nothing with it, or next to nothing. */
export const slowSession: SourceDetector = {
  id: 'slow-session',
  version: 1,
  shape: {
    slotCount: 32_768,
    halfLifeMs: 3_686_400,
    thresholds: [
      { score: 7066, rung: SLOW },
      { score: 9421, rung: DEFER },
      { score: 18_842, rung: REFUSE },
    ],
  },
  reason: 'held sessions open without sending mail',
  description: {
    sees: 'Sessions that stand still or send a body below 500 octets a second (session-progress, every 30 s), and sessions that a deadline of the gate ended.',
    formula:
      'Cumulative sum, half-life about an hour: +2.8 for a session that a deadline ended (0.05 against 0.8), +0.5 for every 30 s of standing still, +1.5 while more than 60 % of the slots are in use, -1.6 for a message that was accepted. Slow at 6.9, defer at 9.2, refuse at 18.4.',
    sources: 'Postfix: least data rate 500 octets a second, timeouts of 300 s, 10 s under stress.',
    evades:
      'One slot a source from many sources: the stress state of the site sees those, and favours who has history.',
    lookalikes: 'A client behind a satellite at 2 KB/s, a large attachment: both move faster than the bound.',
  },
  see(event, scene) {
    if (event.type === 'session-progress') seeProgress(event, scene);
    else if (event.type === 'session-closed' && event.rule?.startsWith('deadline.') === true) {
      scene.weigh(DEADLINE_MISSED, 'deadline-missed');
    } else if (event.type === 'mail' && event.outcome === 'accepted') scene.weigh(MESSAGE, 'mail-accepted');
  },
};

function seeProgress(event: EventByType<'session-progress'>, scene: Scene): void {
  if (!isStill(event)) return;
  scene.weigh(event.slotsUsed > SLOTS_SHORT ? STANDS_STILL_IN_NEED : STANDS_STILL, 'stands-still');
}
