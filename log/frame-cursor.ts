import { Buffer } from 'node:buffer';

/** Largest offset, batch id or time on the wire: 48 bits. */
export const U48_MAX = 2 ** 48 - 1;

/** Reads the fields of one frame in order. Past the end every field is 0 or empty and `isWhole` turns false. */
export class FrameCursor {
  readonly #octets: Buffer;
  #at = 0;
  #short = false;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** Everything was there and nothing is left. */
  get isWhole(): boolean {
    return !this.#short && this.#at === this.#octets.length;
  }

  u8(): number {
    return this.#take(1) ? this.#octets.readUInt8(this.#at - 1) : 0;
  }

  u16(): number {
    return this.#take(2) ? this.#octets.readUInt16LE(this.#at - 2) : 0;
  }

  u32(): number {
    return this.#take(4) ? this.#octets.readUInt32LE(this.#at - 4) : 0;
  }

  u48(): number {
    return this.#take(6) ? this.#octets.readUIntLE(this.#at - 6, 6) : 0;
  }

  /** A view, not a copy. */
  octets(count: number): Buffer {
    return this.#take(count) ? this.#octets.subarray(this.#at - count, this.#at) : Buffer.alloc(0);
  }

  /** All that is left, if it is not more than `countMax` octets. */
  rest(countMax: number): Buffer {
    const left = this.#octets.length - this.#at;
    return this.octets(left > countMax ? this.#octets.length + 1 : left);
  }

  #take(count: number): boolean {
    if (this.#short || count > this.#octets.length - this.#at) {
      this.#short = true;
      return false;
    }
    this.#at += count;
    return true;
  }
}

/** Writes the fields of one frame, with its length in front. */
export class FrameWriter {
  readonly #frame: Buffer;
  #at: number;

  /** @param bodyOctets - Octets of kind and fields together. */
  constructor(bodyOctets: number) {
    this.#frame = Buffer.allocUnsafe(4 + bodyOctets);
    this.#at = this.#frame.writeUInt32LE(bodyOctets, 0);
  }

  u8(value: number): this {
    this.#at = this.#frame.writeUInt8(value, this.#at);
    return this;
  }

  u16(value: number): this {
    this.#at = this.#frame.writeUInt16LE(value, this.#at);
    return this;
  }

  u32(value: number): this {
    this.#at = this.#frame.writeUInt32LE(value, this.#at);
    return this;
  }

  u48(value: number): this {
    this.#at = this.#frame.writeUIntLE(value, this.#at, 6);
    return this;
  }

  octets(octets: Uint8Array): this {
    this.#frame.set(octets, this.#at);
    this.#at += octets.length;
    return this;
  }

  /** The frame; every octet announced has been written. */
  finish(): Buffer {
    if (this.#at !== this.#frame.length) throw new RangeError('a frame is as long as announced');
    return this.#frame;
  }
}
