import { SCORE_ONE } from '../lib/decay.ts';
import type { Hash64 } from '../lib/keyed-hash.ts';
import type { Standing } from './scene.ts';
import { NOWHERE, StateTable } from './state-table.ts';

/** Sources of one partition with something good to their name, at most; the one whose last is longest ago goes first. */
export const GOOD_SOURCES_MAX = 65_536;
/** How long it counts, milliseconds: 30 days. */
export const GOOD_MS = 2_592_000_000;
/** A source has history when its first accepted mail is at least this long ago, milliseconds: a day. */
export const HISTORY_AGE_MS = 86_400_000;
/** And when it was accepted this often. */
export const HISTORY_COUNT = 3;
/**
 * Credit for each of the first ten forward-paths that were accepted with a message (the same again counts too), or accounts, and for
 * each time that their number doubles after that, up to a thousand: who sends thousands of messages is wrong now and then, several
 * times in a row. A thousand messages buy six guesses more than none. Proposals.
 */
const CREDIT_PER_OBJECT = 471;
const CREDIT_OBJECTS = 10;
const CREDIT_PER_DOUBLING = 710;
const CREDIT_MAX = 9.2 * SCORE_ONE;

const COUNT = 0;
const OBJECTS = 1;
const FIRST = 0;
const LAST = 1;

/** What sources have done well: kept from the first accepted mail on, before there is anything against them. */
export class GoodSources {
  readonly table = new StateTable({
    slotCount: GOOD_SOURCES_MAX,
    intCount: 2,
    timeCount: 2,
    worth: (table, slot) => table.time(LAST, slot),
  });

  /**
   * Something of it was accepted: mail, or a password.
   *
   * @param objectCount - Forward-paths accepted with a message, or accounts that it had not got in as before.
   * @returns True when it is the first for 30 days.
   */
  accepted(key: Hash64, objectCount: number, atMs: number): boolean {
    const before = this.table.find(key);
    const isFirst = before === NOWHERE || this.isOver(before, atMs);
    if (before !== NOWHERE && isFirst) this.table.release(before);
    const slot = this.table.claim(key);
    if (isFirst) this.table.setTime(FIRST, slot, atMs);
    this.table.setTime(LAST, slot, Math.max(atMs, this.table.time(LAST, slot)));
    this.table.setInt(COUNT, slot, Math.min(0x3f_ff_ff_ff, this.table.int(COUNT, slot) + 1));
    this.table.setInt(OBJECTS, slot, Math.min(0x3f_ff_ff_ff, this.table.int(OBJECTS, slot) + objectCount));
    return isFirst;
  }

  isGood(key: Hash64, atMs: number): boolean {
    const slot = this.table.find(key);
    return slot !== NOWHERE && !this.isOver(slot, atMs);
  }

  /** Stranger or with history; providers are told by their ranges, elsewhere. */
  standingOf(key: Hash64, atMs: number): Standing {
    const slot = this.table.find(key);
    if (slot === NOWHERE || this.isOver(slot, atMs) || this.table.int(COUNT, slot) < HISTORY_COUNT) return 'stranger';
    return atMs - this.table.time(FIRST, slot) >= HISTORY_AGE_MS ? 'with-history' : 'stranger';
  }

  /** Where its scores stop falling: zero or below. */
  floorOf(key: Hash64, atMs: number): number {
    const slot = this.table.find(key);
    if (slot === NOWHERE || this.isOver(slot, atMs)) return 0;
    return -creditOf(this.table.int(OBJECTS, slot));
  }

  private isOver(slot: number, atMs: number): boolean {
    return atMs - this.table.time(LAST, slot) > GOOD_MS;
  }
}

function creditOf(objectCount: number): number {
  const first = CREDIT_PER_OBJECT * Math.min(CREDIT_OBJECTS, objectCount);
  const doublings = objectCount < CREDIT_OBJECTS ? 0 : 31 - Math.clz32(Math.floor(objectCount / CREDIT_OBJECTS));
  return Math.min(CREDIT_MAX, first + CREDIT_PER_DOUBLING * doublings);
}
