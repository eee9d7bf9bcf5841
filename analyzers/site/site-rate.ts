import { z } from 'zod';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { SLOW } from '../ladder.ts';
import { type RoleGroup, rolesOf } from '../scene.ts';
import { newRate, type RateShape, type RateState, rateState, seeEvent } from './rate-watch.ts';
import type { Alert, SiteDetector, SiteScene, SiteState } from './site-detector.ts';

const kept = z.object({ rate: rateState.optional(), untilMs: z.number() });

/** What makes the site go into the stress state. */
export interface StressCause {
  readonly rate: RateShape;
  readonly group: RoleGroup;
  /** How long it lasts, milliseconds; it is extended while it goes on. */
  readonly lastsMs: number;
  readonly reason: string;
  readonly kind: Alert['kind'];
  /** How many of them a piece of evidence tells of; 0: it is about something else. */
  countOf(evidence: EvidenceEvent): number;
}

/** A site-wide rate of something that strangers do; while it is far above what is usual, strangers are treated with caution. */
export class SiteRate implements SiteState {
  private readonly cause: StressCause;
  private rate: RateState | undefined;
  private untilMs = 0;

  constructor(cause: StressCause) {
    this.cause = cause;
  }

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    const { cause } = this;
    const count = cause.countOf(evidence);
    if (count === 0) return;
    this.rate ??= newRate(evidence.at);
    if (!seeEvent(this.rate, cause.rate, evidence.at, count) || evidence.at < this.untilMs - cause.lastsMs / 2) return;
    this.untilMs = evidence.at + cause.lastsMs;
    scene.alert({ kind: cause.kind, subject: cause.reason, text: cause.reason });
    scene.decide({
      scope: 'site',
      value: scene.site,
      roles: [...rolesOf(cause.group)],
      action: 'stress',
      level: SLOW,
      lastsMs: cause.lastsMs,
      facts: { sum: Math.round(this.rate.score) },
      reason: cause.reason,
    });
  }

  toJson(): unknown {
    return { untilMs: this.untilMs, ...(this.rate === undefined ? {} : { rate: this.rate }) };
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    if (data === undefined) return false;
    this.untilMs = data.untilMs;
    this.rate = data.rate;
    return true;
  }
}

const HOUR_MS = 3_600_000;

/** Guesses of addresses, one or two a source, from many sources. */
export const harvestCampaign: SiteDetector = {
  id: 'recipient-harvest',
  version: 1,
  description: {
    sees: 'Unknown forward-paths that strangers ask for, whatever source they come from.',
    formula:
      'A cumulative sum against what is usual at this hour (10 an hour at least), threshold 40. While it lasts, strangers get one wrong forward-path a session and their commands wait.',
    sources:
      'Lucas 1985 for Poisson rates; the usual rate is learnt by hour of the day, an attack teaches no more than twice it.',
    evades: 'A campaign no stronger than the noise of the day.',
    lookalikes: 'A list that is sent after years: strangers are slowed for an hour, and no mail is lost.',
  },
  begin: () =>
    new SiteRate({
      rate: { leastPerHour: 10, slack: 2.164, threshold: 40 },
      group: 'mx',
      lastsMs: HOUR_MS,
      reason: 'many sources guess addresses',
      kind: 'campaign',
      countOf: (evidence) =>
        Number(evidence.type === 'recipient-seen' && !evidence.known && evidence.standing === 'stranger'),
    }),
};

/** Relay probes, one a source, from many sources. */
export const relayCampaign: SiteDetector = {
  id: 'relay-probe',
  version: 1,
  description: {
    sees: 'Relay probes of strangers, whatever source they come from.',
    formula:
      'A cumulative sum against what is usual at this hour (2 an hour at least), threshold 12. It is told, and strangers are slowed for an hour.',
    sources: 'Lucas 1985 for Poisson rates.',
    evades: 'A few probes an hour.',
    lookalikes: 'A domain that moved here before it was configured: many senders, one domain.',
  },
  begin: () =>
    new SiteRate({
      rate: { leastPerHour: 2, slack: 2.164, threshold: 12 },
      group: 'mx',
      lastsMs: HOUR_MS,
      reason: 'many sources probe for an open relay',
      kind: 'campaign',
      countOf: (evidence) =>
        Number(
          evidence.type === 'offence-seen' && evidence.scenario === 'relay-probe' && evidence.standing === 'stranger',
        ),
    }),
};

/** Connections from everywhere that want nothing: each source by itself did little. */
export const emptySessions: SiteDetector = {
  id: 'connection-flood',
  version: 1,
  description: {
    sees: 'Sessions of strangers that came and went without a mail transaction, whatever source they come from; told by twenties.',
    formula:
      'A cumulative sum against what is usual at this hour (10,000 an hour at least), threshold 1000. The stress state for 15 minutes, longer while it goes on.',
    sources: 'Lucas 1985 for Poisson rates. Ten thousand an hour are three a second, which no gate notices.',
    evades: 'Connections that are held: slow-session sees how many slots they take.',
    lookalikes: 'Monitoring, and the noise of the Internet: a hundred times less.',
  },
  begin: () =>
    new SiteRate({
      rate: { leastPerHour: 10_000, slack: 2.164, threshold: 1000 },
      group: 'mx',
      lastsMs: HOUR_MS / 4,
      reason: 'many sources connect and want nothing',
      kind: 'stress',
      countOf: (evidence) => (evidence.type === 'empty-sessions' ? evidence.count : 0),
    }),
};
