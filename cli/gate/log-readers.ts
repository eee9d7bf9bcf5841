import type { EventLog } from '../../log/event-log.ts';
import type { Logger } from '../../proxy/io/logger.ts';
import type { Places } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { analyzerLimits, storeLimits } from './reader-lag.ts';
import { ReaderWatch } from './reader-watch.ts';

/** The parts that read the log of this machine, as a gate sees them. */
export class LogReaders {
  readonly analyzers: ReaderWatch;
  /** Undefined where no history is kept. */
  readonly store: ReaderWatch | undefined;

  constructor(
    { store }: Pick<Config, 'store'>,
    places: Places,
    around: { readonly log: () => Pick<EventLog, 'bounds' | 'read'> | undefined; readonly logger: Logger },
  ) {
    this.analyzers = new ReaderWatch({
      ...around,
      file: places.progress,
      limits: analyzerLimits,
      texts: {
        behind:
          'the analyzers are behind or gone: no new decisions, those in force stay until they end, limits are always on',
        back: 'the analyzers keep up again',
        severe: true,
      },
    });
    if (store.kind !== 'none') {
      this.store = new ReaderWatch({
        ...around,
        file: places.storeProgress,
        limits: storeLimits,
        texts: {
          behind:
            'the store is behind or gone: history is late; what it has not read waits in the log, as long as that keeps it',
          back: 'the store keeps up again',
          severe: false,
        },
      });
    }
  }

  look(): void {
    void this.analyzers.look();
    void this.store?.look();
  }
}
