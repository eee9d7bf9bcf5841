import { decayed, SCORE_ONE, stepOf, stepsBetween } from '../lib/decay.ts';
import type { Hash64 } from '../lib/keyed-hash.ts';
import type { Source } from './scene.ts';
import { NOWHERE, StateTable } from './state-table.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What a decision does, and for how long; each time a source offends again after one is over, the next rung is taken. */
export const rungs = [
  { action: 'slow', forMs: 15 * MINUTE_MS },
  { action: 'defer', forMs: HOUR_MS },
  { action: 'refuse', forMs: 4 * HOUR_MS },
  { action: 'refuse', forMs: 24 * HOUR_MS },
  { action: 'refuse', forMs: 7 * 24 * HOUR_MS },
] as const;

/** Names for the rungs where a scenario starts. */
export const SLOW = 0;
export const DEFER = 1;
export const REFUSE = 2;

/** The level of a source is halved in this time, milliseconds: 7 days. */
export const LEVEL_HALF_LIFE_MS = 604_800_000;
/** Sources of one partition whose level is kept, at most; the lowest goes first. */
export const OFFENDERS_MAX = 16_384;
/** A decision lasts up to this part longer than its rung says, by its id: those of a campaign do not all end at once. */
const JITTER_PART = 8;

const LEVEL = 0;
const ANCHOR = 0;
const UNTIL = 1;
const STEP_MS = stepOf(LEVEL_HALF_LIFE_MS);

/** How often each source had to be deferred or refused, fading. */
export class Offenders {
  readonly table = new StateTable({
    slotCount: OFFENDERS_MAX,
    intCount: 1,
    timeCount: 2,
    worth: (table, slot) => table.int(LEVEL, slot) * LEVEL_HALF_LIFE_MS + table.time(ANCHOR, slot),
  });

  /** Rungs to add for what it did before. It is one more when the last decision is over: then it has learnt nothing. */
  levelOf(key: Hash64, atMs: number): number {
    const { table } = this;
    const slot = table.find(key);
    if (slot === NOWHERE) return 0;
    const steps = stepsBetween(table.time(ANCHOR, slot), atMs, STEP_MS);
    const isOver = atMs >= table.time(UNTIL, slot);
    const level = decayed(table.int(LEVEL, slot), steps) + (isOver ? SCORE_ONE : 0);
    table.setInt(LEVEL, slot, Math.min(level, rungs.length * SCORE_ONE));
    table.setTime(ANCHOR, slot, table.time(ANCHOR, slot) + steps * STEP_MS);
    if (isOver) table.setTime(UNTIL, slot, Number.MAX_SAFE_INTEGER);
    return Math.floor((level + SCORE_ONE / 2) / SCORE_ONE);
  }

  /** A decision was made that does more than slow it down. */
  decided(key: Hash64, atMs: number, untilMs: number): void {
    const { table } = this;
    const isNew = table.find(key) === NOWHERE;
    const slot = table.claim(key);
    if (isNew) table.setTime(ANCHOR, slot, atMs);
    const before = table.time(UNTIL, slot);
    table.setTime(UNTIL, slot, before === Number.MAX_SAFE_INTEGER ? untilMs : Math.max(before, untilMs));
  }

  forget(key: Hash64): void {
    const slot = this.table.find(key);
    if (slot !== NOWHERE) this.table.release(slot);
  }
}

/** The rung that a source is put on, and why it is milder than it was asked to be. */
export interface Placed {
  readonly rung: number;
  readonly held?: string;
}

/**
 * The guards of a rung: a provider is slowed at most, and so is an address that people log in from; a source with accepted mail
 * is deferred at most. What people depend on is never refused for the conduct of some.
 */
export function placed(asked: number, source: Pick<Source, 'standing' | 'isGood' | 'group'>): Placed {
  const wanted = Math.min(asked, rungs.length - 1);
  if (source.standing === 'provider' && wanted > SLOW) {
    return { rung: SLOW, held: 'a large provider, which many people share' };
  }
  const isGood = source.isGood || source.standing === 'with-history';
  if (isGood && source.group === 'submission' && wanted > SLOW) {
    return { rung: SLOW, held: 'people have logged in from it within 30 days' };
  }
  if (isGood && wanted > DEFER) return { rung: DEFER, held: 'mail of it was accepted within 30 days' };
  return { rung: wanted };
}

/** How long a decision lasts. @param id - Hexadecimal: its last digits lengthen it. */
export function lastingMs(rung: number, id: string): number {
  const { forMs } = rungs[rung] ?? rungs[0];
  const share = Number.parseInt(id.slice(-4), 16) / 0x1_00_00;
  return forMs + Math.floor((forMs / JITTER_PART) * share);
}
