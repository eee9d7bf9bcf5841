import { decayed, type StepMs, stepOf, stepsBetween } from '../lib/decay.ts';
import type { Hash64 } from '../lib/keyed-hash.ts';
import type { Deed, Ledger } from './ledger.ts';
import type { Seen } from './scene.ts';
import { NOWHERE, StateTable } from './state-table.ts';

/** A score, and the rung of the ladder that reaching it leads to. */
export interface Threshold {
  readonly score: number;
  /** See {@link rungs} of `ladder.ts`. */
  readonly rung: number;
}

export interface SuspectsShape {
  /** Slots for one partition: a power of two. */
  readonly slotCount: number;
  readonly halfLifeMs: number;
  /** Ascending. */
  readonly thresholds: readonly Threshold[];
}

/** A key has reached a threshold, and something is to be done about it. */
export interface Crossing {
  readonly rung: number;
  readonly score: number;
  readonly threshold: number;
  /** It offended again after a decision against it was over: one rung more. */
  readonly again: boolean;
  /** Newest entry of its ledger. */
  readonly entry: number;
  /** The rung that it is on by a decision in force; undefined: none is. */
  readonly onRung: number | undefined;
  /** A decision was made, or the one in force is enough. */
  decided(rung: number, untilMs: number): void;
}

const SCORE = 0;
const ENTRY = 1;
/** How many thresholds were reached in this episode; 0: none. */
const REACHED = 2;
const RUNG = 3;
const ANCHOR = 0;
const UNTIL = 1;

/**
 * Keys with a score: a cumulative sum of log-likelihood ratios with a floor (CUSUM, a sequential test that is armed again and
 * again), halved every half-life. A key that fell below half of the lowest threshold is nobody of interest any more.
 */
export class Suspects {
  readonly table: StateTable;
  private readonly stepMs: StepMs;
  private readonly thresholds: readonly Threshold[];
  private readonly ledger: Ledger;
  /** However long somebody goes on, he is forgotten as soon as one who stopped a little above the highest threshold. */
  private readonly scoreMax: number;
  private nowMs = 0;

  constructor({ slotCount, halfLifeMs, thresholds }: SuspectsShape, ledger: Ledger) {
    this.stepMs = stepOf(halfLifeMs);
    this.thresholds = thresholds;
    this.ledger = ledger;
    this.scoreMax = 2 * (thresholds.at(-1)?.score ?? 0);
    this.table = new StateTable({
      slotCount,
      intCount: 4,
      timeCount: 2,
      worth: (_table, slot) => this.worthOf(slot),
    });
  }

  /** The score of a key at a time. */
  scoreOf(key: Hash64, atMs: number): number {
    const slot = this.table.find(key);
    return slot === NOWHERE
      ? 0
      : decayed(this.table.int(SCORE, slot), stepsBetween(this.table.time(ANCHOR, slot), atMs, this.stepMs));
  }

  /**
   * Adds to the score of a key. What speaks for a key that nobody suspects is not kept: there is nothing to weigh it against,
   * and `floor` says what credit a source has.
   *
   * @param weight - Positive against it, negative for it; {@link SCORE_ONE} a unit.
   * @param floor - Where the score stops falling; zero or below.
   */
  add(key: Hash64, weight: number, floor: number, seen: Seen, deed: Deed): Crossing | undefined {
    this.nowMs = seen.atMs;
    const known = this.table.find(key);
    if (known === NOWHERE && weight <= 0) return undefined;
    const slot = known === NOWHERE ? this.begin(key, floor, seen.atMs) : known;
    this.decay(slot, seen.atMs);
    const score = Math.max(floor, Math.min(this.scoreMax, this.table.int(SCORE, slot) + weight));
    this.table.setInt(SCORE, slot, score);
    this.table.setInt(ENTRY, slot, this.ledger.add(seen, weight, deed, this.table.int(ENTRY, slot)));
    return this.judge(slot, score, weight, seen.atMs);
  }

  /** Forgets a key: an operator has spoken for it. */
  forget(key: Hash64): void {
    const slot = this.table.find(key);
    if (slot !== NOWHERE) this.table.release(slot);
  }

  private begin(key: Hash64, floor: number, atMs: number): number {
    const slot = this.table.claim(key);
    this.table.setInt(SCORE, slot, floor);
    this.table.setTime(ANCHOR, slot, atMs);
    return slot;
  }

  /** The anchor moves by whole steps only, so that many small waits decay as much as a long one. */
  private decay(slot: number, atMs: number): void {
    const steps = stepsBetween(this.table.time(ANCHOR, slot), atMs, this.stepMs);
    if (steps === 0) return;
    this.table.setInt(SCORE, slot, decayed(this.table.int(SCORE, slot), steps));
    this.table.setTime(ANCHOR, slot, this.table.time(ANCHOR, slot) + steps * this.stepMs);
  }

  private judge(slot: number, score: number, weight: number, atMs: number): Crossing | undefined {
    const [lowest] = this.thresholds;
    if (lowest !== undefined && score * 2 < lowest.score) {
      this.table.setInt(REACHED, slot, 0);
      if (score <= 0) this.table.setInt(ENTRY, slot, 0);
    }
    if (weight <= 0) return undefined;
    const reached = this.thresholds.findLastIndex((threshold) => score >= threshold.score) + 1;
    const threshold = this.thresholds[reached - 1];
    if (threshold === undefined) return undefined;
    const before = this.table.int(REACHED, slot);
    const again = before > 0 && reached <= before && atMs >= this.table.time(UNTIL, slot);
    if (reached <= before && !again) return undefined;
    this.table.setInt(REACHED, slot, Math.max(reached, before));
    return {
      rung: (this.thresholds[Math.max(reached, before) - 1] ?? threshold).rung,
      score,
      threshold: threshold.score,
      again,
      entry: this.table.int(ENTRY, slot),
      onRung: before > 0 && atMs < this.table.time(UNTIL, slot) ? this.table.int(RUNG, slot) : undefined,
      decided: (rung, untilMs) => {
        this.table.setInt(RUNG, slot, rung);
        this.table.setTime(UNTIL, slot, untilMs);
      },
    };
  }

  /** A key against which something is in force never gives way to one that nothing is known of. */
  private worthOf(slot: number): number {
    const score = decayed(
      this.table.int(SCORE, slot),
      stepsBetween(this.table.time(ANCHOR, slot), this.nowMs, this.stepMs),
    );
    return this.table.int(REACHED, slot) > 0 && this.table.time(UNTIL, slot) > this.nowMs
      ? score + 0x40_00_00_00
      : score;
  }
}
