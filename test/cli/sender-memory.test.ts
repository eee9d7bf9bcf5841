import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLOCK_MS_MIN, SENDER_AGAIN_MS, SENDER_MS, SenderMemory, WATCHED_MS } from '../../cli/gate/sender-memory.ts';

const sender = (number: number): string => number.toString(16).padStart(16, '0');
const DAY_MS = 86_400_000;
/** When everything here begins. */
const T = CLOCK_MS_MIN;
const always = (): boolean => true;

test('an address that sent is known for 30 days; of others it is known after a week', () => {
  const memory = new SenderMemory(T);
  memory.note(sender(1), T + 1000);
  expect(memory.has(sender(1), T + 1000 + SENDER_MS)).toBe(true);
  expect(memory.has(sender(1), T + 1000 + SENDER_MS + SENDER_AGAIN_MS)).toBe(false);
  expect(memory.has(sender(2), T + WATCHED_MS - 1)).toBe('unavailable');
  expect(memory.has(sender(2), T + WATCHED_MS)).toBe(false);
});

test('an address is written down once a day', () => {
  const memory = new SenderMemory(T);
  expect(memory.note(sender(1), T)).toBe(`${sender(1)} ${T}\n`);
  expect(memory.note(sender(1), T + SENDER_AGAIN_MS - 1)).toBeUndefined();
  expect(memory.note(sender(1), T + SENDER_AGAIN_MS)).toBe(`${sender(1)} ${T + SENDER_AGAIN_MS}\n`);
});

test('beyond the maximum the oldest goes, and what it takes away is no longer said to be known', () => {
  const memory = new SenderMemory(T, 2);
  for (const [index, day] of [10, 11, 12].entries()) memory.note(sender(index), T + day * DAY_MS);
  expect(memory.size).toBe(2);
  expect(memory.has(sender(1), T + 12 * DAY_MS)).toBe(true);
  expect(memory.has(sender(0), T + 11 * DAY_MS + WATCHED_MS - 1)).toBe('unavailable');
  expect(memory.has(sender(0), T + 11 * DAY_MS + WATCHED_MS)).toBe(false);
});

test('what was written down is known again, with the lines that were added', () => {
  const before = new SenderMemory(T);
  before.note(sender(1), T);
  const text = before.toText('m') + (before.note(sender(2), T + 5) ?? '');
  const after = new SenderMemory(T + 8 * DAY_MS);
  after.addText(text, (mark) => mark === 'm', T + 8 * DAY_MS);
  expect([1, 2, 3].map((number) => after.has(sender(number), T + 8 * DAY_MS))).toEqual([true, true, false]);
  expect(after.toText('m')).toBe(text);
});

const since = `since ${T} m\n`;
test.each([
  ['empty', '', always],
  ['without a time', 'since x m\n', always],
  ['without a mark', `since ${T}\n`, always],
  ['with a line that is none', `${since}nonsense\n`, always],
  ['with a line that was cut', `${since}${sender(1)} ${T}`, always],
  ['without its first line', `${sender(1)} ${T}\n`, always],
  ['of another writer', since, () => false],
])('a file %s is a loss', (_name, text, isGood) => {
  const memory = new SenderMemory(T + 9 * DAY_MS);
  memory.addText(text, isGood, T + 9 * DAY_MS);
  expect(memory.has(sender(7), T + 15 * DAY_MS)).toBe('unavailable');
  expect(memory.has(sender(7), T + 16 * DAY_MS)).toBe(false);
});

test('a clock that is set right after the start has not watched since 1970', () => {
  const memory = new SenderMemory(5000);
  expect(memory.has(sender(1), T)).toBe('unavailable');
  expect(memory.has(sender(1), T + WATCHED_MS - 1)).toBe('unavailable');
  expect(memory.has(sender(1), T + WATCHED_MS)).toBe(false);
});

test('it never says of an address that it sent nothing when it did so within a week', () => {
  const sending = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 3 * DAY_MS })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(sending, fc.integer({ min: 1, max: 5 }), (steps, sendersMax) => {
      const memory = new SenderMemory(T, sendersMax);
      const lastMs = new Map<number, number>();
      let nowMs = T;
      for (const [number, passedMs] of steps) {
        nowMs += passedMs;
        memory.note(sender(number), nowMs);
        lastMs.set(number, nowMs);
        for (const [each, atMs] of lastMs) {
          if (nowMs - atMs < WATCHED_MS) expect(memory.has(sender(each), nowMs)).not.toBe(false);
        }
      }
    }),
  );
});
