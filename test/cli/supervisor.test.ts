import { expect, test } from 'vitest';
import { RESTART_DELAY_MS_MAX, RESTART_DELAY_MS_MIN, restartDelayMs } from '../../cli/io/supervisor.ts';

test('each death in a row doubles the delay, up to the longest', () => {
  expect([1, 2, 3, 4].map(restartDelayMs)).toEqual([250, 500, 1000, 2000]);
  expect(restartDelayMs(1)).toBe(RESTART_DELAY_MS_MIN);
  for (const deaths of [8, 100, 100_000]) expect(restartDelayMs(deaths)).toBe(RESTART_DELAY_MS_MAX);
});
