import { expect, test } from 'vitest';
import { decodeEvent } from '../../events/codec.ts';
import { GapCounter, gapRecord } from '../../log/gap.ts';

const origin = { site: 'site', gate: 'gate-1' };

function aGap(): GapCounter {
  const gap = new GapCounter();
  gap.add('command', 20, 'disk-full');
  gap.add('mail', 10, 'queue-full');
  gap.add('command', 30, 'queue-full', 4);
  return gap;
}

test('a gap counts by type, from the first to the last, and tells its first reason', () => {
  expect(aGap().toEvent(origin, 40)).toEqual({
    v: 1,
    type: 'log-gap',
    at: 40,
    ...origin,
    reason: 'disk-full',
    counts: { command: 5, mail: 1 },
    fromAt: 10,
    toAt: 30,
  });
});

test('a gap whose count nobody knows is a gap', () => {
  const gap = new GapCounter();
  expect(gap.isEmpty).toBe(true);
  gap.add('unknown', 5, 'damaged-file', 0);
  expect(gap.isEmpty).toBe(false);
  expect(gap.toEvent(origin, 6)).toMatchObject({ counts: {}, fromAt: 5, toAt: 5, reason: 'damaged-file' });
});

test('a gap survives as a line', () => {
  const gap = aGap();
  expect(GapCounter.parse(gap.toLine(origin, 40)).toEvent(origin, 40)).toEqual(gap.toEvent(origin, 40));
  expect(GapCounter.parse('').isEmpty).toBe(true);
  expect(GapCounter.parse('{"v":1,"type":"mail"}').isEmpty).toBe(true);
});

test('a clone is one of its own', () => {
  const gap = aGap();
  const clone = gap.clone();
  clone.add('mail', 50, 'queue-full');
  expect(gap.toEvent(origin, 60)).toMatchObject({ counts: { command: 5, mail: 1 }, toAt: 30 });
  expect(clone.toEvent(origin, 60)).toMatchObject({ counts: { command: 5, mail: 2 }, toAt: 50, reason: 'disk-full' });
});

test('the record of a gap is an event in every partition that never gives way', () => {
  const record = gapRecord(aGap().toEvent(origin, 40));
  expect(record).toMatchObject({ stream: 'postern.events', everyPartition: true, priority: 'high' });
  expect(decodeEvent(record.payload)).toEqual({ ok: true, value: aGap().toEvent(origin, 40) });
});
