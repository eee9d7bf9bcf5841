import type { DecisionMade } from '../../events/decision.ts';
import type { EvidenceEvent } from '../../events/evidence.ts';
import type { Description } from '../detector.ts';
import type { ScenarioId } from '../scenario-ids.ts';

/** What a detector of the whole site decides; the watch adds who, when and why. */
export type SiteDecision = Pick<DecisionMade, 'scope' | 'value' | 'action' | 'level'> & {
  readonly roles: DecisionMade['roles'];
  readonly lastsMs: number;
  /** Numbers that it rests on, by name. */
  readonly facts: Readonly<Record<string, number>>;
  readonly reason: string;
  readonly ledger?: DecisionMade['ledger'];
};

/** Something that a person should know. */
export interface Alert {
  readonly kind: 'campaign' | 'takeover' | 'bounce-flood' | 'reflector' | 'forgotten-domain' | 'stress' | 'breaker';
  /** What it is about: the same alert about the same subject is sent once in a while only. */
  readonly subject: string;
  readonly text: string;
  readonly atMs: number;
}

/** One piece of evidence, and what a detector may do about it. */
export interface SiteScene {
  readonly site: string;
  readonly atMs: number;
  decide(decision: SiteDecision): void;
  alert(alert: Omit<Alert, 'atMs'>): void;
}

/** The state of a scenario that looks at the whole site: bounded, and the same for the same evidence. */
export interface SiteState {
  see(evidence: EvidenceEvent, scene: SiteScene): void;
  /** For a snapshot. */
  toJson(): unknown;
  /** Takes over what {@link toJson} gave. @returns False for what is not of this release. */
  addJson(json: unknown): boolean;
}

/** A scenario that is told by what many sources do. */
export interface SiteDetector {
  readonly id: ScenarioId;
  readonly version: number;
  readonly description: Description;
  begin(): SiteState;
}
