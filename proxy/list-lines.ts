/** Most faults of one list that are told; the rest is counted. */
export const LIST_FAULTS_MAX = 100;
/** Longest line of a list, UTF-16 code units: an address of RFC 5321 section 4.5.3.1 has 254, and a comment may follow. */
export const LIST_LINE_LENGTH_MAX = 1_000;

/** Lines that are read in one step. */
export const LIST_LINES_PER_STEP = 500;

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
 * The lines of a list with their numbers: without blanks around them and without comments (`#` at the start of a line or
 * behind a blank). What is left is an entry, or nothing. Lines end with LF or CR LF.
 */
export function* listLines(text: string): Generator<{ readonly line: number; readonly entry: string }> {
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  for (let line = 1; start < text.length; line += 1) {
    const lineFeed = text.indexOf('\n', start);
    const end = lineFeed === -1 ? text.length : lineFeed;
    yield { line, entry: withoutComment(text.slice(start, end)).trim() };
    start = end + 1;
  }
}

function withoutComment(line: string): string {
  let mark = line.indexOf('#');
  while (mark > 0 && line[mark - 1] !== ' ' && line[mark - 1] !== '\t') mark = line.indexOf('#', mark + 1);
  return mark === -1 ? line : line.slice(0, mark);
}
