import type { SourceDetector } from '../detector.ts';
import { DEFER } from '../ladder.ts';

/** No mail server talks before it is greeted (RFC 5321 section 4.3.1): one event decides. */
const EARLY = 7066;
const MESSAGE = -1420;

/** Programs that do not wait for the greeting. */
export const earlyTalker: SourceDetector = {
  id: 'early-talker',
  version: 1,
  shape: { slotCount: 32_768, halfLifeMs: 86_400_000, thresholds: [{ score: 7066, rung: DEFER }] },
  reason: 'talked before it was greeted',
  description: {
    sees: 'The anomaly early-talker of the gate, which holds its greeting for strangers.',
    formula:
      '+6.9 for each; -1.4 for an accepted message. Half-life 24 h. Defer at 6.9, and one rung more each time it comes again.',
    sources:
      'postscreen and sendmail: of 3200 connections a day that a pause of 5 s refused, four looked genuine, and those had had a virus.',
    evades: 'Waiting.',
    lookalikes:
      'Probes of a load balancer: put it on the never-list or among the trusted networks. Sources with history are not held up.',
  },
  see(event, scene) {
    if (event.type === 'anomaly' && event.kind === 'early-talker') scene.weigh(EARLY, 'early-talk');
    else if (event.type === 'mail' && event.outcome === 'accepted') scene.weigh(MESSAGE, 'mail-accepted');
  },
};
