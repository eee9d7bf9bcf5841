/**
 * What a question gives, or undefined as soon as `signal` aborts: its outcome is nobody's then. Leaves nothing behind at the signal,
 * however long that lives.
 */
export async function unlessAborted<T>(asked: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  asked.catch(() => undefined);
  try {
    return await Promise.race([asked, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
