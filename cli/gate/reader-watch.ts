import { readFile } from 'node:fs/promises';
import type { EventLog } from '../../log/event-log.ts';
import { decodeProgress, type ReaderProgress } from '../../log/progress.ts';
import type { Logger } from '../../proxy/io/logger.ts';
import { type LagChange, type LagLimits, ReaderLag, type ReaderStanding } from './reader-lag.ts';

/** How often a gate looks how far the parts that read the log are, milliseconds. */
export const LOOK_EVERY_MS = 1000;

export interface ReaderWatchOptions {
  /** Where the part writes down how far it is. */
  readonly file: string;
  /** The log as the gate reads it; undefined while it cannot. */
  readonly log: () => Pick<EventLog, 'bounds' | 'read'> | undefined;
  readonly logger: Logger;
  readonly limits: LagLimits;
  /** What it means that it is behind, and that it is back; `severe`: mail suffers. */
  readonly texts: { readonly behind: string; readonly back: string; readonly severe: boolean };
}

/** Tells the operator when a part does not keep up with the log, or is gone: mail does not wait for it, so nobody else would. */
export class ReaderWatch {
  private readonly options: ReaderWatchOptions;
  private readonly lag: ReaderLag;
  private isLooking = false;

  constructor(options: ReaderWatchOptions) {
    this.options = options;
    this.lag = new ReaderLag(performance.now(), options.limits);
  }

  /** How far behind it is, or silent, seconds. */
  get behindSeconds(): number {
    return this.lag.lagMs(performance.now()) / 1000;
  }

  /** Records that each reader has not seen, by its name. */
  get unseen(): ReadonlyMap<string, number> {
    return this.lag.unseen;
  }

  /** Looks once; nothing happens where the look before has not ended. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const told = await this.told();
    const readers = await this.standings(told?.readers ?? []);
    this.isLooking = false;
    this.tell(this.lag.look(performance.now(), { stamp: told?.atMs, readers }));
  }

  private async told() {
    try {
      return decodeProgress(await readFile(this.options.file, 'utf8'));
    } catch {
      // It never ran; or it ran as another user, and then it is told to be silent.
      return undefined;
    }
  }

  private async standings(readers: readonly ReaderProgress[]): Promise<readonly ReaderStanding[] | undefined> {
    const log = this.options.log();
    if (log === undefined) return undefined;
    try {
      return await Promise.all(readers.map((reader) => standingOf(log, reader)));
    } catch {
      // It cannot be read now, and whoever needs it says so.
      return undefined;
    }
  }

  private tell(change: LagChange | undefined): void {
    const { logger, limits, texts } = this.options;
    if (change?.kind === 'behind') {
      const details = { reason: change.reason, limitS: limits.behindMs / 1000 };
      if (texts.severe) logger.error(details, texts.behind);
      else logger.warn(details, texts.behind);
    }
    if (change?.kind === 'back') logger.warn({ afterS: Math.round(change.behindMs / 1000) }, texts.back);
  }
}

/** The end of a log may be a gap: only what can be read is there for a reader to see. */
async function standingOf(
  log: Pick<EventLog, 'bounds' | 'read'>,
  { name, stream, partition, nextOffset }: ReaderProgress,
): Promise<ReaderStanding> {
  const { next } = await log.bounds(stream, partition);
  const isAtEnd = next <= nextOffset || (await log.read(stream, partition, nextOffset, 1)).records.length === 0;
  return { name, nextOffset, end: isAtEnd ? nextOffset : next };
}
