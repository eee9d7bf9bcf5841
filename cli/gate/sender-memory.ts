/** Reverse-paths remembered, at most; the one that was used longest ago goes first. */
export const SENDERS_MAX = 200_000;
/** How long a reverse-path counts, milliseconds: 30 days. */
export const SENDER_MS = 30 * 86_400_000;
/**
 * How far back everything must be known before it can be said that an address sent nothing, milliseconds: 7 days. Servers give
 * up after 4 to 5 days (RFC 5321 section 4.5.4.1), and that is when the last bounces come.
 */
export const WATCHED_MS = 7 * 86_400_000;
/** No clock of a gate is right before this: 2026-01-01 UTC. */
export const CLOCK_MS_MIN = 1_767_225_600_000;
/** An address that sends all day is written down once, milliseconds. */
export const SENDER_AGAIN_MS = 86_400_000;

/** `since`, milliseconds since 1970-01-01 UTC, a mark of its writer: everything after that time is known. */
const SINCE_LINE = /^since (\d{1,16}) (\S{1,100})$/;
/** Keyed hash of an address, blank, milliseconds since 1970-01-01 UTC. */
const SENDER_LINE = /^([0-9a-f]{16}) (\d{1,16})$/;

/**
 * The addresses of ours with which mail went out: bounces to others are forged. As keyed hashes. Bounded; every call costs the
 * same. Times in milliseconds since 1970-01-01 UTC.
 */
export class SenderMemory {
  readonly #sentAtMs = new Map<string, number>();
  readonly #sendersMax: number;
  /** No address that sent later is missing. */
  #sinceMs: number;

  constructor(nowMs: number, sendersMax = SENDERS_MAX) {
    this.#sinceMs = nowMs;
    this.#sendersMax = sendersMax;
  }

  get size(): number {
    return this.#sentAtMs.size;
  }

  /** @returns The line that is to be kept; undefined where the last one will do. */
  note(sender: string, nowMs: number): string | undefined {
    const before = this.#sentAtMs.get(sender);
    if (before !== undefined && nowMs - before < SENDER_AGAIN_MS) return undefined;
    this.#remember(sender, nowMs);
    return lineOf(sender, nowMs);
  }

  has(sender: string, nowMs: number): boolean | 'unavailable' {
    // A clock that was set right only now has not watched for half a century.
    if (this.#sinceMs < CLOCK_MS_MIN) this.lost(nowMs);
    const sentMs = this.#sentAtMs.get(sender);
    // A day longer: within it the last time may not have been noted.
    if (sentMs !== undefined && nowMs - sentMs < SENDER_MS + SENDER_AGAIN_MS) return true;
    return nowMs - this.#sinceMs >= WATCHED_MS ? false : 'unavailable';
  }

  /** What went out before may be missing from here on. */
  lost(nowMs: number): void {
    this.#sinceMs = Math.max(this.#sinceMs, nowMs);
  }

  /** One line an address, longest ago first. `mark`: up to 100 characters without a blank. */
  toText(mark: string): string {
    return `since ${this.#sinceMs} ${mark}\n${[...this.#sentAtMs].map(([sender, atMs]) => lineOf(sender, atMs)).join('')}`;
  }

  /** Takes over what {@link toText} and {@link note} wrote; a line that is none is a loss, and a mark that is not good. */
  addText(text: string, isGood: (mark: string) => boolean, nowMs: number): void {
    const [first = '', ...lines] = text.split('\n');
    const since = SINCE_LINE.exec(first);
    if (since === null || lines.at(-1) !== '') return this.lost(nowMs);
    this.#sinceMs = Math.min(this.#sinceMs, Number(since[1]));
    if (!isGood(since[2] ?? '')) this.lost(nowMs);
    for (const line of lines.slice(0, -1)) {
      const match = SENDER_LINE.exec(line);
      if (match?.[1] === undefined) this.lost(nowMs);
      else this.#remember(match[1], Number(match[2]));
    }
  }

  #remember(sender: string, atMs: number): void {
    this.#sentAtMs.delete(sender);
    this.#sentAtMs.set(sender, atMs);
    if (this.#sentAtMs.size <= this.#sendersMax) return;
    for (const [oldest, oldestMs] of this.#sentAtMs) {
      this.#sentAtMs.delete(oldest);
      // It may have sent for another day.
      this.lost(oldestMs + SENDER_AGAIN_MS);
      return;
    }
  }
}

const lineOf = (sender: string, atMs: number): string => `${sender} ${atMs}\n`;
