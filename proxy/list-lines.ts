/** Most faults of one list that are told; the rest is counted. */
export const LIST_FAULTS_MAX = 100;
/** Longest line of a list, UTF-16 code units: an address of RFC 5321 section 4.5.3.1 has 254, and a comment may follow. */
export const LIST_LINE_LENGTH_MAX = 1_000;

/** What is wrong with one line of a list. */
export interface ListFault {
  /** From 1; 0 for the list as a whole. */
  readonly line: number;
  readonly reason: string;
}

/** Faults as they are found, so many and no more. */
export class ListFaults {
  readonly #faults: ListFault[] = [];
  #untoldCount = 0;

  add(line: number, reason: string): void {
    if (this.#faults.length < LIST_FAULTS_MAX) this.#faults.push({ line, reason });
    else this.#untoldCount += 1;
  }

  /** In the order of the lines; empty for a good list. */
  get all(): readonly ListFault[] {
    if (this.#untoldCount === 0) return this.#faults;
    return [...this.#faults, { line: 0, reason: `and ${this.#untoldCount} more faults` }];
  }
}

/**
 * The entries of a list, one a line, with their line numbers: without blanks around them, without comments (`#` at the start
 * of a line or behind a blank), without empty lines. Lines end with LF or CR LF.
 */
export function* listEntries(text: string): Generator<{ readonly line: number; readonly entry: string }> {
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  for (let line = 1; start < text.length; line += 1) {
    const lineFeed = text.indexOf('\n', start);
    const end = lineFeed === -1 ? text.length : lineFeed;
    const entry = withoutComment(text.slice(start, end)).trim();
    if (entry !== '') yield { line, entry };
    start = end + 1;
  }
}

function withoutComment(line: string): string {
  let mark = line.indexOf('#');
  while (mark > 0 && line[mark - 1] !== ' ' && line[mark - 1] !== '\t') mark = line.indexOf('#', mark + 1);
  return mark === -1 ? line : line.slice(0, mark);
}
