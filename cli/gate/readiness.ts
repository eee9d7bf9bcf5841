/** What decides whether a balancer should send clients here. */
export interface ReadinessFacts {
  readonly draining: boolean;
  /** Why events are not getting into the log; undefined while they do. */
  readonly logFailing: string | undefined;
  readonly whenFull: 'pass' | 'defer';
}

/**
 * Why no client should be sent here; undefined when clients are welcome. A server behind that does not answer is no reason:
 * its clients are told 421 and come back, which a closed port would not improve.
 */
export function notReadyBecause({ draining, logFailing, whenFull }: ReadinessFacts): string | undefined {
  if (draining) return 'draining';
  return logFailing !== undefined && whenFull === 'defer' ? `event log: ${logFailing}` : undefined;
}
