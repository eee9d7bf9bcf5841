import { expect, test } from 'vitest';
import { SourceWalk } from '../../store/source-walk.ts';

const HOUR_MS = 3_600_000;
const nowMs = 500_000 * HOUR_MS;

test('a walk begins at once, at the first row or some time ago', () => {
  expect(new SourceWalk({ everyMs: 1000 }).waitMs(nowMs)).toBe(0);
  expect(new SourceWalk({ everyMs: 1000 }).next(nowMs)).toEqual({ hour: 0, ip: '::' });
  expect(new SourceWalk({ everyMs: 1000, backMs: 2 * HOUR_MS }).next(nowMs)).toEqual({
    hour: 499_998 * 3600,
    ip: '::',
  });
  expect(new SourceWalk({ everyMs: 1000, backMs: 2 * HOUR_MS }).next(0)).toEqual({ hour: 0, ip: '::' });
});

test('it goes on behind each slice up to its end, and begins anew so long after its beginning', () => {
  const walk = new SourceWalk({ everyMs: 1000 });
  walk.next(nowMs);
  walk.arrived({ hour: 7200, ip: '::ffff:192.0.2.1' });
  expect(walk.waitMs(nowMs + 1)).toBe(0);
  expect(walk.next(nowMs + 1)).toEqual({ hour: 7200, ip: '::ffff:192.0.2.1' });
  walk.arrived(undefined);
  expect(walk.waitMs(nowMs + 300)).toBe(700);
  expect(walk.waitMs(nowMs + 1000)).toBe(0);
  expect(walk.next(nowMs + 1000)).toEqual({ hour: 0, ip: '::' });
});

test('one that took longer than that begins anew at its end, not before', () => {
  const walk = new SourceWalk({ everyMs: 1000 });
  walk.next(nowMs);
  walk.arrived({ hour: 3600, ip: '::' });
  expect(walk.next(nowMs + 5000)).toEqual({ hour: 3600, ip: '::' });
  walk.arrived(undefined);
  expect(walk.waitMs(nowMs + 5000)).toBe(0);
});

test('a clock that is set back makes it wait no longer than usual', () => {
  const walk = new SourceWalk({ everyMs: 1000 });
  walk.next(nowMs);
  walk.arrived(undefined);
  expect(walk.waitMs(nowMs - HOUR_MS)).toBe(1000);
});

test('a restart begins at the first row again, whatever was under way', () => {
  const walk = new SourceWalk({ everyMs: 1000 });
  walk.next(nowMs);
  walk.arrived({ hour: 3600, ip: '::' });
  walk.restart();
  expect(walk.waitMs(nowMs)).toBe(0);
  expect(walk.next(nowMs)).toEqual({ hour: 0, ip: '::' });
});
