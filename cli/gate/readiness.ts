import type { Recorder } from '../../proxy/io/recorder.ts';
import type { Config } from '../config/schema.ts';

/** From this share of the recorder's queue on events are about to be dropped while the log is away. */
export const QUEUE_FULL_SHARE = 0.9;

/** Why events cannot be kept any more; undefined while they can, be it in memory until the log is back. */
export function lossBecause({ failing, pressure }: Pick<Recorder, 'failing' | 'pressure'>): string | undefined {
  if (failing === 'full') return 'the disk of the event log is full';
  return failing === 'unreachable' && pressure >= QUEUE_FULL_SHARE
    ? 'the event log is away and its queue is full'
    : undefined;
}

/** What decides whether a balancer should send clients here. */
export interface ReadinessFacts {
  readonly draining: boolean;
  readonly recorder: Pick<Recorder, 'failing' | 'pressure'>;
  readonly whenFull: Config['log']['whenFull'];
}

/** Nobody may come in, since what he does could not be recorded, and the configuration wants it so. */
export const suspendedBecause = ({ recorder, whenFull }: Omit<ReadinessFacts, 'draining'>): string | undefined =>
  whenFull === 'defer' ? lossBecause(recorder) : undefined;

/**
 * Why no client should be sent here; undefined when clients are welcome. A server behind that does not answer is no reason:
 * its clients are told 421 and come back, which a closed port would not improve.
 */
export const notReadyBecause = (facts: ReadinessFacts): string | undefined =>
  facts.draining ? 'draining' : suspendedBecause(facts);
