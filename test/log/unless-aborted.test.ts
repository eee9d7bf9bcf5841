import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { unlessAborted } from '../../log/io/unless-aborted.ts';

test('an answer that comes first is given, and nothing is left at the signal', async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7);
  await expect(unlessAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test("when the signal aborts nothing is given, and a later fault is nobody's", async () => {
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<number>();
  const given = unlessAborted(promise, controller.signal);
  controller.abort();
  expect(await given).toBeUndefined();
  expect(await unlessAborted(promise, controller.signal)).toBeUndefined();
  reject(new Error('late'));
  await new Promise((resolve) => setImmediate(resolve));
});
