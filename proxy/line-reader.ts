import { EVIDENCE_OCTETS_MAX } from '../events/event.ts';
import type { OctetQueue } from './octet-queue.ts';

const CR = 0x0d;
const LF = 0x0a;
/** First octets of a line that its limit may depend on. */
const HEAD_OCTETS = 8;
/** No line is limited to less (RFC 5321 section 4.5.3.1.4): a shorter one is read without asking for its limit. */
export const LINE_OCTETS_LEAST = 512;

export interface LineRules {
  /** Most octets of the line, its end included, {@link LINE_OCTETS_LEAST} or more. `head`: its first octets, eight where it has as many. */
  readonly octetsMax: (head: Uint8Array) => number;
  /** Octets read beyond `octetsMax` to find the end of the line. */
  readonly tailOctetsMax: number;
  /** A bare LF ends the line as well; else it is a fault. */
  readonly bareLineFeedEnds: boolean;
}

/** The first octets of a line that broke a rule, up to and including the octet at fault, at most `EVIDENCE_OCTETS_MAX`. */
export interface BrokenLine {
  readonly kind: 'fault';
  readonly fault: 'bare-cr' | 'bare-lf' | 'overlong' | 'overlong-endless';
  readonly octets: Uint8Array;
}

/** `line` is without its line end; `octets` counts the line end. */
export type Line = { readonly kind: 'line'; readonly line: Uint8Array; readonly octets: number } | BrokenLine;

/** Where a line ends, or is at fault, counted from its start. */
type LineEnd =
  | { readonly octets: number; readonly endOctets: number; readonly fault?: undefined }
  | { readonly octets: number; readonly fault: 'bare-cr' | 'bare-lf' };

/**
 * Reads lines out of a queue; each octet is looked at once, however the octets were split. Only CRLF ends a line (RFC 5321
 * section 2.3.8). A CR is known to be bare when the octet behind it is. A line over its limit is dropped as it comes, up to
 * its CRLF, so that nothing of it is ever read as another line.
 */
export class LineReader {
  readonly #queue: OctetQueue;
  /** Octets of this line that were looked at, and how many of them have left the queue. */
  #seen = 0;
  #dropped = 0;
  #afterCarriageReturn = false;
  /** First octets of a line over its limit, and how much of it is read before it is given up. */
  #overlong: { readonly head: Uint8Array; readonly givenUpAt: number } | undefined;

  constructor(queue: OctetQueue) {
    this.#queue = queue;
  }

  /** A part of an overlong line was dropped and its end has not come. */
  get inOverlongLine(): boolean {
    return this.#overlong !== undefined;
  }

  /** Nothing of the next line was looked at. */
  get atLineStart(): boolean {
    return this.#seen === 0;
  }

  /** Forgets the line under way; the part of it that is in the queue stays there. */
  restart(): void {
    this.#seen = 0;
    this.#dropped = 0;
    this.#afterCarriageReturn = false;
    this.#overlong = undefined;
  }

  /**
   * The next whole line or the next fault; undefined until more octets come. What lies behind a fault stays in the queue, and
   * the rest of an `overlong-endless` line stays dropped.
   */
  next(rules: LineRules): Line | undefined {
    for (;;) {
      const piece = this.#queue.pieceAt(this.#seen - this.#dropped);
      if (piece.length === 0) return undefined;
      const limit = this.#limit(piece.length, rules);
      const end = this.#scan(piece, Math.min(piece.length, limit - this.#seen), rules.bareLineFeedEnds);
      const line = end === undefined ? this.#goOn(limit, rules) : this.#finish(end);
      if (line !== undefined) return line;
    }
  }

  #limit(pieceOctets: number, rules: LineRules): number {
    if (this.#overlong !== undefined) return this.#overlong.givenUpAt;
    if (this.#seen + pieceOctets < LINE_OCTETS_LEAST) return LINE_OCTETS_LEAST;
    return rules.octetsMax(this.#queue.peek(HEAD_OCTETS));
  }

  /** Looks at the first `octetCount` octets of a piece. */
  #scan(piece: Uint8Array, octetCount: number, bareLineFeedEnds: boolean): LineEnd | undefined {
    let seen = this.#seen;
    let afterCarriageReturn = this.#afterCarriageReturn;
    for (let index = 0; index < octetCount; index += 1) {
      const octet = piece[index];
      if (afterCarriageReturn) {
        return octet === LF ? { octets: seen + 1, endOctets: 2 } : { octets: seen, fault: 'bare-cr' };
      }
      seen += 1;
      if (octet === LF) return bareLineFeedEnds ? { octets: seen, endOctets: 1 } : { octets: seen, fault: 'bare-lf' };
      afterCarriageReturn = octet === CR;
    }
    this.#seen = seen;
    this.#afterCarriageReturn = afterCarriageReturn;
    return undefined;
  }

  /** No end in what was seen: what that means for a line that reached its limit, or the end of the patience with it. */
  #goOn(limit: number, rules: LineRules): BrokenLine | undefined {
    let fault: BrokenLine | undefined;
    if (this.#seen >= limit) {
      const head = this.#overlong?.head ?? this.#queue.peek(EVIDENCE_OCTETS_MAX).slice();
      if (this.#overlong !== undefined) fault = broken('overlong-endless', head);
      const givenUpAt = fault === undefined ? limit + rules.tailOctetsMax + 1 : Number.POSITIVE_INFINITY;
      this.#overlong = { head, givenUpAt };
    }
    if (this.#overlong !== undefined) {
      this.#queue.skip(this.#seen - this.#dropped);
      this.#dropped = this.#seen;
    }
    return fault;
  }

  /** Consumes the line up to its end or fault. */
  #finish(end: LineEnd): Line | undefined {
    const overlong = this.#overlong;
    const octets = this.#queue.take(end.octets - this.#dropped);
    this.restart();
    const head = overlong?.head ?? octets;
    if (end.fault !== undefined) return broken(end.fault, head);
    if (overlong === undefined) {
      return { kind: 'line', line: octets.subarray(0, end.octets - end.endOctets), octets: end.octets };
    }
    return overlong.givenUpAt === Number.POSITIVE_INFINITY ? undefined : broken('overlong', head);
  }
}

const broken = (fault: BrokenLine['fault'], head: Uint8Array): BrokenLine => ({
  kind: 'fault',
  fault,
  octets: head.subarray(0, EVIDENCE_OCTETS_MAX),
});
