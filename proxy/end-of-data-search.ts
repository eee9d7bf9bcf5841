const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const END_OF_DATA: readonly number[] = [CR, LF, DOT, CR, LF];

/** The octet goes on with the dot line that ends the data: `matched` octets of CRLF.CRLF came last, the first CRLF among them. */
export const continuesEndOfData = (matched: number, octet: number | undefined): boolean =>
  matched >= 2 && octet === END_OF_DATA[matched];

/**
 * Looks for the CRLF.CRLF that ends a body nobody reads any more (RFC 5321 section 4.1.1.4), whatever else is in it.
 */
export class EndOfDataSearch {
  /** How much of CRLF.CRLF the octets end with. */
  #matched: number;

  /** `matched`: how many octets of CRLF.CRLF came last; the start of a body counts as the CRLF before it. */
  constructor(matched: number) {
    this.#matched = matched;
  }

  /**
   * Searches on. Stops before the LF that ends the data, and there again when called at it.
   *
   * @returns How many octets were looked at, and whether the next one ends the data.
   */
  search(octets: Uint8Array): { readonly length: number; readonly ended: boolean } {
    const last = END_OF_DATA.length - 1;
    let matched = this.#matched;
    let index = 0;
    for (; index < octets.length; index += 1) {
      const octet = octets[index];
      if (octet === END_OF_DATA[matched]) {
        if (matched === last) break;
        matched += 1;
      } else {
        matched = octet === CR ? 1 : 0;
      }
    }
    this.#matched = matched;
    return { length: index, ended: index < octets.length };
  }
}
