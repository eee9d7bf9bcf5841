import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decayed, STEPS_PER_HALF_LIFE, stepOf, stepsBetween } from '../../lib/decay.ts';

test('a score is halved every half-life, within one in ten thousand and one unit', () => {
  fc.assert(
    fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), fc.nat(4000), (score, steps) => {
      const exact = score * 2 ** (-steps / STEPS_PER_HALF_LIFE);
      expect(Math.abs(decayed(score, steps) - exact)).toBeLessThan(1 + Math.abs(exact) / 10_000);
    }),
  );
});

test.each([
  [1024, 256, 512],
  [-1024, 256, -512],
  [7, 256, 3],
  [-7, 256, -3],
  [1024, 0, 1024],
  [1024, -5, 1024],
  [2 ** 31 - 1, 256 * 40, 0],
])('%i after %i steps is %i', (score, steps, after) => expect(decayed(score, steps) + 0).toBe(after));

test('more decay never gives more', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.nat(3000), fc.nat(50), (score, steps, more) => {
      expect(decayed(score, steps + more)).toBeLessThanOrEqual(decayed(score, steps));
    }),
  );
});

test('steps are whole, and none where the clock went back', () => {
  const step = stepOf(86_400_000);
  expect(step).toBe(337_500);
  expect([stepsBetween(0, 337_499, step), stepsBetween(0, 337_500, step), stepsBetween(10, 0, step)]).toEqual([
    0, 1, 0,
  ]);
});
