import type { MailEvent } from '../events/event.ts';
import type { Deed } from './ledger.ts';
import type { ScenarioId } from './scenario-ids.ts';
import type { Seen, Source } from './scene.ts';
import type { SessionFacts } from './sessions.ts';
import type { SuspectsShape } from './suspects.ts';

/** One event of a source, and what a detector may ask and do about it. */
export interface Scene {
  readonly seen: Seen;
  readonly source: Source;
  /** Undefined for an event without a session. */
  readonly session: SessionFacts | undefined;
  /** Has the source not been after this for days? It is known from now on, for this detector. For what speaks against it. */
  isFirstContact(object: string): boolean;
  /** Was it not right about this within a day? For what speaks for it: so that repeating one success buys nothing. */
  isFirstToday(object: string): boolean;
  /** The server behind has accepted this forward-path within some months. */
  isFormerRecipient(forwardPath: string): boolean;
  /** Somebody of its network has authenticated as this account within 30 days. */
  isFamiliar(account: string): boolean;
  /**
   * Adds to the score of the source for this detector: positive against it, negative for it.
   *
   * @param weight - 1024 a unit (a nat of log-likelihood); see {@link SCORE_ONE}.
   * @param object - What it was after, where several sources may be after the same.
   */
  weigh(weight: number, deed: Deed, object?: string): void;
}

/**
 * A scenario that is told by the conduct of single sources: a pure function of the event and of the scores it asks for. All
 * state is in tables that the watch keeps for it ({@link SuspectsShape}), so it is bounded, kept in snapshots and the same in
 * a replay.
 */
export interface SourceDetector {
  /** The name of the scenario. */
  readonly id: ScenarioId;
  /** Counts up when a change may lead to other decisions. */
  readonly version: number;
  readonly shape: SuspectsShape;
  /** The highest rung that its decisions may be on; absent: any. */
  readonly rungMax?: number;
  /** One sentence for a decision: what the source did. */
  readonly reason: string;
  /** What is documented of it. */
  readonly description: Description;
  see(event: MailEvent, scene: Scene): void;
}

/** The documentation of a scenario. */
export interface Description {
  /** What it sees. */
  readonly sees: string;
  /** How the score is made up. */
  readonly formula: string;
  /** Where the numbers come from. */
  readonly sources: string;
  /** What gets past it. */
  readonly evades: string;
  /** What looks like it and is not, and why that is left alone. */
  readonly lookalikes: string;
}
