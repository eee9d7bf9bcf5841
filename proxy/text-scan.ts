import { BLOCK_OCTETS, octetwisePlainLines, vectorPlainLines, WINDOW_OCTETS } from './plain-lines.ts';

const CR = 0x0d;
const LF = 0x0a;
/** Shorter texts are not worth the copy into the window. */
const SKIP_OCTETS_MIN = 64;

const plainLines = vectorPlainLines() ?? octetwisePlainLines();

/** One piece of a body, and how far into it nothing but plain lines was seen. */
export class TextScan {
  readonly #octets: Uint8Array;
  /** Where the part of the piece that is in the window starts and ends. */
  #windowStart = 0;
  #windowEnd = 0;
  /** Before this index, what comes must be looked at octet by octet. */
  #skipFrom = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /**
   * Skips plain lines. `from` lies inside a line, behind an octet that is not CR.
   *
   * @returns An index at or after `from` that also lies inside a line, behind an octet that is not CR. Every CR and LF between
   * the two belongs to a CRLF, no line that begins between them begins with a dot, and no NUL is among them.
   */
  skipPlainLines(from: number): number {
    const octets = this.#octets;
    if (from < this.#skipFrom || octets.length - from < SKIP_OCTETS_MIN || octets[from] === LF) return from;
    if (from + BLOCK_OCTETS > this.#windowEnd) this.#fillWindow(from);
    let index = this.#windowStart + plainLines.find(from - this.#windowStart, this.#windowEnd - this.#windowStart);
    this.#skipFrom = index + BLOCK_OCTETS;
    // Back to a place inside a line.
    while (index > from && (octets[index - 1] === LF || octets[index - 1] === CR)) index -= 1;
    return index;
  }

  /** The window is shared by all scans: none is under way while another begins. */
  #fillWindow(from: number): void {
    const part = this.#octets.subarray(from, from + WINDOW_OCTETS);
    plainLines.window.set(part);
    this.#windowStart = from;
    this.#windowEnd = from + part.length;
  }
}

/** Tells whether the octets of a chunk hold a CR or LF outside CRLF. A CRLF may be split between pieces, and between chunks. */
export class LineEndWatch {
  #afterCarriageReturn = false;
  #found = false;

  /** A chunk begins: what was found in the one before counts no more. */
  beginChunk(): void {
    this.#found = false;
  }

  /** Looks at the next octets, at least one; true from those on among which a bare CR or LF was found. */
  sees(piece: Uint8Array): boolean {
    // Nothing is left to find out after the first.
    this.#found = this.#found || this.#breaksLineEnd(piece);
    this.#afterCarriageReturn = piece[piece.length - 1] === CR;
    return this.#found;
  }

  #breaksLineEnd(piece: Uint8Array): boolean {
    const text = new TextScan(piece);
    let afterCarriageReturn = this.#afterCarriageReturn;
    for (let index = 0; index < piece.length; index += 1) {
      if (!afterCarriageReturn) index = text.skipPlainLines(index);
      const octet = piece[index];
      if (afterCarriageReturn !== (octet === LF)) return true;
      afterCarriageReturn = octet === CR;
    }
    return false;
  }
}
