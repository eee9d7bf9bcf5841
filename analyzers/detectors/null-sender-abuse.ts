import type { EventByType } from '../../events/event.ts';
import type { Scene, SourceDetector } from '../detector.ts';
import { DEFER, SLOW } from '../ladder.ts';
import { recipientAnswer } from '../recipient-answer.ts';

/** An unknown recipient of a bounce, for the first time (ln 3: 0.3 of honest servers' first contacts, 0.9 of a harvester's). */
const UNKNOWN = 1125;
/** A known one (ln 7). */
const KNOWN = -1993;
/** A second recipient in one transaction: a bounce goes to the one it came from (RFC 5321 section 4.5.5). */
const MANY = 3072;

/** Harvesting in the dress of bounces and callouts: null reverse-paths to addresses that do not exist. */
export const nullSenderAbuse: SourceDetector = {
  id: 'null-sender-abuse',
  version: 1,
  shape: {
    slotCount: 32_768,
    halfLifeMs: 3_686_400,
    thresholds: [
      { score: 9421, rung: SLOW },
      { score: 22_528, rung: DEFER },
    ],
  },
  rungMax: DEFER,
  reason: 'asked for many addresses that do not exist, with a null reverse-path',
  description: {
    sees: 'RCPT under a null reverse-path: unknown, known, or one of several in a transaction. An unknown one counts once a week, a known one once a day.',
    formula:
      'Cumulative sum, half-life about an hour: +1.10 for an unknown recipient (0.3 against 0.9), -1.95 for a known one, +3 for every recipient of one transaction beyond the first. Slow at 9.2 (nine unknown within the hour), defer at 22 (twenty-one). Never refused.',
    sources:
      'Harvest profile for shared sources; the hour is what tells a harvester from a server that bounces forged mail: 8,000 servers with 100,000 bounces in six hours send about two an hour each.',
    evades: 'Fewer than nine guesses an hour from one source.',
    lookalikes:
      'Real servers that bounce mail forged in our name (bounce-flood sees those, for the domain): few an hour each, or a provider. Callouts that verify addresses of ours: known recipients.',
  },
  see(event, scene) {
    if (event.type !== 'command' || event.verb !== 'RCPT' || scene.session?.nullReversePath !== true) return;
    if (!scene.session.authenticated) seeRecipient(event, scene, scene.session.forwardPathCount);
  },
};

function seeRecipient(event: EventByType<'command'>, scene: Scene, forwardPathCount: number): void {
  const { forwardPath } = event;
  const answer = recipientAnswer(event);
  if (forwardPath === undefined || answer === 'neither') return;
  if (answer === 'known' && scene.isFirstToday(forwardPath)) scene.weigh(KNOWN, 'null-sender-known');
  if (!scene.isFirstContact(forwardPath)) return;
  if (forwardPathCount > 1) scene.weigh(MANY, 'null-sender-many', forwardPath);
  if (answer === 'unknown') scene.weigh(UNKNOWN, 'null-sender-unknown', forwardPath);
}
