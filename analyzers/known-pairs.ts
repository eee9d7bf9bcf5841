import type { Hash64 } from '../lib/keyed-hash.ts';
import { joined, split } from '../lib/parts.ts';

/** Bits of one of the two filters of a partition: 2^23 bits hold half a million pairs with about one false in a thousand. */
const BITS = 8_388_608;
const BIT_MASK = BITS - 1;
const WORDS = BITS / 32;
/** Bits a pair sets. */
const BITS_PER_PAIR = 7;
/** Pairs after which a filter is full; then the other one begins anew before its time. */
export const PAIRS_MAX = 524_288;
/** How long a filter takes new pairs; a pair is remembered for at least this long, and for twice this at most. 3.5 days. */
export const PAIRS_PERIOD_MS = 302_400_000;

/**
 * Which pairs (a source and what it was after) were seen within the last days: two Bloom filters by turns. What it does not
 * know is new for certain; about one new pair in a thousand is taken for a known one, which favours the source.
 */
export class KnownPairs {
  private filters: [Int32Array, Int32Array] = [new Int32Array(WORDS), new Int32Array(WORDS)];
  private pairCount = 0;
  /** When the younger filter began; undefined before the first pair. Not a calendar date: a shift in time changes nothing. */
  private sinceMs: number | undefined;

  /** Is it new? It is known from now on. */
  isNew(pair: Hash64, atMs: number): boolean {
    this.turn(atMs);
    const [young, old] = this.filters;
    const step = pair.high | 1;
    let inYoung = true;
    let inOld = true;
    let bit = pair.low;
    for (let count = 0; count < BITS_PER_PAIR; count += 1) {
      const word = (bit & BIT_MASK) >>> 5;
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

  get octets(): number {
    return 2 * WORDS * 4;
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
    const [sinceMs = -1, pairCount = 0] = new Float64Array(head.slice().buffer);
    const filters = [unpacked(young), unpacked(old)] as const;
    if (filters[0] === undefined || filters[1] === undefined) return false;
    this.sinceMs = sinceMs < 0 ? undefined : sinceMs;
    this.pairCount = pairCount;
    this.filters = [filters[0], filters[1]];
    return true;
  }

  private turn(atMs: number): void {
    this.sinceMs ??= atMs;
    const passedMs = atMs - this.sinceMs;
    if (passedMs < PAIRS_PERIOD_MS && this.pairCount < PAIRS_MAX) return;
    const [young, old] = this.filters;
    old.fill(0);
    if (passedMs >= 2 * PAIRS_PERIOD_MS) young.fill(0);
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

function unpacked(octets: Uint8Array): Int32Array | undefined {
  if (octets.length % 8 !== 0) return undefined;
  const pairs = new Int32Array(octets.slice().buffer);
  const words = new Int32Array(WORDS);
  for (let index = 0; index < pairs.length; index += 2) {
    const place = pairs[index] ?? 0;
    if (place < 0 || place >= WORDS) return undefined;
    words[place] = pairs[index + 1] ?? 0;
  }
  return words;
}

const octetsOf = (values: Int32Array | Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
