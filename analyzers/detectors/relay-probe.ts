import type { EventByType } from '../../events/event.ts';
import type { Scene, SourceDetector } from '../detector.ts';
import { REFUSE, SLOW } from '../ladder.ts';
import { recipientAnswer } from '../recipient-answer.ts';
import { relayRefusal } from '../relay-refusal.ts';

/** First contact with a foreign domain: 0.01 of honest strangers' domains are foreign, 0.9 of a prober's (ln 90). */
const FOREIGN = 4608;
/** First contact with a recipient of ours (ln of 0.99 over 0.1). */
const OWN = -2348;
/** `%`, `!`, a quoted `@`, a source route: nobody writes that by accident. */
const ROUTING = 7066;

/** Open-relay probes: forward-paths of foreign domains by somebody who has not shown who he is. */
export const relayProbe: SourceDetector = {
  id: 'relay-probe',
  version: 2,
  shape: {
    slotCount: 32_768,
    halfLifeMs: 259_200_000,
    thresholds: [
      { score: 4506, rung: SLOW },
      { score: 7066, rung: REFUSE },
    ],
  },
  reason: 'tried to send mail through this server to foreign domains',
  description: {
    sees: 'RCPT refused by relay.denied or relay.routing; each foreign domain counts once a week for a source.',
    formula:
      'Cumulative sum of log-likelihood ratios, half-life 72 h: +4.5 for a first foreign domain (0.01 against 0.9), +6.9 for a forward-path that reroutes, -2.3 for a recipient of ours, once a day. Slow at 4.4 (one probe), refuse at 6.9 (two, or one that reroutes).',
    sources:
      'Rates from published rules: CrowdSec bans on the second attempt in ten minutes, Wazuh on the sixth to eighth in 90 s.',
    evades: 'One probe a source: then many sources probe for the same mailbox, which is seen for the site.',
    lookalikes:
      'A printer or program without AUTH: the same domain again counts nothing, so it is slowed once and never refused. A stale MX record after a domain moved: many senders, one domain; each that never sent mail here is slowed once, and forgotten-domain tells of it.',
  },
  see(event, scene) {
    if (event.type !== 'command' || event.verb !== 'RCPT' || event.forwardPath === undefined) return;
    if (scene.session?.authenticated === true) return;
    seeForwardPath(event, event.forwardPath, scene);
  },
};

function seeForwardPath(event: EventByType<'command'>, forwardPath: string, scene: Scene): void {
  const domain = forwardPath.slice(forwardPath.lastIndexOf('@') + 1).toLowerCase();
  switch (relayRefusal(event)) {
    case 'relay.routing':
      if (scene.isFirstContact(forwardPath)) scene.weigh(ROUTING, 'relay-syntax', forwardPath);
      return;
    case 'relay.denied':
      if (scene.isFirstContact(domain)) scene.weigh(FOREIGN, 'foreign-domain', domain);
      return;
    default:
      if (recipientAnswer(event) === 'known' && scene.isFirstToday(forwardPath)) scene.weigh(OWN, 'known-recipient');
  }
}
