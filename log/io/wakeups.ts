import { type Stream, streams } from '../event-log.ts';

/** Hears which streams have more. */
export type WakeListener = (woken: readonly Stream[]) => void;

/** Tells those who follow a stream that there is more. */
export class Wakeups {
  readonly #versions = new Map<Stream, number>();
  readonly #sleepers = new Set<() => void>();
  readonly #listeners = new Set<WakeListener>();
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Changes with every {@link Wakeups.wake} of the stream; to be taken before reading. */
  version(stream: Stream): number {
    return this.#versions.get(stream) ?? 0;
  }

  wake(woken: readonly Stream[] = streams): void {
    for (const stream of woken) this.#versions.set(stream, this.version(stream) + 1);
    this.#release();
    for (const listener of this.#listeners) listener(woken);
  }

  /** Calls `listener` with every wake-up, until the function returned is called. */
  listen(listener: WakeListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Nobody sleeps any more. */
  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  /** Resolves once there was a wake-up after `version`, at once if there was; or after `timeoutMs`; or when aborted. */
  async after(stream: Stream, version: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    const check = (): void => {
      if (this.#isClosed || this.version(stream) !== version) resolve();
    };
    const abort = (): void => resolve();
    this.#sleepers.add(check);
    signal.addEventListener('abort', abort);
    try {
      check();
      if (signal.aborted) resolve();
      await promise;
    } finally {
      clearTimeout(timer);
      this.#sleepers.delete(check);
      signal.removeEventListener('abort', abort);
    }
  }

  #release(): void {
    for (const check of [...this.#sleepers]) check();
  }
}
