/** A source of random numbers that gives the same ones for the same seed (sfc32, Chris Doty-Humphrey). */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number, stream = 0) {
    this.a = seed | 0;
    this.b = stream | 0;
    this.c = 0x9e_37_79_b9 | 0;
    for (let round = 0; round < 16; round += 1) this.word();
  }

  /** 32 random bits, unsigned. */
  word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.word() / 2 ** 32;
  }

  /** From 0 to below `bound`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  chance(share: number): boolean {
    return this.fraction() < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  octets(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.word() >>> 24);
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.fraction());
  }

  /** Heavy tail: at least `least`, mean least * shape / (shape - 1). */
  pareto(least: number, shape: number): number {
    return least / (1 - this.fraction()) ** (1 / shape);
  }

  weibull(scale: number, shape: number): number {
    return scale * (-Math.log(1 - this.fraction())) ** (1 / shape);
  }

  lognormal(median: number, sigma: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.fraction())) * Math.cos(2 * Math.PI * this.fraction());
    return median * Math.exp(sigma * normal);
  }

  /** Rank from 0 to below `count`, the first the most frequent: Zipf's law by inversion of its continuous form. */
  zipf(count: number): number {
    return Math.min(count - 1, Math.floor((count + 1) ** this.fraction()) - 1);
  }
}
