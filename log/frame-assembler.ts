import { Buffer } from 'node:buffer';

/** Octets of the length in front of each frame. */
const LENGTH_OCTETS = 4;
/** Octets of the largest frame, length excluded: a batch of one record of any size, and some. */
export const FRAME_OCTETS_MAX = 4_194_304;

/** Cuts a stream of octets into frames: four octets of length, least significant first, then as many octets. */
export class FrameAssembler {
  #chunks: Buffer[] = [];
  #octets = 0;
  #needed = LENGTH_OCTETS;
  #inBody = false;

  /** The frames that are whole with this chunk; undefined once a length is 0 or above {@link FRAME_OCTETS_MAX}. */
  push(chunk: Buffer): readonly Buffer[] | undefined {
    this.#chunks.push(chunk);
    this.#octets += chunk.length;
    const frames: Buffer[] = [];
    while (this.#octets >= this.#needed) {
      const piece = this.#take(this.#needed);
      if (this.#inBody) {
        frames.push(piece);
        this.#needed = LENGTH_OCTETS;
      } else {
        this.#needed = piece.readUInt32LE(0);
        if (this.#needed === 0 || this.#needed > FRAME_OCTETS_MAX) return undefined;
      }
      this.#inBody = !this.#inBody;
    }
    return frames;
  }

  #take(count: number): Buffer {
    const [first] = this.#chunks;
    const whole = first !== undefined && first.length >= count ? first : Buffer.concat(this.#chunks);
    const rest = whole.subarray(count);
    if (whole === first) this.#chunks.shift();
    else this.#chunks = [];
    if (rest.length > 0) this.#chunks.unshift(rest);
    this.#octets -= count;
    return whole.subarray(0, count);
  }
}
