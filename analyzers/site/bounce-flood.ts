import { z } from 'zod';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { SLOW } from '../ladder.ts';
import { rolesOf } from '../scene.ts';
import { newRate, type RateShape, type RateState, rateState, seeEvent } from './rate-watch.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';

/** Domains whose bounces are counted, at most. */
export const DOMAINS_MAX = 4096;
/** How long a domain verifies bounces, milliseconds: 6 hours, extended while it goes on. */
const LASTS_MS = 21_600_000;

/** Two an hour are nothing, 200 a day are a flood of a small site. */
const rate: RateShape = { leastPerHour: 2, slack: 2.164, threshold: 12 };

const kept = z.array(z.tuple([z.string(), z.object({ rate: rateState, untilMs: z.number() })]));

/** Bounces of mail that was forged in the name of a domain of ours. Never the servers that bounce: they do what they should. */
export const bounceFlood: SiteDetector = {
  id: 'bounce-flood',
  version: 2,
  description: {
    sees: 'Null reverse-paths to unknown forward-paths of a domain, from whatever source.',
    formula:
      'By domain: a cumulative sum against what is usual at this hour (2 an hour at least), threshold 12. The domain then verifies bounces for 6 hours, longer while bounces to unknown addresses go on to be refused (those that are deferred say nothing, and the flood is found again when it ends): a bounce to an address that sent no mail waits, or is refused where all outgoing mail passes the gate (rule `bounce.unverified`). No source is decided about.',
    sources:
      'Postfix calls a flood of "user unknown" from <> the sign of backscatter. At 60 an hour it takes a quarter of an hour, at 360 two minutes, at 200 a day three hours; a steady two an hour reach the threshold less than once in centuries (bound e^h of the cumulative sum).',
    evades: 'Fewer than a hundred bounces a day. Forged addresses that exist: their bounces are known recipients.',
    lookalikes: 'Bounces of a real mailing to dead addresses go to the address that sent it, which is known.',
  },
  begin: () => new Domains(),
};

class Domains implements SiteState {
  private readonly domains = new BoundedMap<string, { rate: RateState; untilMs: number }>(DOMAINS_MAX);

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type !== 'bounce-seen' || evidence.known) return;
    const { domain, at } = evidence;
    const state = this.domains.get(domain) ?? { rate: newRate(at), untilMs: 0 };
    this.domains.set(domain, state);
    if (!seeEvent(state.rate, rate, at) || at < state.untilMs - LASTS_MS / 2) return;
    state.untilMs = at + LASTS_MS;
    const text = `bounces flood ${domain}: its name was forged`;
    scene.alert({ kind: 'bounce-flood', subject: domain, text });
    scene.decide({
      scope: 'domain',
      value: domain,
      roles: [...rolesOf('mx')],
      action: 'verify-bounces',
      level: SLOW,
      lastsMs: LASTS_MS,
      facts: { sum: Math.round(state.rate.score) },
      reason: text,
    });
  }

  toJson(): unknown {
    return [...this.domains.entries()];
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    for (const [domain, state] of data ?? []) this.domains.set(domain, state);
    return data !== undefined;
  }
}
