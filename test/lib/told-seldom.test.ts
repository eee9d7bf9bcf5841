import { expect, test } from 'vitest';
import { TOLD_EVERY_MS, ToldSeldom } from '../../lib/told-seldom.ts';

test('what happens often is told at once, then once a minute with all that came since', () => {
  const told = new ToldSeldom();
  expect(told.add(0, 0)).toBeUndefined();
  expect(told.add(3, 10)).toBe(3);
  expect(told.add(4, 20)).toBeUndefined();
  expect(told.add(0, TOLD_EVERY_MS)).toBeUndefined();
  expect(told.add(0, TOLD_EVERY_MS + 10)).toBe(4);
  expect(told.add(0, 3 * TOLD_EVERY_MS)).toBeUndefined();
  expect(told.add(1, 3 * TOLD_EVERY_MS)).toBe(1);
});
