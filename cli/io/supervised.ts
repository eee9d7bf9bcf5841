import type { Ready } from './supervisor.ts';

/** Tells the supervisor, if there is one, that this part does its work now. */
export function tellReady(): void {
  const ready: Ready = { kind: 'ready' };
  process.send?.(ready);
}

/**
 * Calls `stop` when this part is asked to end: SIGTERM, SIGINT at a terminal, or the death of its supervisor. A part under a
 * supervisor leaves SIGINT to it: a terminal sends the signal to all of them, and they end in an order.
 */
export function onStop(stop: (reason: string) => void): void {
  const isSupervised = process.send !== undefined;
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => {
    if (!isSupervised) stop('SIGINT');
  });
  if (isSupervised) process.on('disconnect', () => stop('the supervisor is gone'));
}

/** Lets go of the supervisor, so that nothing keeps this process from ending. */
export function leaveSupervisor(): void {
  if (process.connected) process.disconnect();
}
