import { readFile } from 'node:fs/promises';
import { decodeProgress, type WatchProgress } from '../../analyzers/progress.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { Logger } from '../../proxy/io/logger.ts';
import { ANALYZERS_BEHIND_MAX_MS, AnalyzerLag, type LagChange, type WatchStanding } from './analyzer-lag.ts';

/** How often a gate looks how far the analyzers are, milliseconds. */
export const ANALYZERS_LOOK_EVERY_MS = 1000;

export interface AnalyzerWatchOptions {
  /** Where the analyzers write down how far they are. */
  readonly file: string;
  /** The log as the gate reads it; undefined while it cannot. */
  readonly log: () => Pick<EventLog, 'bounds' | 'read'> | undefined;
  readonly logger: Logger;
}

/** Tells the operator when the analyzers do not keep up with the log, or are gone: mail does not wait for them, so nobody else would. */
export class AnalyzerWatch {
  private readonly options: AnalyzerWatchOptions;
  private readonly lag = new AnalyzerLag(performance.now());
  private isLooking = false;

  constructor(options: AnalyzerWatchOptions) {
    this.options = options;
  }

  /** How far behind they are, or silent, seconds. */
  get behindSeconds(): number {
    return this.lag.lagMs(performance.now()) / 1000;
  }

  /** Records that each watch has not seen, by its name. */
  get unseen(): ReadonlyMap<string, number> {
    return this.lag.unseen;
  }

  /** Looks once; nothing happens where the look before has not ended. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const told = await this.told();
    const watches = await this.standings(told?.watches ?? []);
    this.isLooking = false;
    this.tell(this.lag.look(performance.now(), { stamp: told?.atMs, watches }));
  }

  private async told() {
    try {
      return decodeProgress(await readFile(this.options.file, 'utf8'));
    } catch {
      // Analyzers that never ran; or they ran as another user, and then they are told to be silent.
      return undefined;
    }
  }

  private async standings(watches: readonly WatchProgress[]): Promise<readonly WatchStanding[] | undefined> {
    const log = this.options.log();
    if (log === undefined) return undefined;
    try {
      return await Promise.all(watches.map((watch) => standingOf(log, watch)));
    } catch {
      // It cannot be read now, and whoever needs it says so.
      return undefined;
    }
  }

  private tell(change: LagChange | undefined): void {
    const { logger } = this.options;
    if (change?.kind === 'behind') {
      logger.error(
        { reason: change.reason, limitS: ANALYZERS_BEHIND_MAX_MS / 1000 },
        'the analyzers are behind or gone: no new decisions, those in force stay until they end, limits are always on',
      );
    }
    if (change?.kind === 'back')
      logger.warn({ afterS: Math.round(change.behindMs / 1000) }, 'the analyzers keep up again');
  }
}

/** The end of a log may be a gap: only what can be read is there for a watch to see. */
async function standingOf(
  log: Pick<EventLog, 'bounds' | 'read'>,
  { name, stream, partition, nextOffset }: WatchProgress,
): Promise<WatchStanding> {
  const { next } = await log.bounds(stream, partition);
  const isAtEnd = next <= nextOffset || (await log.read(stream, partition, nextOffset, 1)).records.length === 0;
  return { name, nextOffset, end: isAtEnd ? nextOffset : next };
}
