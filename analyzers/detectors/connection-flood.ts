import type { Scene, SourceDetector } from '../detector.ts';
import { DEFER, REFUSE, SLOW } from '../ladder.ts';
import type { Deed } from '../ledger.ts';
import type { Standing } from '../scene.ts';

/** What one connection weighs: those with history may open four times as many, a provider sixteen times. */
const weights: Readonly<Record<Standing, number>> = { stranger: 1024, 'with-history': 256, provider: 64 };
/** A message that was accepted: what came with mail came for a reason. A quarter stays. */
const MESSAGE = -0.75;
/** Connections refused by a limit come counted; more than so many at once say nothing more. */
const COUNTED_MAX = 1000;

/** A source that opens connections much faster than any mail server does. */
export const connectionFlood: SourceDetector = {
  id: 'connection-flood',
  version: 2,
  shape: {
    slotCount: 32_768,
    // A bucket that leaks: half in about 20 s.
    halfLifeMs: 20_480,
    thresholds: [
      { score: 40_960, rung: SLOW },
      { score: 102_400, rung: DEFER },
      { score: 204_800, rung: REFUSE },
    ],
  },
  reason: 'opened connections faster than mail servers do',
  description: {
    sees: 'Connections of a source, those refused by limits and blocklist among them.',
    formula:
      'A count that is halved every 20 s: slow at 40 (1.4 connections a second for long, or 40 at once), defer at 100, refuse at 200 (7 a second). A connection of a source with history weighs a quarter, of a provider a sixteenth. A message that is accepted takes three quarters of a connection back.',
    sources:
      'Postfix allows 50 connections at once of 100 processes, Exchange 20 a source, one host 50 in five minutes; the hard limits of the gate act before this.',
    evades: 'Many sources with few connections each: the stress state of the site sees those.',
    lookalikes:
      'A backup MX that empties its queue, a list server after an outage: with history, deferred at most. Monitoring that connects once a minute is far below.',
  },
  see(event, scene) {
    if (event.type === 'session-opened') weigh(scene, 1, 'connections');
    else if (event.type === 'mail' && event.outcome === 'accepted') weigh(scene, MESSAGE, 'mail-accepted');
    else if (event.type === 'refusals') weigh(scene, Math.min(event.count, COUNTED_MAX), 'connections');
  },
};

const weigh = (scene: Scene, count: number, what: Deed): void =>
  scene.weigh(count * weights[scene.source.standing], what);
