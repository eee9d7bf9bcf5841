import type { SourceDetector } from '../detector.ts';
import { DEFER, REFUSE, SLOW } from '../ladder.ts';

/** Commands for one message that an honest client never needs besides those that carry it. */
const IDLE_COMMANDS = 20;
/** Every so many of them (ln 10). */
const IDLE = 2358;
/** A limit of the gate ended the session (ln 30). */
const LIMIT_REACHED = 3481;
const MESSAGE = -1125;

/** Commands without end and without mail: NOOP, RSET, HELO, VRFY in a loop. */
export const commandFlood: SourceDetector = {
  id: 'command-flood',
  version: 1,
  shape: {
    slotCount: 32_768,
    halfLifeMs: 86_400_000,
    thresholds: [
      { score: 4608, rung: SLOW },
      { score: 9421, rung: DEFER },
      { score: 14_131, rung: REFUSE },
    ],
  },
  reason: 'sent commands without end and no mail',
  description: {
    sees: 'Commands of a session outside a message, and sessions ended by junk.limit or errors.limit.',
    formula:
      'Cumulative sum, half-life 24 h: +2.3 for every 20 commands without a message between them, +3.4 for a session that junk.limit or errors.limit ended, -1.1 for an accepted message. Slow at 4.5, defer at 9.2, refuse at 13.8.',
    sources:
      'Postfix allows 100 junk commands (1 under stress), Exim 10 that are not mail, Exchange 5 protocol errors.',
    evades: 'Fewer than 20 commands a session, and a new session each time: connection-flood.',
    lookalikes: 'A client that sends NOOP to keep its session: one every few minutes, and mail in between.',
  },
  see(event, scene) {
    if (event.type === 'command') {
      const count = scene.session?.idleCount ?? 0;
      if (count > 0 && count % IDLE_COMMANDS === 0) scene.weigh(IDLE, 'idle-commands');
    } else if (event.type === 'session-closed' && (event.rule === 'junk.limit' || event.rule === 'errors.limit')) {
      scene.weigh(LIMIT_REACHED, 'limit-reached');
    } else if (event.type === 'mail' && event.outcome === 'accepted') scene.weigh(MESSAGE, 'mail-accepted');
  },
};
