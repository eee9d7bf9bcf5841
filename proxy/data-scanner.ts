import { DOTS_HELD_MAX } from './decoder-limits.ts';
import { TextScan } from './text-scan.ts';

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

/** Why a scan stopped before the end of its input, at the octet named by the length of what was read. */
export type BodyStop = 'end' | 'bare-cr' | 'bare-lf' | 'nul';

/** What a scan made of its input. */
export interface BodyPart {
  /** Octets of the input that were read; the octet behind them is the one that stopped the scan. */
  readonly length: number;
  readonly stop: BodyStop | undefined;
  /** What may be written upstream, in order. Nothing that is held back. */
  readonly chunks: readonly Uint8Array[];
  /** Octets now known to belong to the body: its dots count, the dot line that ends it does not. */
  readonly bodyOctets: number;
}

/** Reads a DATA body up to its end of data (RFC 5321 sections 4.1.1.4 and 4.5.2). */
export interface BodyReader {
  /** Reads on in a body that is forwarded. Called again at the octet that stopped it, it stops there again. */
  read(octets: Uint8Array, allowNul: boolean): BodyPart;
  /** Octets held back. */
  held(): Uint8Array;
  /** What commits the body upstream, once `read` stopped at its end. */
  terminator(): Uint8Array;
  /** How many octets of CRLF.CRLF came last: from here on the body may be given up and its end be searched for. */
  readonly matchedEndOctets: number;
}

/** Line start, nothing of the line read. */
const BOL = 0;
/** One dot at line start; and CR behind it. */
const ONE_DOT = 1;
const ONE_DOT_CR = 2;
/** Two or more dots at line start; and CR behind them. */
const DOTS = 3;
const DOTS_CR = 4;
/** CR at line start or inside a line. */
const LINE_CR = 5;
/** Inside a line. */
const MID = 6;
const BROKEN = 7;
const END = 8;

type State =
  | typeof BOL
  | typeof ONE_DOT
  | typeof ONE_DOT_CR
  | typeof DOTS
  | typeof DOTS_CR
  | typeof LINE_CR
  | typeof MID;
type Cell = State | typeof BROKEN | typeof END;

/** What an octet is to the table: a dot, CR, LF or another. */
const kindOf = (octet: number): 0 | 1 | 2 | 3 => (octet === DOT ? 0 : octet === CR ? 1 : octet === LF ? 2 : 3);

/** Only CRLF ends a line, only a dot alone between two CRLFs ends the data, and a CR or LF outside CRLF breaks the body. */
const table: Readonly<Record<State, readonly [dot: Cell, cr: Cell, lf: Cell, other: Cell]>> = {
  [BOL]: [ONE_DOT, LINE_CR, BROKEN, MID],
  [ONE_DOT]: [DOTS, ONE_DOT_CR, BROKEN, MID],
  [ONE_DOT_CR]: [BROKEN, BROKEN, END, BROKEN],
  [DOTS]: [DOTS, DOTS_CR, BROKEN, MID],
  [DOTS_CR]: [BROKEN, BROKEN, BOL, BROKEN],
  [LINE_CR]: [BROKEN, BROKEN, BOL, BROKEN],
  [MID]: [MID, LINE_CR, BROKEN, MID],
};
/** How many octets of CRLF.CRLF came last. */
const matchedEndOctets: Readonly<Record<State, number>> = {
  [BOL]: 2,
  [ONE_DOT]: 3,
  [ONE_DOT_CR]: 4,
  [DOTS]: 0,
  [DOTS_CR]: 1,
  [LINE_CR]: 1,
  [MID]: 0,
};

const nothing = new Uint8Array(0);

const isAfterCr = (state: State): boolean => state === LINE_CR || state === ONE_DOT_CR || state === DOTS_CR;

/**
 * The scanner of a DATA body that is forwarded unchanged. It holds back every octet whose meaning hangs on the next one, so
 * that nothing of an offence reaches the server behind, no write ends inside a line end or behind dots at a line start, and
 * the terminator leaves in one write. What is held (at most `HELD_OCTETS_MAX` octets) is rebuilt from the state.
 */
export class DataScanner implements BodyReader {
  #state: State = BOL;
  /** The CRLF before this line is held. */
  #lineEndHeld = false;
  /** Dots at the start of this line that are held. */
  #dots = 0;

  get heldOctets(): number {
    return (this.#lineEndHeld ? 2 : 0) + this.#dots + (isAfterCr(this.#state) ? 1 : 0);
  }

  get matchedEndOctets(): number {
    return matchedEndOctets[this.#state];
  }

  held(): Uint8Array {
    const count = this.heldOctets;
    if (count === 0) return nothing;
    const octets = new Uint8Array(count).fill(DOT);
    if (this.#lineEndHeld) octets.set([CR, LF]);
    if (isAfterCr(this.#state)) octets[count - 1] = CR;
    return octets;
  }

  terminator(): Uint8Array {
    return Uint8Array.of(...this.held(), LF);
  }

  read(octets: Uint8Array, allowNul: boolean): BodyPart {
    const heldBefore = this.held();
    const undecidedBefore = this.#undecidedOctets;
    const { length, stop } = this.#scan(octets, allowNul);
    const released = heldBefore.length + length - this.heldOctets;
    const chunks: Uint8Array[] = [];
    if (heldBefore.length > 0 && released > 0) chunks.push(heldBefore.subarray(0, released));
    if (released > heldBefore.length) chunks.push(octets.subarray(0, released - heldBefore.length));
    return { length, stop, chunks, bodyOctets: length + undecidedBefore - this.#undecidedOctets };
  }

  /** Octets of what may be the dot line that ends the data. */
  get #undecidedOctets(): number {
    if (this.#state === ONE_DOT) return 1;
    return this.#state === ONE_DOT_CR ? 2 : 0;
  }

  #scan(octets: Uint8Array, allowNul: boolean): { length: number; stop: BodyStop | undefined } {
    const text = new TextScan(octets);
    const octetCount = octets.length;
    // Kept out of the fields while the loop runs: it is what bodies of very short lines cost.
    let state = this.#state;
    let lineEndHeld = this.#lineEndHeld;
    let dots = this.#dots;
    let index = 0;
    let stop: BodyStop | undefined;
    for (;;) {
      if (state === MID) index = text.skipPlainLines(index);
      if (index === octetCount) break;
      const octet = octets[index] ?? NUL;
      const cell = table[state][kindOf(octet)];
      stop = stopAt(state, cell, octet, allowNul);
      if (cell === BROKEN || cell === END || stop !== undefined) break;
      if (octet === DOT) dots += 1;
      // A longer run of dots cannot be held, and cannot end the data.
      const next = dots > DOTS_HELD_MAX ? MID : cell;
      if (next === MID || next === BOL) {
        // The line end of a line that began with dots leaves with them, so that no more than one run is ever held.
        lineEndHeld = next === BOL && state === LINE_CR;
        dots = 0;
      }
      state = next;
      index += 1;
    }
    this.#state = state;
    this.#lineEndHeld = lineEndHeld;
    this.#dots = dots;
    return { length: index, stop };
  }
}

function stopAt(state: State, cell: Cell, octet: number, allowNul: boolean): BodyStop | undefined {
  if (cell === END) return 'end';
  if (cell === BROKEN) return isAfterCr(state) ? 'bare-cr' : 'bare-lf';
  return octet === NUL && !allowNul ? 'nul' : undefined;
}
