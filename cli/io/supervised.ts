import type { Ready, Stop } from './supervisor.ts';

/** Tells the supervisor, if there is one, that this part does its work now. */
export function tellReady(): void {
  const ready: Ready = { kind: 'ready' };
  process.send?.(ready);
}

/** SIGHUP asks for a reload, and ends nobody: not even a part that is not ready for it, or has nothing to read again. */
export function onHangUp(reload: () => void): void {
  process.on('SIGHUP', reload);
}

/** A signal that comes again within this time is the same wish, milliseconds: some send it to a process and to its group. */
export const SAME_SIGNAL_MS = 1000;

/** Calls `asked` for SIGTERM and SIGINT: each time somebody wishes that this process ends. */
export function onEndSignal(asked: (signal: string) => void): void {
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const isSame = performance.now() - lastMs < SAME_SIGNAL_MS;
      if (isSame) return;
      lastMs = performance.now();
      asked(signal);
    });
  }
}

/**
 * Calls `stop` each time this process is asked to end. Alone it is asked by SIGTERM or SIGINT. A part under a supervisor is asked
 * by that alone, or by its death: terminals and service managers signal all processes at once, and the parts must end in order.
 */
export function onStop(stop: (reason: string) => void): void {
  const isSupervised = process.send !== undefined;
  onEndSignal((signal) => {
    if (!isSupervised) stop(signal);
  });
  if (!isSupervised) return;
  process.on('message', (message: unknown) => {
    if (isStop(message)) stop('asked to');
  });
  process.on('disconnect', () => stop('the supervisor is gone'));
}

const isStop = (message: unknown): message is Stop =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'stop';

/** Lets go of the supervisor, so that nothing keeps this process from ending. */
export function leaveSupervisor(): void {
  process.removeAllListeners('disconnect');
  if (process.connected) process.disconnect();
}
