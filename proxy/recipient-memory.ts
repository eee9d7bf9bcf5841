import type { ForwardPath } from './path.ts';
import { enhancedCodeOf, type OwnReply, ownReply, type UpstreamReply } from './reply.ts';

/** How long a refusal is remembered, milliseconds. */
export const REFUSAL_TTL_MS = 60_000;
/** Most refusals remembered. */
export const REFUSALS_MAX = 50_000;
/** Longest key that is remembered, UTF-16 code units: longer forward-paths are asked for each time. */
export const REFUSAL_KEY_LENGTH_MAX = 512;
/** Longest text kept of a reply, UTF-16 code units. */
export const REFUSAL_TEXT_LENGTH_MAX = 400;

/** RFC 3463 section 3.2, RFC 7505 section 4.2: the address does not exist. Nothing else is remembered. */
const unknownAddress: ReadonlySet<string> = new Set(['5.1.1', '5.1.10']);

/**
 * The form in which forward-paths are compared: local part to the letter, domain canonical.
 *
 * @returns undefined for what is not remembered: `<postmaster>` alone, a source route (which may be what was refused), a
 * domain without a canonical form, and what is too long.
 */
export function forwardPathKey(path: ForwardPath): string | undefined {
  if (path.kind === 'postmaster' || path.sourceRoute.length > 0) return undefined;
  const { domain, localPart } = path;
  const name = domain.kind === 'literal' ? `[${domain.address}]` : domain.ascii;
  if (name === undefined || localPart.length + name.length >= REFUSAL_KEY_LENGTH_MAX) return undefined;
  return `${localPart}@${name}`;
}

interface Refusal {
  readonly reply: OwnReply;
  readonly atMs: number;
}

/**
 * What the server behind said to forward-paths that do not exist, by source, for a minute: a source that asks again gets the
 * same reply without the server being asked. In two generations, so that it is bounded and every call costs the same; when a
 * generation is full the older half is forgotten, and those are asked for again.
 */
export class RecipientMemory {
  readonly #generationMax: number;
  #young = new Map<string, Refusal>();
  #old = new Map<string, Refusal>();

  constructor(refusalsMax = REFUSALS_MAX) {
    this.#generationMax = Math.max(1, Math.floor(refusalsMax / 2));
  }

  /** Refusals held in memory, the expired ones included. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /**
   * Takes note of a reply to RCPT; one that does not say 5.1.1 or 5.1.10 is nothing to remember.
   *
   * @param ip - Canonical address of the client.
   * @param key - As {@link forwardPathKey} gives it.
   * @param wallMs - Integer milliseconds since 1970-01-01 UTC.
   */
  remember(ip: string, key: string, reply: UpstreamReply, wallMs: number): void {
    const enhanced = enhancedCodeOf(reply);
    if (enhanced === undefined || !unknownAddress.has(enhanced)) return;
    if (this.#young.size >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    const text = textBehind(enhanced, reply.lines);
    this.#young.set(pairOf(ip, key), { reply: ownReply(reply.code, enhanced, text), atMs: wallMs });
  }

  /** The reply of the server behind to this source and forward-path, less than {@link REFUSAL_TTL_MS} ago. */
  refused(ip: string, key: string, wallMs: number): OwnReply | undefined {
    const pair = pairOf(ip, key);
    const refusal = this.#young.get(pair) ?? this.#old.get(pair);
    if (refusal === undefined) return undefined;
    // A clock that was set back makes nothing last longer.
    const ageMs = wallMs - refusal.atMs;
    return ageMs >= 0 && ageMs < REFUSAL_TTL_MS ? refusal.reply : undefined;
  }
}

const pairOf = (ip: string, key: string): string => `${ip} ${key}`;

/** The text of all lines as one, without the enhanced code that each of them repeats (RFC 2034 section 4). */
const textBehind = (enhanced: string, lines: readonly string[]): string =>
  lines
    .map((line) => (line.startsWith(enhanced) ? line.slice(enhanced.length).trimStart() : line))
    .join(' ')
    .slice(0, REFUSAL_TEXT_LENGTH_MAX);
