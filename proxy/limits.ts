import { sourceKey } from '../lib/ip.ts';

/** Idle sources whose rate is remembered, at most; sources with open connections come on top, bounded by those connections. */
export const IDLE_SOURCES_MAX = 131_072;
/** After this time without a connection a source owes nothing any more, milliseconds. */
export const RATE_WINDOW_MS = 60_000;

/** How many connections there may be. */
export interface ConnectionLimits {
  /** Open at once, all sources together. */
  readonly totalMax: number;
  /** Open at once, one source. */
  readonly perSourceMax: number;
  /** Opened in a minute, one source; all of them may come at once. */
  readonly perMinuteMax: number;
  /** What of `totalMax`, and of the connections to a server behind, is kept from strangers: 0 to below 1. */
  readonly reservedShare: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  totalMax: 5_000,
  perSourceMax: 20,
  perMinuteMax: 300,
  reservedShare: 0.1,
};

/** How many of `max` connections strangers may have: all but the reserve, so that whoever fills them shuts out strangers only. */
export const openToStrangers = (max: number, reservedShare: number): number => max - Math.floor(max * reservedShare);

/** Which limits a connection exceeds, itself included. */
export interface Load {
  readonly total: boolean;
  /** The ones that are open to strangers, which others may exceed. */
  readonly strangers: boolean;
  readonly perSource: boolean;
  readonly rate: boolean;
}

/** One source. Its debt grows by {@link RATE_WINDOW_MS} a connection and is paid at `perMinuteMax` a millisecond: integers only. */
interface Source {
  openCount: number;
  debt: number;
  /** When the debt was last reckoned. */
  atMs: number;
}

/**
 * The connections of each source: open ones and how fast they come. Every call costs the same, however many sources there are.
 *
 * Sources with open connections are never forgotten, so that nobody frees himself from `perSourceMax`; there are no more of
 * them than connections. Idle sources live in two generations: the young one becomes the old one, and the old one is
 * dropped, when a generation is full or everybody in the old one has paid. Only the first loses anything, namely the debt of
 * those who have been idle longest: who wants to lose his own has to come from {@link IDLE_SOURCES_MAX} / 2 other sources
 * first, each of which has a rate of its own anyway. A newcomer is always taken in and owes nothing, whatever the table holds.
 */
export class SourceTable {
  /** In force for the next connection; a reload replaces it. */
  limits: ConnectionLimits;
  readonly #busy = new Map<string, Source>();
  readonly #generationMax: number;
  #young = new Map<string, Source>();
  #old = new Map<string, Source>();
  #youngSinceMs = 0;
  #nowMs = 0;
  #openCount = 0;

  constructor(limits: ConnectionLimits, idleSourcesMax = IDLE_SOURCES_MAX) {
    this.limits = limits;
    this.#generationMax = Math.max(1, Math.floor(idleSourcesMax / 2));
  }

  /** Connections open now. */
  get openCount(): number {
    return this.#openCount;
  }

  /** Sources held in memory. */
  get sourceCount(): number {
    return this.#busy.size + this.#young.size + this.#old.size;
  }

  /**
   * A connection was accepted by the system. It counts from now on, whether it is let in or turned away; {@link closed} must
   * follow once. One that comes too fast costs nothing: who goes on knocking gets in at the allowed rate.
   *
   * @param ip - Canonical address.
   * @param nowMs - Integer milliseconds, of a clock that should not go back; while it does, no time passes.
   */
  opened(ip: string, nowMs: number): Load {
    const { totalMax, perSourceMax, perMinuteMax, reservedShare } = this.limits;
    // What goes back does not go on: nobody pays the same time twice.
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    // Whoever is in the old generation has paid after one window.
    if (this.#nowMs - this.#youngSinceMs >= RATE_WINDOW_MS) this.#turn();
    const source = this.#take(sourceKey(ip));
    this.#openCount += 1;
    source.openCount += 1;
    source.debt = Math.max(0, source.debt - (this.#nowMs - source.atMs) * perMinuteMax);
    source.atMs = this.#nowMs;
    const rate = source.debt + RATE_WINDOW_MS > perMinuteMax * RATE_WINDOW_MS;
    if (!rate) source.debt += RATE_WINDOW_MS;
    return {
      total: this.#openCount > totalMax,
      strangers: this.#openCount > openToStrangers(totalMax, reservedShare),
      perSource: source.openCount > perSourceMax,
      rate,
    };
  }

  /** A connection is gone: once for each {@link opened}, with the same address. */
  closed(ip: string): void {
    const key = sourceKey(ip);
    const source = this.#busy.get(key);
    if (source === undefined) return;
    this.#openCount -= 1;
    source.openCount -= 1;
    if (source.openCount > 0) return;
    this.#busy.delete(key);
    if (this.#young.size >= this.#generationMax) this.#turn();
    this.#young.set(key, source);
  }

  /** The source with its debt, from wherever it is, now among the busy ones. */
  #take(key: string): Source {
    const busy = this.#busy.get(key);
    if (busy !== undefined) return busy;
    const source = this.#young.get(key) ?? this.#old.get(key) ?? { openCount: 0, debt: 0, atMs: this.#nowMs };
    this.#young.delete(key);
    this.#old.delete(key);
    this.#busy.set(key, source);
    return source;
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngSinceMs = this.#nowMs;
  }
}
