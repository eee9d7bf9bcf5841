import { z } from 'zod';
import type { DecisionMade } from '../events/decision.ts';
import { EVENT_VERSION } from '../events/event.ts';
import type { EvidenceEvent } from '../events/evidence.ts';
import { jsonOf, mapTexts } from '../lib/json.ts';
import { KeyedHash, textOfHash } from '../lib/keyed-hash.ts';
import { type DecisionIdentity, ID_KEY } from './decision-maker.ts';
import type { Alert, SiteDecision, SiteDetector, SiteState } from './site/site-detector.ts';

/** What came of a piece of evidence. */
export interface SiteOutcome {
  readonly decisions: readonly DecisionMade[];
  readonly alerts: readonly Alert[];
}

const kept = z.object({
  /** Where the last evidence of each partition came from. */
  seen: z.array(z.tuple([z.number(), z.number(), z.number()])),
  states: z.array(z.unknown()),
});

const nothing: SiteOutcome = { decisions: [], alerts: [] };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Watches the whole site: shows each piece of evidence to all site detectors, in the order of the stream. Evidence that comes
 * again, because the watch of its partition was set back, changes nothing.
 */
export class SiteWatch {
  private readonly identity: DecisionIdentity;
  private readonly detectors: readonly SiteDetector[];
  private readonly states: readonly SiteState[];
  private readonly idHash = new KeyedHash(ID_KEY);
  /** Offset and part of the last evidence, by partition. */
  private readonly seen = new Map<number, readonly [offset: number, part: number]>();
  private decisions: DecisionMade[] = [];
  private alerts: Alert[] = [];

  constructor(identity: DecisionIdentity, detectors: readonly SiteDetector[]) {
    this.identity = identity;
    this.detectors = detectors;
    this.states = detectors.map((detector) => detector.begin());
  }

  see(evidence: EvidenceEvent): SiteOutcome {
    if (this.isRepeated(evidence)) return nothing;
    this.decisions = [];
    this.alerts = [];
    for (const [index, state] of this.states.entries()) {
      const detector = this.detectors[index];
      if (detector === undefined) continue;
      state.see(evidence, {
        site: this.identity.site,
        atMs: evidence.at,
        decide: (decision) => this.decide(detector, decision, evidence),
        alert: (alert) => this.alerts.push({ ...alert, atMs: evidence.at }),
      });
    }
    return { decisions: this.decisions, alerts: this.alerts };
  }

  /** @param change - Of every text in the state. */
  encode(change?: (text: string) => string): Uint8Array {
    const seen = [...this.seen].map(([partition, place]) => [partition, ...place]);
    const json = { seen, states: this.states.map((state) => state.toJson()) };
    return encoder.encode(JSON.stringify(change === undefined ? json : mapTexts(json, change)));
  }

  /** Takes over what {@link encode} gave, before the first evidence. @returns False for what is not of this release. */
  decode(octets: Uint8Array): boolean {
    const { data } = kept.safeParse(jsonOf(decoder.decode(octets)));
    if (data === undefined || data.states.length !== this.states.length) return false;
    for (const [partition, offset, part] of data.seen) this.seen.set(partition, [offset, part]);
    return this.states.every((state, index) => state.addJson(data.states[index]));
  }

  private isRepeated({ partition, offset, part }: EvidenceEvent): boolean {
    const [lastOffset, lastPart] = this.seen.get(partition) ?? [-1, -1];
    if (offset < lastOffset || (offset === lastOffset && part <= lastPart)) return true;
    this.seen.set(partition, [offset, part]);
    return false;
  }

  private decide({ id: scenario, version }: SiteDetector, decision: SiteDecision, cause: EvidenceEvent): void {
    const { site, configHash } = this.identity;
    const { lastsMs, facts, reason, scope, value, roles, action, level, ledger } = decision;
    // The event and not its place in the log: one that was written twice is the same one.
    const { partition, offset, part, sid, seq } = cause;
    const place = sid === undefined ? `${partition} ${offset} ${part}` : `${sid} ${seq} ${part}`;
    this.decisions.push({
      v: EVENT_VERSION,
      type: 'decision-made',
      at: cause.at,
      site,
      id: textOfHash(this.idHash.of(`${site} ${scenario} ${scope} ${value} ${roles[0]} ${place}`)),
      scope,
      value,
      roles,
      origin: 'analyzer',
      scenario,
      action,
      level,
      until: cause.at + lastsMs,
      scenarioVersion: version,
      configHash,
      facts: { ...facts },
      reason,
      ...(ledger === undefined ? {} : { ledger }),
    });
  }
}
