import { expect, test } from 'vitest';
import { ok, type Result } from '../../lib/result.ts';
import { QUERIES_MAX, QUERIES_WAITING_MAX, ReadPool } from '../../store/io/read-pool.ts';
import { type Refusal, refusal } from '../../store/refusal.ts';

type Work = PromiseWithResolvers<Result<number, Refusal>>;

/** A pool and what is under way in it. */
function pool() {
  const made = new ReadPool();
  const begun: Work[] = [];
  const run = (isWanted = () => true) =>
    made.run(() => {
      const work = Promise.withResolvers<Result<number, Refusal>>();
      begun.push(work);
      return work.promise;
    }, isWanted);
  return { made, begun, run };
}

test('a few at a time, some wait in order, the rest is refused', async () => {
  const { made, begun, run } = pool();
  const all = Array.from({ length: QUERIES_MAX + QUERIES_WAITING_MAX }, () => run());
  expect(begun).toHaveLength(QUERIES_MAX);
  expect(await run()).toEqual({ ok: false, error: refusal.tooManyQueries });
  for (let n = 0; n < all.length; n += 1) {
    begun[n]?.resolve(ok(n));
    expect(await all[n]).toEqual(ok(n));
    await Promise.resolve();
    expect(begun.length).toBe(Math.min(all.length, QUERIES_MAX + n + 1));
  }
  await made.idle();
  const again = run();
  begun.at(-1)?.resolve(ok(99));
  expect(await again).toEqual(ok(99));
});

test('what nobody waits for any more is not begun; what fails gives its place back', async () => {
  const { begun, run } = pool();
  const running = Array.from({ length: QUERIES_MAX }, () => run());
  const unwanted = run(() => false);
  const next = run();
  begun[0]?.reject(new Error('broken'));
  await expect(running[0]).rejects.toThrow('broken');
  expect((await unwanted).ok).toBe(false);
  expect(begun).toHaveLength(QUERIES_MAX + 1);
  for (const work of begun) work.resolve(ok(1));
  expect(await next).toEqual(ok(1));
});
