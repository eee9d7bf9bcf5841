import { assert } from '../lib/assert.ts';
import { type BodyPart, type BodyReader, type BodyStop, DataScanner } from './data-scanner.ts';

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

/** Where the client's octets stand. These are lines as the client frames them: only CRLF ends one. */
type State =
  | 'line-start'
  /** One dot at line start: it ends the data, or it is stuffing and goes. */
  | 'dot'
  | 'dot-cr'
  /** CR anywhere else. */
  | 'cr'
  | 'inside';

/** How many octets of CRLF.CRLF came last. */
const matchedEndOctets: Readonly<Record<State, number>> = {
  'line-start': 2,
  dot: 3,
  'dot-cr': 4,
  cr: 1,
  inside: 0,
};

/**
 * Reads a DATA body of a client that is allowed bare line ends: the client's lines are un-stuffed, each bare CR and bare LF
 * becomes CRLF, and the lines that result are stuffed again (RFC 5321 section 4.5.2). Only the client's own CRLF.CRLF ends the
 * data, and no normalised line can read as one. What is written goes through a `DataScanner`, which holds back and proves the
 * same as for any other body.
 */
export class LineEndingNormaliser implements BodyReader {
  readonly #scanner = new DataScanner();
  #state: State = 'line-start';
  /** The next octet written begins a line. */
  #atWrittenLineStart = true;
  #written = new Uint8Array(0);
  #writtenCount = 0;

  get matchedEndOctets(): number {
    return matchedEndOctets[this.#state];
  }

  held(): Uint8Array {
    return this.#scanner.held();
  }

  terminator(): Uint8Array {
    return Uint8Array.of(...this.held(), DOT, CR, LF);
  }

  read(octets: Uint8Array, allowNul: boolean): BodyPart {
    const undecidedBefore = this.#undecidedOctets;
    // At most two octets for each one read, and two for a CR of the piece before.
    this.#written = new Uint8Array(2 * octets.length + 2);
    this.#writtenCount = 0;
    const { length, stop } = this.#normalise(octets, allowNul);
    const { chunks, stop: fault } = this.#scanner.read(this.#written.subarray(0, this.#writtenCount), true);
    assert(fault === undefined, 'a normalised body has neither an offence nor an end');
    return { length, stop, chunks, bodyOctets: length + undecidedBefore - this.#undecidedOctets };
  }

  /** Octets of what may be the dot line that ends the data. */
  get #undecidedOctets(): number {
    if (this.#state === 'dot') return 1;
    return this.#state === 'dot-cr' ? 2 : 0;
  }

  #normalise(octets: Uint8Array, allowNul: boolean): { length: number; stop: BodyStop | undefined } {
    let length = 0;
    for (const octet of octets) {
      if (octet === LF && this.#state === 'dot-cr') return { length, stop: 'end' };
      if (octet === NUL && !allowNul) return { length, stop: 'nul' };
      this.#state = this.#step(octet);
      length += 1;
    }
    return { length, stop: undefined };
  }

  #step(octet: number): State {
    const state = this.#state;
    if (state === 'line-start' && octet === DOT) return 'dot';
    if (state === 'dot' && octet === CR) return 'dot-cr';
    if (state === 'cr' && octet === LF) {
      this.#writeLineEnd();
      return 'line-start';
    }
    // The CR before this octet was bare; a dot before it was stuffing.
    if (state === 'cr' || state === 'dot-cr') this.#writeLineEnd();
    if (octet === CR) return 'cr';
    if (octet === LF) this.#writeLineEnd();
    else this.#writeContent(octet);
    return 'inside';
  }

  #writeLineEnd(): void {
    this.#write(CR);
    this.#write(LF);
    this.#atWrittenLineStart = true;
  }

  #writeContent(octet: number): void {
    if (this.#atWrittenLineStart && octet === DOT) this.#write(DOT);
    this.#write(octet);
    this.#atWrittenLineStart = false;
  }

  #write(octet: number): void {
    this.#written[this.#writtenCount] = octet;
    this.#writtenCount += 1;
  }
}
