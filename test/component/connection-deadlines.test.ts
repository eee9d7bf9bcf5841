import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type TimerName, timerNames } from '../../proxy/input.ts';
import { Deadlines, TIMER_MS_MAX } from '../../proxy/io/deadlines.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** Deadlines on a manual clock, and a log of what passed when. */
function makeDeadlines() {
  const clock = new ManualClock();
  const startMs = clock.nowMs;
  const passed: { name: TimerName; atMs: number }[] = [];
  const deadlines: Deadlines = new Deadlines(clock, {
    wake: () => {
      for (;;) {
        const name = deadlines.takeDue(clock.monotonicUs());
        if (name === undefined) break;
        passed.push({ name, atMs: clock.nowMs - startMs });
      }
      deadlines.arm(clock.monotonicUs());
    },
  });
  const set = (name: TimerName, ms: number): void => {
    deadlines.set(name, ms, clock.monotonicUs());
    deadlines.arm(clock.monotonicUs());
  };
  return { clock, deadlines, passed, set };
}

test('deadlines pass in their order, each once', () => {
  const { clock, passed, set } = makeDeadlines();
  set('session', 1000);
  set('command', 300);
  set('data', 700);
  clock.advance(2000);
  expect(passed).toEqual([
    { name: 'command', atMs: 300 },
    { name: 'data', atMs: 700 },
    { name: 'session', atMs: 1000 },
  ]);
  expect(clock.timers.size).toBe(0);
});

test('a deadline that was moved or cleared does not pass when it first would have', () => {
  const { clock, deadlines, passed, set } = makeDeadlines();
  set('command', 100);
  set('data', 150);
  set('command', 500);
  deadlines.clear('data');
  clock.advance(499);
  expect(passed).toEqual([]);
  clock.advance(1);
  expect(passed).toEqual([{ name: 'command', atMs: 500 }]);
});

test('moving a deadline again and again arms no further timer', () => {
  const { clock, set } = makeDeadlines();
  set('command', 100);
  for (let round = 0; round < 1000; round += 1) set('command', 100 + round);
  expect(clock.timerCount).toBe(1);
});

test('a deadline beyond the longest timer of Node is reached in several', () => {
  const { clock, passed, set } = makeDeadlines();
  set('session', TIMER_MS_MAX + 5000);
  clock.advance(TIMER_MS_MAX + 4999);
  expect(passed).toEqual([]);
  clock.advance(1);
  expect(passed).toEqual([{ name: 'session', atMs: TIMER_MS_MAX + 5000 }]);
});

test('nothing passes and nothing runs after dispose', () => {
  const { clock, deadlines, passed, set } = makeDeadlines();
  set('command', 100);
  deadlines.dispose();
  expect(clock.timers.size).toBe(0);
  clock.advance(1000);
  expect(passed).toEqual([]);
});

test('whatever is set, moved and cleared: a naive model says the same', () => {
  const anAct = fc.record({
    name: fc.constantFrom(...timerNames),
    afterMs: fc.option(fc.integer({ min: 0, max: 500 })),
    thenMs: fc.integer({ min: 0, max: 300 }),
  });
  fc.assert(
    fc.property(fc.array(anAct, { maxLength: 40 }), (acts) => {
      const { clock, deadlines, passed, set } = makeDeadlines();
      const due = new Map<TimerName, number>();
      const expected: string[] = [];
      let nowMs = 0;
      for (const { name, afterMs, thenMs } of acts) {
        if (afterMs === null) {
          deadlines.clear(name);
          due.delete(name);
        } else {
          set(name, afterMs);
          due.set(name, nowMs + Math.max(1, afterMs));
        }
        clock.advance(thenMs);
        nowMs += thenMs;
        for (const [each, dueMs] of due) {
          if (dueMs > nowMs) continue;
          expected.push(each);
          due.delete(each);
        }
      }
      expect(passed.map(({ name }) => name).sort()).toEqual(expected.sort());
    }),
  );
});
