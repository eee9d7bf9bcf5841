import type { Hash64 } from '../lib/keyed-hash.ts';
import { joined, split } from '../lib/parts.ts';

/** Bits of one of the two filters for each pair it is to hold: with seven set a pair about one in a thousand is false. */
const BITS_PER_PAIR_HELD = 16;
/** Bits a pair sets. */
const BITS_PER_PAIR = 7;
/** How much a memory of pairs holds, and for how long. */
export interface PairsShape {
  /** Pairs after which a filter is full, a power of two; then the other one begins anew before its time. */
  readonly pairsMax: number;
  /** How long a filter takes new pairs, milliseconds; a pair is remembered for at least this long, for twice this at most. */
  readonly periodMs: number;
  /** A pair that is seen again is remembered anew; otherwise it is forgotten in its time, however often it is seen. */
  readonly isRenewed: boolean;
}

/** What sources were after in vain: half a million pairs, 3.5 to 7 days. */
export const failuresShape: PairsShape = { pairsMax: 524_288, periodMs: 302_400_000, isRenewed: true };
/** What they were right about: a quarter of a million pairs, a half to a whole day. */
export const successesShape: PairsShape = { pairsMax: 262_144, periodMs: 43_200_000, isRenewed: false };
/** Forward-paths that the server behind has accepted: a quarter of a million, 90 to 180 days. */
export const recipientsShape: PairsShape = { pairsMax: 262_144, periodMs: 7_776_000_000, isRenewed: true };

/**
 * Which pairs (a source and what it was after) were seen lately: two Bloom filters by turns. What it does not
 * know is new for certain; about one new pair in a thousand is taken for a known one, which favours the source.
 */
export class KnownPairs {
  private readonly shape: PairsShape;
  private readonly wordCount: number;
  private filters: [Int32Array, Int32Array];
  private pairCount = 0;
  /** When the younger filter began; undefined before the first pair. Not a calendar date: a shift in time changes nothing. */
  private sinceMs: number | undefined;

  constructor(shape: PairsShape) {
    this.shape = shape;
    this.wordCount = (shape.pairsMax * BITS_PER_PAIR_HELD) / 32;
    this.filters = [new Int32Array(this.wordCount), new Int32Array(this.wordCount)];
  }

  /** Is it known? Nothing changes. */
  isKnown(pair: Hash64): boolean {
    const [young, old] = this.filters;
    return this.has(young, pair) || this.has(old, pair);
  }

  /** Is it new? It is known from now on. */
  isNew(pair: Hash64, atMs: number): boolean {
    this.turn(atMs);
    const [young, old] = this.filters;
    const step = pair.high | 1;
    if (!this.shape.isRenewed && this.has(old, pair)) return false;
    let inYoung = true;
    let inOld = true;
    const wordMask = this.wordCount - 1;
    let bit = pair.low;
    for (let count = 0; count < BITS_PER_PAIR; count += 1) {
      const word = (bit >>> 5) & wordMask;
      const mask = 1 << (bit & 31);
      inOld &&= ((old[word] ?? 0) & mask) !== 0;
      if (((young[word] ?? 0) & mask) === 0) {
        inYoung = false;
        young[word] = (young[word] ?? 0) | mask;
      }
      bit = (bit + step) | 0;
    }
    if (!inYoung) this.pairCount += 1;
    return !inYoung && !inOld;
  }

  private has(filter: Int32Array, { high, low }: Hash64): boolean {
    const wordMask = this.wordCount - 1;
    let bit = low;
    for (let count = 0; count < BITS_PER_PAIR; count += 1) {
      if (((filter[(bit >>> 5) & wordMask] ?? 0) & (1 << (bit & 31))) === 0) return false;
      bit = (bit + (high | 1)) | 0;
    }
    return true;
  }

  get octets(): number {
    return 2 * this.wordCount * 4;
  }

  /** Both filters; words of zeros are left out. */
  encode(): Uint8Array {
    const head = new Float64Array([this.sinceMs ?? -1, this.pairCount]);
    return joined([octetsOf(head), ...this.filters.map(packed)]);
  }

  decode(octets: Uint8Array): boolean {
    const parts = split(octets);
    const [head, young, old] = parts ?? [];
    if (head === undefined || young === undefined || old === undefined || head.length !== 16) return false;
    const [sinceMs = -1, pairCount = 0] = new Float64Array(copied(head));
    const filters = [unpacked(young, this.wordCount), unpacked(old, this.wordCount)] as const;
    if (filters[0] === undefined || filters[1] === undefined) return false;
    this.sinceMs = sinceMs < 0 ? undefined : sinceMs;
    this.pairCount = pairCount;
    this.filters = [filters[0], filters[1]];
    return true;
  }

  private turn(atMs: number): void {
    this.sinceMs ??= atMs;
    const { pairsMax, periodMs } = this.shape;
    const passedMs = atMs - this.sinceMs;
    if (passedMs < periodMs && this.pairCount < pairsMax) return;
    const [young, old] = this.filters;
    old.fill(0);
    if (passedMs >= 2 * periodMs) young.fill(0);
    this.filters = [old, young];
    this.pairCount = 0;
    this.sinceMs = atMs;
  }
}

/** Index and value of each word that is not zero. */
function packed(words: Int32Array): Uint8Array {
  const pairs: number[] = [];
  words.forEach((word, index) => {
    if (word !== 0) pairs.push(index, word);
  });
  return octetsOf(Int32Array.from(pairs));
}

function unpacked(octets: Uint8Array, wordCount: number): Int32Array | undefined {
  if (octets.length % 8 !== 0) return undefined;
  const pairs = new Int32Array(copied(octets));
  const words = new Int32Array(wordCount);
  for (let index = 0; index < pairs.length; index += 2) {
    const place = pairs[index] ?? 0;
    if (place < 0 || place >= wordCount) return undefined;
    words[place] = pairs[index + 1] ?? 0;
  }
  return words;
}

/** Octets in memory of their own, where words begin at a word. (`slice` of a Buffer would be a view.) */
const copied = (octets: Uint8Array): ArrayBuffer => new Uint8Array(octets).buffer;

const octetsOf = (values: Int32Array | Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
