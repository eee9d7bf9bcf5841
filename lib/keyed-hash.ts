/** Two words of key; who does not know them can steer no two inputs into one hash. */
export interface HashKey {
  readonly first: number;
  readonly second: number;
}

/** A 64-bit hash as two signed 32-bit words. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/**
 * HalfSipHash (Aumasson and Bernstein, "SipHash: a fast short-input PRF"; the variant with words of 32 bits) with a result of
 * 64 bits, over the UTF-16LE octets of a text. One round a word and three at the end, which is what hash tables take.
 *
 * Tables whose keys come from the network are addressed by it: with a secret key nobody can fill one set of a table on purpose.
 */
export class KeyedHash {
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;
  readonly #key: HashKey;

  constructor(key: HashKey) {
    this.#key = key;
  }

  of(text: string): Hash64 {
    this.#begin();
    const { length } = text;
    const pairs = length & ~1;
    for (let index = 0; index < pairs; index += 2) {
      this.#absorb(text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16));
    }
    const octetCount = (length * 2) & 0xff;
    this.#absorb((octetCount << 24) | (length === pairs ? 0 : text.charCodeAt(pairs)));
    return this.#end();
  }

  /** The hash of two hashes and a number, in this order: of a pair, told apart by its kind. */
  ofPair(one: Hash64, other: Hash64, kind: number): Hash64 {
    this.#begin();
    this.#absorb(one.high);
    this.#absorb(one.low);
    this.#absorb(other.high);
    this.#absorb(other.low);
    this.#absorb(kind);
    return this.#end();
  }

  #begin(): void {
    const { first, second } = this.#key;
    this.#v0 = first;
    this.#v1 = second ^ 0xee;
    this.#v2 = 0x6c_79_67_65 ^ first;
    this.#v3 = 0x74_65_64_62 ^ second;
  }

  #absorb(word: number): void {
    this.#v3 ^= word;
    this.#round();
    this.#v0 ^= word;
  }

  #end(): Hash64 {
    this.#v2 ^= 0xee;
    for (let round = 0; round < 3; round += 1) this.#round();
    const low = this.#v1 ^ this.#v3;
    this.#v1 ^= 0xdd;
    for (let round = 0; round < 3; round += 1) this.#round();
    return { high: this.#v1 ^ this.#v3, low };
  }

  #round(): void {
    let v0 = (this.#v0 + this.#v1) | 0;
    let v1 = rotated(this.#v1, 5) ^ v0;
    v0 = rotated(v0, 16);
    let v2 = (this.#v2 + this.#v3) | 0;
    let v3 = rotated(this.#v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotated(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotated(v1, 13) ^ v2;
    v2 = rotated(v2, 16);
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** A hash as 16 hexadecimal digits. */
export const textOfHash = ({ high, low }: Hash64): string => digits(high) + digits(low);

const digits = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
