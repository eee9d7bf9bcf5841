import { addressWords, masked, readAddressWords, wordsOf } from '../lib/address-words.ts';
import { bitsOf, type Prefix } from '../lib/ip.ts';

/** Tables that the prefixes are spread over: when one has to grow, only a small part of all is moved at once. */
const SHARDS = 64;
const SHARD_SHIFT = 26;
/** Slots of an empty shard; it doubles when it is half full. */
const SLOTS_MIN = 16;
/** Words of a key: four of the address, and one for family and length, which is never zero. */
const KEY_WORDS = 5;
const FREE = 0;

/**
 * Values by prefix, found by address: the longest prefix first. One hash table for all lengths of both families, so a change
 * costs as much as a lookup, and a lookup one probe for each length in use.
 */
export class PrefixTable<Value> {
  private readonly shards: readonly Shard<Value>[] = Array.from({ length: SHARDS }, () => new Shard<Value>());
  /** How many prefixes have each length, by family. */
  private readonly lengthCounts = { 4: new Int32Array(33), 6: new Int32Array(129) };
  /** Lengths in use, the longest first. */
  private readonly lengths: { 4: readonly number[]; 6: readonly number[] } = { 4: [], 6: [] };
  private readonly seed: number;
  private readonly address = addressWords();
  private readonly key = new Int32Array(KEY_WORDS);

  /** @param seed - Any number that outsiders do not know: they cannot choose addresses that fall together. */
  constructor(seed = 0) {
    this.seed = seed | 0;
  }

  /** Prefixes held. */
  get size(): number {
    return this.shards.reduce((sum, { count }) => sum + count, 0);
  }

  get(prefix: Prefix): Value | undefined {
    const hash = this.hashOfPrefix(prefix);
    return this.shardOf(hash)?.get(this.key, hash);
  }

  set(prefix: Prefix, value: Value): void {
    const hash = this.hashOfPrefix(prefix);
    if (this.shardOf(hash)?.set(this.key, hash, value) === true) this.count(prefix, 1);
  }

  /** @returns False where it was not there. */
  delete(prefix: Prefix): boolean {
    const hash = this.hashOfPrefix(prefix);
    const wasThere = this.shardOf(hash)?.delete(this.key, hash) === true;
    if (wasThere) this.count(prefix, -1);
    return wasThere;
  }

  /**
   * Shows the values around an address, the longest prefix first, until `isEnough` says so.
   *
   * @param ip - Canonical address; any other text is in no prefix.
   */
  around(ip: string, isEnough: (value: Value) => boolean): void {
    if (!readAddressWords(ip, this.address)) return;
    const { family, words } = this.address;
    for (const length of this.lengths[family]) {
      const hash = this.hashOf(family, length, words);
      const value = this.shardOf(hash)?.get(this.key, hash);
      if (value !== undefined && isEnough(value)) return;
    }
  }

  *values(): Generator<Value> {
    for (const shard of this.shards) yield* shard.held();
  }

  private shardOf(hash: number): Shard<Value> | undefined {
    return this.shards[hash >>> SHARD_SHIFT];
  }

  private count({ family, length }: Prefix, by: 1 | -1): void {
    const counts = this.lengthCounts[family];
    const now = (counts[length] ?? 0) + by;
    counts[length] = now;
    const isFirstOrLast = now === 0 || (now === 1 && by === 1);
    if (isFirstOrLast) this.lengths[family] = [...counts.keys()].filter((each) => (counts[each] ?? 0) > 0).reverse();
  }

  private hashOfPrefix({ family, length, first }: Prefix): number {
    const { words } = this.address;
    wordsOf(first, bitsOf(family), words);
    return this.hashOf(family, length, words);
  }

  /** Leaves the key of the prefix around an address in `key`. */
  private hashOf(family: 4 | 6, length: number, words: Int32Array): number {
    const { key } = this;
    let hash = this.seed ^ length;
    for (let index = 0, left = length; index < KEY_WORDS - 1; index += 1, left -= 32) {
      const word = masked(words[index] ?? 0, left);
      key[index] = word;
      hash = Math.imul(hash ^ word, 0x85_eb_ca_6b);
      hash ^= hash >>> 13;
    }
    key[KEY_WORDS - 1] = family * 256 + length;
    hash = Math.imul(hash ^ family, 0xc2_b2_ae_35);
    return hash ^ (hash >>> 16);
  }
}

