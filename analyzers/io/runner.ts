import { partitionOf } from '../../log/partition.ts';
import { siteWatcher, sourceWatcher } from '../replay.ts';
import { LogWatch, type WatchPlace } from './log-watch.ts';
import type { RunnerOptions, RunnerStats } from './runner-options.ts';

/** How often it is told how far the watches have read, milliseconds. */
export const PROGRESS_EVERY_MS = 1000;
/**
 * Runs the watches of a log, live: one for each partition of the events, one for the evidence of the site, each from its last
 * snapshot on. What is decided goes into the log before the snapshot that has it behind itself, so no decision is lost; and
 * ids tell those that are in the log already.
 */
export class Runner {
  readonly stats: RunnerStats = { events: 0, evidence: 0, decisions: 0, unreadable: 0, snapshots: 0 };
  private readonly options: RunnerOptions;
  private readonly stopping = new AbortController();
  private watches: readonly LogWatch[] = [];
  private toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RunnerOptions) {
    this.options = options;
  }

  /** Runs until it is stopped; `onReady` is called once every watch has its state, and waited for before anything more is read. */
  async run(onReady: () => void | Promise<void> = () => undefined): Promise<void> {
    const places = placesOf(this.options);
    this.watches = await Promise.all(places.map((place) => LogWatch.begin(place, this.options, this.stats)));
    await onReady();
    this.tellProgress();
    const timer = setInterval(() => this.tellProgress(), PROGRESS_EVERY_MS).unref();
    // Timers wait while there is page after page to read.
    const onPage = (): void => {
      if (performance.now() - this.toldAtMs >= PROGRESS_EVERY_MS) this.tellProgress();
    };
    await Promise.all(this.watches.map((watch) => watch.run(this.stopping.signal, onPage)));
    clearInterval(timer);
  }

  /**
   * Changes every text in the state of the watches, and keeps it. Once every watch has its state; what they have read by then is behind
   * it, and what comes of it is in the log.
   *
   * @returns False where the state could not be kept: what it was is in the files of snapshots still.
   */
  async changeTexts(change: (text: string) => string): Promise<boolean> {
    const kept = await Promise.all(this.watches.map((watch) => watch.changeTexts(change)));
    return kept.every((isKept) => isKept);
  }

  /** Keeps the state and ends. */
  stop(): void {
    this.stopping.abort();
  }

  private tellProgress(): void {
    this.toldAtMs = performance.now();
    this.options.listener.progressed?.(this.watches.map(({ progress }) => progress));
  }
}

/** Every watch of the log, or of a share of it. */
function placesOf({ log, settings, siteDetectors, share }: RunnerOptions): readonly WatchPlace[] {
  const everyPartition = Array.from({ length: log.partitionCount }, (_, partition) => partition);
  const places: WatchPlace[] = (share?.eventPartitions ?? everyPartition).map((partition) => ({
    name: `events-${partition}`,
    stream: 'postern.events',
    partition,
    begin: () => sourceWatcher(settings, partition),
  }));
  const site = partitionOf(settings.site, log.partitionCount);
  if ((share?.evidencePartitions ?? everyPartition).includes(site)) {
    const begin = () => siteWatcher(settings, siteDetectors);
    places.push({ name: 'site', stream: 'postern.evidence', partition: site, begin });
  }
  return places;
}
