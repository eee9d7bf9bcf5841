import { Buffer } from 'node:buffer';
import { assert } from '../lib/assert.ts';
import type { Seen } from './scene.ts';

/** Contributions kept for one partition, at most; the oldest go first. */
export const LEDGER_SLOTS = 32_768;
/** Contributions that are followed back from the newest of a key. */
export const LEDGER_DEPTH_MAX = 64;

/** What a contribution was, in a word; its place here is its code in the ledger, so new ones go to the end. */
export const deeds = [
  'unknown-recipient',
  'near-miss',
  'former-recipient',
  'known-recipient',
  'address-query',
  'foreign-domain',
  'relay-syntax',
  'null-sender-unknown',
  'null-sender-many',
  'null-sender-known',
  'account-refused',
  'password-changed',
  'account-accepted',
  'connections',
  'deadline-missed',
  'stands-still',
  'idle-commands',
  'limit-reached',
  'mail-accepted',
  'early-talk',
  'foreign-protocol',
  'smuggling',
  'broken-syntax',
  'own-name',
  'bot-name',
  'released-together',
] as const;
export type Deed = (typeof deeds)[number];

/** One contribution to a score. */
export interface Entry {
  /** Empty for an event without a session. */
  readonly sid: string;
  readonly seq: number;
  readonly atMs: number;
  readonly weight: number;
  readonly deed: Deed;
}

const INT_COLUMNS = 8;

/**
 * Which events made up the scores of one partition: a ring of contributions, each linked to the one before it of the same key.
 * What is overwritten is missing at the far end of a chain, and counted.
 */
export class Ledger {
  /** Session id in four words, place in the session, weight, deed, the entry before (its number, wrapped to 32 bits). */
  private readonly ints: readonly Int32Array[] = Array.from(
    { length: INT_COLUMNS },
    () => new Int32Array(LEDGER_SLOTS),
  );
  private readonly times = new Float64Array(LEDGER_SLOTS);
  /** Number of the next entry, from 1; 0 is no entry. */
  private next = 1;

  /** @param before - Number of the entry before of the same key, 0 for none. @returns The number of this one. */
  add(seen: Seen, weight: number, deed: Deed, before: number): number {
    const number = this.next;
    const slot = number % LEDGER_SLOTS;
    const [first, second, third, fourth, seqs, weights, codes, befores] = this.ints;
    assert(befores !== undefined, 'a ledger has its columns');
    const { sid } = seen;
    set(first, slot, word(sid, 0, 8));
    set(second, slot, sid === '' ? 0 : (word(sid, 9, 13) << 16) | word(sid, 14, 18));
    set(third, slot, sid === '' ? 0 : (word(sid, 19, 23) << 16) | word(sid, 24, 28));
    set(fourth, slot, word(sid, 28, 36));
    set(seqs, slot, seen.seq);
    set(weights, slot, weight);
    set(codes, slot, deeds.indexOf(deed));
    set(befores, slot, before);
    this.times[slot] = seen.atMs;
    this.next = number >= 0x7f_ff_ff_fe ? LEDGER_SLOTS : number + 1;
    return number;
  }

  /** The entries of a key, the newest first. `complete`: none is missing. */
  chain(newest: number): { readonly entries: readonly Entry[]; readonly complete: boolean } {
    const entries: Entry[] = [];
    for (let number = newest; number !== 0; ) {
      if (!this.has(number) || entries.length >= LEDGER_DEPTH_MAX) return { entries, complete: false };
      const slot = number % LEDGER_SLOTS;
      entries.push(this.entryAt(slot));
      number = this.ints[7]?.[slot] ?? 0;
    }
    return { entries, complete: true };
  }

  get octets(): number {
    return LEDGER_SLOTS * (INT_COLUMNS * 4 + 8);
  }

  encode(): Uint8Array {
    const used = Math.min(LEDGER_SLOTS, this.next);
    const columns = [...this.ints, this.times].map((column) => octetsOf(column.subarray(0, used)));
    const head = Buffer.alloc(4);
    head.writeUInt32LE(this.next);
    return Buffer.concat([head, ...columns]);
  }

  decode(encoded: Uint8Array): boolean {
    const octets = Buffer.from(encoded);
    if (octets.length < 4) return false;
    const next = octets.readUInt32LE(0);
    const used = Math.min(LEDGER_SLOTS, next);
    if (octets.length !== 4 + used * (INT_COLUMNS * 4 + 8)) return false;
    let at = 4;
    for (const column of [...this.ints, this.times]) {
      const length = used * column.BYTES_PER_ELEMENT;
      octetsOf(column).set(octets.subarray(at, at + length));
      at += length;
    }
    this.next = next;
    return true;
  }

  private has(number: number): boolean {
    return number < this.next && number > this.next - LEDGER_SLOTS;
  }

  private entryAt(slot: number): Entry {
    const [first = 0, second = 0, third = 0, fourth = 0, seq = 0, weight = 0, code = 0] = this.ints.map(
      (column) => column[slot] ?? 0,
    );
    const words = [first, second, third, fourth];
    const hex = words.map((each) => (each >>> 0).toString(16).padStart(8, '0')).join('');
    const sid = words.every((each) => each === 0)
      ? ''
      : `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    return { sid, seq, weight, atMs: this.times[slot] ?? 0, deed: deeds[code] ?? 'broken-syntax' };
  }
}

/** Hexadecimal digits of a session id as a number; 0 for what is none. */
function word(sid: string, from: number, to: number): number {
  const value = Number.parseInt(sid.slice(from, to), 16);
  return Number.isNaN(value) ? 0 : value | 0;
}

function set(column: Int32Array | undefined, slot: number, value: number): void {
  if (column !== undefined) column[slot] = value;
}

const octetsOf = (column: Int32Array | Float64Array): Buffer =>
  Buffer.from(column.buffer, column.byteOffset, column.byteLength);
