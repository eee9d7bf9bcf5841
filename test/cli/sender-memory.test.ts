import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SENDER_AGAIN_MS, SENDER_MS, SenderMemory, WATCHED_MS } from '../../cli/gate/sender-memory.ts';

const sender = (number: number): string => number.toString(16).padStart(16, '0');
const DAY_MS = 86_400_000;

test('an address that sent is known for 30 days; of others it is known after a week', () => {
  const memory = new SenderMemory(0);
  memory.note(sender(1), 1000);
  expect(memory.has(sender(1), 1000 + SENDER_MS)).toBe(true);
  expect(memory.has(sender(1), 1000 + SENDER_MS + SENDER_AGAIN_MS)).toBe(false);
  expect(memory.has(sender(2), WATCHED_MS - 1)).toBe('unavailable');
  expect(memory.has(sender(2), WATCHED_MS)).toBe(false);
});

test('an address is written down once a day', () => {
  const memory = new SenderMemory(0);
  expect(memory.note(sender(1), 0)).toBe(`${sender(1)} 0\n`);
  expect(memory.note(sender(1), SENDER_AGAIN_MS - 1)).toBeUndefined();
  expect(memory.note(sender(1), SENDER_AGAIN_MS)).toBe(`${sender(1)} ${SENDER_AGAIN_MS}\n`);
});

test('beyond the maximum the oldest goes, and what it takes away is no longer said to be known', () => {
  const memory = new SenderMemory(0, 2);
  for (const [index, day] of [10, 11, 12].entries()) memory.note(sender(index), day * DAY_MS);
  expect(memory.size).toBe(2);
  expect(memory.has(sender(1), 12 * DAY_MS)).toBe(true);
  expect(memory.has(sender(0), 11 * DAY_MS + WATCHED_MS - 1)).toBe('unavailable');
  expect(memory.has(sender(0), 11 * DAY_MS + WATCHED_MS)).toBe(false);
});

test('what was written down is known again, with the lines that were added', () => {
  const before = new SenderMemory(0);
  before.note(sender(1), 0);
  const text = before.toText() + (before.note(sender(2), 5) ?? '');
  const after = new SenderMemory(8 * DAY_MS);
  after.addText(text, 8 * DAY_MS);
  expect([1, 2, 3].map((number) => after.has(sender(number), 8 * DAY_MS))).toEqual([true, true, false]);
  expect(after.toText()).toBe(text);
});

test.each(['', 'since x\n', 'since 0\nnonsense\n', `since 0\n${sender(1)} 5`, `${sender(1)} 5\n`])(
  'a damaged file is a loss: %j',
  (text) => {
    const memory = new SenderMemory(9 * DAY_MS);
    memory.addText(text, 9 * DAY_MS);
    expect(memory.has(sender(7), 15 * DAY_MS)).toBe('unavailable');
    expect(memory.has(sender(7), 16 * DAY_MS)).toBe(false);
  },
);

test('it never says of an address that it sent nothing when it did so within a week', () => {
  const sending = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 3 * DAY_MS })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(sending, fc.integer({ min: 1, max: 5 }), (steps, sendersMax) => {
      const memory = new SenderMemory(0, sendersMax);
      const lastMs = new Map<number, number>();
      let nowMs = 0;
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
