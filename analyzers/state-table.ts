import { Buffer } from 'node:buffer';
import { assert } from '../lib/assert.ts';
import type { Hash64 } from '../lib/keyed-hash.ts';

/** Slots that a key may be in. */
const WAYS = 8;
/** In place of a slot: the key is not here. */
export const NOWHERE = -1;

/** What a table holds for each key, besides the key. */
export interface TableShape {
  /** Slots in all: a power of two, at least eight. A table never grows. */
  readonly slotCount: number;
  /** Columns of 32-bit integers. */
  readonly intCount: number;
  /** Columns of times, milliseconds since 1970-01-01 UTC. */
  readonly timeCount: number;
  /**
   * How much would be lost with a slot: where eight keys have eight slots, a ninth takes that of the least worth. The lowest
   * slot of equals goes.
   */
  worth(table: StateTable, slot: number): number;
}

/**
 * State by key in a fixed number of slots: what floods it can push out what is worth less, and costs no memory. Keys are keyed
 * hashes, so nobody can aim at one set of it.
 */
export class StateTable {
  /** Keys held. */
  count = 0;
  /** Keys that had to give way since the table was made. */
  evictedCount = 0;
  private readonly ints: readonly Int32Array[];
  private readonly times: readonly Float64Array[];
  private readonly high: Int32Array;
  private readonly low: Int32Array;
  private readonly shape: TableShape;
  private readonly setMask: number;

  constructor(shape: TableShape) {
    const { slotCount, intCount, timeCount } = shape;
    assert(slotCount >= WAYS && (slotCount & (slotCount - 1)) === 0, 'a table has a power of two of slots');
    this.shape = shape;
    this.setMask = slotCount / WAYS - 1;
    this.high = new Int32Array(slotCount);
    this.low = new Int32Array(slotCount);
    this.ints = Array.from({ length: intCount }, () => new Int32Array(slotCount));
    this.times = Array.from({ length: timeCount }, () => new Float64Array(slotCount));
  }

  /** The slot of a key, or {@link NOWHERE}. */
  find({ high, low }: Hash64): number {
    const ownLow = held(low);
    const first = this.firstOf(high, ownLow);
    for (let slot = first; slot < first + WAYS; slot += 1) {
      if (this.low[slot] === ownLow && this.high[slot] === high) return slot;
    }
    return NOWHERE;
  }

  /** The slot of a key: its own, a free one, or that of the key worth least, whose state is gone. A new one is all zeros. */
  claim(key: Hash64): number {
    const found = this.find(key);
    if (found !== NOWHERE) return found;
    const ownLow = held(key.low);
    const slot = this.slotFor(this.firstOf(key.high, ownLow));
    this.high[slot] = key.high;
    this.low[slot] = ownLow;
    this.count += 1;
    return slot;
  }

  int(column: number, slot: number): number {
    return this.ints[column]?.[slot] ?? 0;
  }

  setInt(column: number, slot: number, value: number): void {
    const values = this.ints[column];
    if (values !== undefined) values[slot] = value;
  }

  time(column: number, slot: number): number {
    return this.times[column]?.[slot] ?? 0;
  }

  setTime(column: number, slot: number, atMs: number): void {
    const values = this.times[column];
    if (values !== undefined) values[slot] = atMs;
  }

  /** Forgets a key. */
  release(slot: number): void {
    this.high[slot] = 0;
    this.low[slot] = 0;
    for (const column of this.ints) column[slot] = 0;
    for (const column of this.times) column[slot] = 0;
    this.count -= 1;
  }

  /** Octets that the table takes, full or empty. */
  get octets(): number {
    const { slotCount, intCount, timeCount } = this.shape;
    return slotCount * (8 + intCount * 4 + timeCount * 8);
  }

  /** What is held, as octets: the same state gives the same octets. */
  encode(): Uint8Array {
    const { intCount, timeCount, slotCount } = this.shape;
    const size = 12 + intCount * 4 + timeCount * 8;
    const octets = Buffer.alloc(8 + this.count * size);
    octets.writeUInt32LE(this.count, 0);
    octets.writeUInt32LE(this.evictedCount, 4);
    let at = 8;
    for (let slot = 0; slot < slotCount; slot += 1) {
      if (this.low[slot] === 0) continue;
      octets.writeUInt32LE(slot, at);
      octets.writeInt32LE(this.high[slot] ?? 0, at + 4);
      octets.writeInt32LE(this.low[slot] ?? 0, at + 8);
      at += 12;
      for (const column of this.ints) at = octets.writeInt32LE(column[slot] ?? 0, at);
      for (const column of this.times) at = octets.writeDoubleLE(column[slot] ?? 0, at);
    }
    return octets;
  }

  /** Takes over what {@link encode} gave, into an empty table. @returns False for octets of another shape. */
  decode(encoded: Uint8Array): boolean {
    const { intCount, timeCount, slotCount } = this.shape;
    const octets = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
    const size = 12 + intCount * 4 + timeCount * 8;
    if (octets.length < 8) return false;
    const count = octets.readUInt32LE(0);
    if (octets.length !== 8 + count * size) return false;
    for (let at = 8; at < octets.length; ) {
      const slot = octets.readUInt32LE(at);
      if (slot >= slotCount) return false;
      this.high[slot] = octets.readInt32LE(at + 4);
      this.low[slot] = octets.readInt32LE(at + 8);
      at += 12;
      for (const column of this.ints) {
        column[slot] = octets.readInt32LE(at);
        at += 4;
      }
      for (const column of this.times) {
        column[slot] = octets.readDoubleLE(at);
        at += 8;
      }
    }
    this.count = count;
    this.evictedCount = octets.readUInt32LE(4);
    return true;
  }

  private firstOf(high: number, low: number): number {
    return ((high ^ Math.imul(low, 0x9e_37_79_b1)) & this.setMask) * WAYS;
  }

  private slotFor(first: number): number {
    let least = first;
    let leastWorth = Number.POSITIVE_INFINITY;
    for (let slot = first; slot < first + WAYS; slot += 1) {
      if (this.low[slot] === 0) return slot;
      const worth = this.shape.worth(this, slot);
      if (worth < leastWorth) {
        least = slot;
        leastWorth = worth;
      }
    }
    this.evictedCount += 1;
    this.release(least);
    return least;
  }
}

/** Zero marks a free slot; a key whose low word is zero is held as one of low word 1. */
const held = (low: number): number => (low === 0 ? 1 : low);
