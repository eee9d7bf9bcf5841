import type { MailEvent } from '../../events/event.ts';
import { sourceKey } from '../../lib/ip.ts';

/** Sources remembered, at most; the one whose mail is longest ago goes first. */
export const HISTORY_SOURCES_MAX = 100_000;
/** How long accepted mail counts, milliseconds: 30 days. */
export const HISTORY_MS = 30 * 86_400_000;

/** Line format of the file: address or /64, blank, milliseconds since 1970-01-01 UTC. */
const LINE = /^([0-9a-f:./]{2,64}) (\d{1,16})$/;

/** Sources whose mail the server behind accepted: their greeting is not held. Bounded; every call costs the same. */
export class SourceHistory {
  readonly #acceptedAtMs = new Map<string, number>();
  readonly #sourcesMax: number;

  constructor(sourcesMax = HISTORY_SOURCES_MAX) {
    this.#sourcesMax = sourcesMax;
  }

  /** Sources remembered. */
  get size(): number {
    return this.#acceptedAtMs.size;
  }

  /** Takes note of mail that was accepted; of anything else it takes none. */
  see(event: MailEvent): void {
    if (event.type === 'mail' && event.outcome === 'accepted') this.#remember(sourceKey(event.ip), event.at);
  }

  /** @param ip - Canonical address. @param nowMs - Milliseconds since 1970-01-01 UTC. */
  has(ip: string, nowMs: number): boolean {
    const atMs = this.#acceptedAtMs.get(sourceKey(ip));
    return atMs !== undefined && nowMs - atMs < HISTORY_MS;
  }

  /** One line a source, longest ago first. */
  toText(): string {
    return [...this.#acceptedAtMs].map(([source, atMs]) => `${source} ${atMs}\n`).join('');
  }

  /** Takes over what {@link toText} wrote; lines that are none are passed over, since nothing depends on them. */
  addText(text: string): void {
    for (const line of text.split('\n')) {
      const match = LINE.exec(line);
      if (match?.[1] !== undefined) this.#remember(match[1], Number(match[2]));
    }
  }

  #remember(source: string, atMs: number): void {
    this.#acceptedAtMs.delete(source);
    this.#acceptedAtMs.set(source, atMs);
    if (this.#acceptedAtMs.size <= this.#sourcesMax) return;
    for (const oldest of this.#acceptedAtMs.keys()) {
      this.#acceptedAtMs.delete(oldest);
      return;
    }
  }
}
