import type { Places } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { analyzerLimits, shipLimits, storeLimits } from './reader-lag.ts';
import { ReaderWatch, type ReaderWatchOptions } from './reader-watch.ts';

type Around = Pick<ReaderWatchOptions, 'log' | 'logger'>;

/** The parts that read the log of this machine, as a gate sees them. Those that run elsewhere are undefined. */
export class LogReaders {
  readonly analyzers: ReaderWatch | undefined;
  readonly store: ReaderWatch | undefined;
  readonly ship: ReaderWatch | undefined;

  constructor({ log, store }: Pick<Config, 'log' | 'store'>, places: Places, around: Around) {
    const isCommon = log.kind === 'kafka';
    this.analyzers = isCommon ? undefined : analyzersOf(places, around);
    this.store = isCommon || store.kind === 'none' ? undefined : storeOf(places, around);
    this.ship = isCommon ? shipOf(places, around) : undefined;
  }

  look(): void {
    void this.analyzers?.look();
    void this.store?.look();
    void this.ship?.look();
  }
}

const analyzersOf = ({ progress: file }: Places, around: Around): ReaderWatch =>
  new ReaderWatch({
    ...around,
    file,
    limits: analyzerLimits,
    texts: {
      behind:
        'the analyzers are behind or gone: no new decisions, those in force stay until they end, limits are always on',
      back: 'the analyzers keep up again',
      severe: true,
    },
  });

const storeOf = ({ storeProgress: file }: Places, around: Around): ReaderWatch =>
  new ReaderWatch({
    ...around,
    file,
    limits: storeLimits,
    texts: {
      behind:
        'the store is behind or gone: history is late; what it has not read waits in the log, as long as that keeps it',
      back: 'the store keeps up again',
      severe: false,
    },
  });

const shipOf = ({ shipProgress: file }: Places, around: Around): ReaderWatch =>
  new ReaderWatch({
    ...around,
    file,
    limits: shipLimits,
    texts: {
      behind:
        'the log is not sent on to Kafka: decisions in force stay until they end, new ones may be missing; events wait in the log of this machine, as long as that keeps them',
      back: 'the log is sent on to Kafka again',
      severe: true,
    },
  });
