import { GATHER_BUFFER_OCTETS, GATHERED_PIECE_OCTETS_MAX } from './decoder-limits.ts';

const nothing = new Uint8Array(0);

/**
 * Octets pushed and not yet consumed, in order. Pieces are kept as they were pushed and read as views of them, so the caller
 * must not change a piece afterwards. Only tiny pieces are copied, and only while others wait. The queue itself has no limit:
 * its owner stops reading the socket (`bufferedOctets` of the decoders).
 */
export class OctetQueue {
  readonly #pieces: Uint8Array[] = [];
  /** Octets of the first piece that are consumed. */
  #consumed = 0;
  #length = 0;
  /** The buffer behind the last piece, where it is one of ours. */
  #gather: Uint8Array = nothing;
  #gathered = 0;

  /** Octets that wait. */
  get length(): number {
    return this.#length;
  }

  push(octets: Uint8Array): void {
    if (octets.length === 0) return;
    if (this.#length > 0 && octets.length <= GATHERED_PIECE_OCTETS_MAX) {
      this.#pushGathered(octets);
    } else {
      this.#pieces.push(octets);
      this.#gather = nothing;
      this.#gathered = 0;
    }
    this.#length += octets.length;
  }

  #pushGathered(octets: Uint8Array): void {
    if (this.#gather.length - this.#gathered < octets.length) {
      this.#gather = new Uint8Array(GATHER_BUFFER_OCTETS);
      this.#gathered = 0;
      this.#pieces.push(nothing);
    }
    this.#gather.set(octets, this.#gathered);
    this.#gathered += octets.length;
    this.#pieces[this.#pieces.length - 1] = this.#gather.subarray(0, this.#gathered);
  }

  /** The waiting octets from `offset` to the end of the piece that holds it; empty at the end of the queue. */
  pieceAt(offset: number): Uint8Array {
    let at = this.#consumed + offset;
    const [first = nothing] = this.#pieces;
    if (at === 0) return first;
    for (const piece of this.#pieces) {
      if (at < piece.length) return at === 0 ? piece : piece.subarray(at);
      at -= piece.length;
    }
    return nothing;
  }

  /** The first `count` waiting octets, or fewer where there are not as many: a view where they lie in one piece. */
  peek(count: number): Uint8Array {
    const wanted = Math.min(count, this.#length);
    const first = this.pieceAt(0);
    if (first.length >= wanted) return first.subarray(0, wanted);
    const copy = new Uint8Array(wanted);
    let filled = 0;
    while (filled < wanted) {
      const piece = this.pieceAt(filled).subarray(0, wanted - filled);
      copy.set(piece, filled);
      filled += piece.length;
    }
    return copy;
  }

  /** Consumes `count` octets, at most all that wait. */
  skip(count: number): void {
    const skipped = Math.min(count, this.#length);
    this.#length -= skipped;
    this.#consumed += skipped;
    // Nearly always all of it goes at once: one line, one reply.
    if (this.#length === 0) {
      this.#pieces.length = 0;
      this.#consumed = 0;
      return;
    }
    let whole = 0;
    for (const piece of this.#pieces) {
      if (this.#consumed < piece.length) break;
      this.#consumed -= piece.length;
      whole += 1;
    }
    if (whole > 0) this.#pieces.splice(0, whole);
  }

  /** Consumes the first `count` waiting octets and returns them in one buffer. */
  take(count: number): Uint8Array {
    const octets = this.peek(count);
    this.skip(octets.length);
    return octets;
  }

  /** Drops everything. */
  clear(): void {
    this.skip(this.#length);
  }
}
