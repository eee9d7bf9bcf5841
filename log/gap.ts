import { decodeEvent, encodeEvent } from '../events/codec.ts';
import { EVENT_VERSION, type EventByType } from '../events/event.ts';
import type { LogRecord } from './event-log.ts';

/** Why events are not in the log. */
export const gapReasons = [
  'queue-full',
  'disk-full',
  'disk-reserve',
  'damaged-file',
  'log-unreachable',
  'too-large',
] as const;
export type GapReason = (typeof gapReasons)[number];

/** Whose gap it is. */
export interface GapOrigin {
  readonly site: string;
  readonly gate: string;
}

/** Dropped events, counted by type, until one `log-gap` tells of all of them. */
export class GapCounter {
  readonly #counts = new Map<string, number>();
  #fromAtMs = 0;
  #toAtMs = 0;
  #reason: GapReason | undefined;

  get isEmpty(): boolean {
    return this.#reason === undefined;
  }

  /** When the first event was dropped, milliseconds; 0 while empty. */
  get fromAtMs(): number {
    return this.#fromAtMs;
  }

  /** The first reason of a gap is the one that is told. */
  add(type: string, atMs: number, reason: GapReason, count = 1): void {
    if (this.#reason === undefined) {
      this.#reason = reason;
      this.#fromAtMs = atMs;
      this.#toAtMs = atMs;
    }
    this.#fromAtMs = Math.min(this.#fromAtMs, atMs);
    this.#toAtMs = Math.max(this.#toAtMs, atMs);
    if (count > 0) this.#counts.set(type, (this.#counts.get(type) ?? 0) + count);
  }

  /** Adds what another counter holds. */
  addAll(gap: GapCounter): void {
    const reason = gap.#reason;
    if (reason === undefined) return;
    this.add('', gap.#fromAtMs, reason, 0);
    this.add('', gap.#toAtMs, reason, 0);
    for (const [type, count] of gap.#counts) this.add(type, gap.#toAtMs, reason, count);
  }

  /** A counter with the same content. */
  clone(): GapCounter {
    const clone = new GapCounter();
    clone.addAll(this);
    return clone;
  }

  /** The counter that gave this `log-gap`; an empty one for any other text. */
  static parse(line: string): GapCounter {
    const gap = new GapCounter();
    const decoded = decodeEvent(line);
    if (!decoded.ok || decoded.value.type !== 'log-gap') return gap;
    const { reason, counts, fromAt, toAt } = decoded.value;
    const known = gapReasons.find((other) => other === reason) ?? 'queue-full';
    gap.add('', fromAt, known, 0);
    gap.add('', toAt, known, 0);
    for (const [type, count] of Object.entries(counts)) gap.add(type, toAt, known, count);
    return gap;
  }

  /** The gap as an event; the counter is not changed. */
  toEvent(origin: GapOrigin, atMs: number): EventByType<'log-gap'> {
    return {
      v: EVENT_VERSION,
      type: 'log-gap',
      at: atMs,
      site: origin.site,
      gate: origin.gate,
      reason: this.#reason ?? 'queue-full',
      counts: Object.fromEntries(this.#counts),
      fromAt: this.#fromAtMs,
      toAt: this.#toAtMs,
    };
  }

  /** The gap as one line, for {@link GapCounter.parse}. */
  toLine(origin: GapOrigin, atMs: number): string {
    return encodeEvent(this.toEvent(origin, atMs));
  }
}

/** The record of a `log-gap`: a control event, in every partition. */
export const gapRecord = (event: EventByType<'log-gap'>): LogRecord => ({
  stream: 'postern.events',
  key: '',
  payload: encodeEvent(event),
  everyPartition: true,
  priority: 'high',
});
