import { finish, type Steps } from '../lib/steps.ts';

/** Octets of the store that a builder begins with; it doubles when it is full. */
const FIRST_STORE_OCTETS = 4_096;

/** Members that get their slot in one step. */
const MEMBERS_PER_STEP = 1_000;

/** Gathers the members of a {@link PackedSet}. */
export class PackedSetBuilder {
  #store = new Uint8Array(FIRST_STORE_OCTETS);
  #octetCount = 0;
  readonly #ends: number[] = [];

  /** Members so far, duplicates included. */
  get size(): number {
    return this.#ends.length;
  }

  add(member: Uint8Array): void {
    const end = this.#octetCount + member.length;
    if (end > this.#store.length) {
      const grown = new Uint8Array(Math.max(end, this.#store.length * 2));
      grown.set(this.#store);
      this.#store = grown;
    }
    this.#store.set(member, this.#octetCount);
    this.#octetCount = end;
    this.#ends.push(end);
  }

  build(): PackedSet {
    return finish(this.steps());
  }

  /** {@link PackedSetBuilder.build} in steps. */
  *steps(): Steps<PackedSet> {
    const set = new PackedSet(this.#store.slice(0, this.#octetCount), Uint32Array.from(this.#ends));
    yield* set.fill();
    return set;
  }
}

/**
 * An immutable set of octet strings: one store and one table, about their own length and 16 octets a member, where a Set of
 * strings takes several times as much. A lookup allocates nothing.
 */
export class PackedSet {
  /** All members, one behind the other. */
  readonly #store: Uint8Array;
  /** Where each member ends. */
  readonly #ends: Uint32Array;
  /** Open addressing: number of a member, from 1; 0 is free. At most half full. */
  readonly #slots: Uint32Array;

  constructor(store: Uint8Array, ends: Uint32Array) {
    this.#store = store;
    this.#ends = ends;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(1, ends.length) * 2)));
  }

  /** Gives every member its slot; until then it is not found. */
  *fill(): Steps<void> {
    for (let index = 0; index < this.#ends.length; index += 1) {
      if (index % MEMBERS_PER_STEP === MEMBERS_PER_STEP - 1) yield;
      const member = this.#store.subarray(this.#startOf(index), this.#ends[index]);
      this.#slots[this.#slotOf(member, member.length)] = index + 1;
    }
  }

  /** The first `length` octets of `key` are a member. */
  has(key: Uint8Array, length = key.length): boolean {
    return this.#slots[this.#slotOf(key, length)] !== 0;
  }

  /** The slot of the member that equals the key, or the free one where it would stand. */
  #slotOf(key: Uint8Array, length: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(key, length) & mask;
    for (;;) {
      const member = this.#slots[slot] ?? 0;
      if (member === 0 || this.#equals(member - 1, key, length)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #equals(index: number, key: Uint8Array, length: number): boolean {
    const start = this.#startOf(index);
    if ((this.#ends[index] ?? 0) - start !== length) return false;
    for (let offset = 0; offset < length; offset += 1) {
      if (this.#store[start + offset] !== key[offset]) return false;
    }
    return true;
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }
}

/** FNV-1a, with its low bits mixed. The members are the operator's: nobody else can make them collide. */
function hashOf(key: Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let offset = 0; offset < length; offset += 1) hash = Math.imul(hash ^ (key[offset] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