interface Slots<Value> {
  readonly keys: Int32Array;
  readonly hashes: Int32Array;
  readonly values: (Value | undefined)[];
}

const slotsOf = <Value>(slotCount: number): Slots<Value> => ({
  keys: new Int32Array(slotCount * KEY_WORDS),
  hashes: new Int32Array(slotCount),
  values: new Array<Value | undefined>(slotCount).fill(undefined),
});

/** An open hash table with linear probing. */
class Shard<Value> {
  count = 0;
  private mask = SLOTS_MIN - 1;
  private slots: Slots<Value> = slotsOf(SLOTS_MIN);

  get(key: Int32Array, hash: number): Value | undefined {
    return this.slots.values[this.find(key, hash)];
  }

  /** @returns True for a new one. */
  set(key: Int32Array, hash: number, value: Value): boolean {
    if ((this.count + 1) * 2 > this.mask) this.resize((this.mask + 1) * 2);
    const slot = this.find(key, hash);
    const isNew = this.isFree(slot);
    if (isNew) {
      this.slots.keys.set(key, slot * KEY_WORDS);
      this.slots.hashes[slot] = hash;
      this.count += 1;
    }
    this.slots.values[slot] = value;
    return isNew;
  }

  delete(key: Int32Array, hash: number): boolean {
    const slot = this.find(key, hash);
    if (this.isFree(slot)) return false;
    this.close(slot);
    this.count -= 1;
    const slotCount = this.mask + 1;
    if (slotCount > SLOTS_MIN && this.count * 8 < slotCount) this.resize(slotCount / 2);
    return true;
  }

  *held(): Generator<Value> {
    for (const value of this.slots.values) if (value !== undefined) yield value;
  }

  /** The slot of the key, or the free one where it would go. */
  private find(key: Int32Array, hash: number): number {
    let slot = hash & this.mask;
    while (!this.isFree(slot) && !(this.slots.hashes[slot] === hash && this.holds(slot, key)))
      slot = (slot + 1) & this.mask;
    return slot;
  }

  private isFree(slot: number): boolean {
    return this.slots.keys[slot * KEY_WORDS + KEY_WORDS - 1] === FREE;
  }

  private holds(slot: number, key: Int32Array): boolean {
    for (let word = 0; word < KEY_WORDS; word += 1) {
      if (this.slots.keys[slot * KEY_WORDS + word] !== key[word]) return false;
    }
    return true;
  }

  /** Frees a slot, and moves those up that had to step aside for it. */
  private close(freed: number): void {
    const { mask } = this;
    let hole = freed;
    for (let slot = (hole + 1) & mask; !this.isFree(slot); slot = (slot + 1) & mask) {
      const steps = (slot - (this.slots.hashes[slot] ?? 0)) & mask;
      if (steps < ((slot - hole) & mask)) continue;
      this.move(this.slots, slot, hole);
      hole = slot;
    }
    this.slots.keys[hole * KEY_WORDS + KEY_WORDS - 1] = FREE;
    this.slots.values[hole] = undefined;
  }

  private resize(slotCount: number): void {
    const before = this.slots;
    this.mask = slotCount - 1;
    this.slots = slotsOf(slotCount);
    for (let from = 0; from < before.hashes.length; from += 1) {
      if (before.keys[from * KEY_WORDS + KEY_WORDS - 1] === FREE) continue;
      let slot = (before.hashes[from] ?? 0) & this.mask;
      while (!this.isFree(slot)) slot = (slot + 1) & this.mask;
      this.move(before, from, slot);
    }
  }

  private move(source: Slots<Value>, from: number, to: number): void {
    for (let word = 0; word < KEY_WORDS; word += 1) {
      this.slots.keys[to * KEY_WORDS + word] = source.keys[from * KEY_WORDS + word] ?? FREE;
    }
    this.slots.hashes[to] = source.hashes[from] ?? 0;
    this.slots.values[to] = source.values[from];
  }
}
