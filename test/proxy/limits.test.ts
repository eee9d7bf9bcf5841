import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  defaultConnectionLimits,
  IDLE_SOURCES_MAX,
  openToStrangers,
  RATE_WINDOW_MS,
  SourceTable,
} from '../../proxy/limits.ts';

const limits = { totalMax: 10, perSourceMax: 3, perMinuteMax: 6, reservedShare: 0 };
const fine = { total: false, strangers: false, perSource: false, rate: false };

test('the defaults', () => {
  expect(defaultConnectionLimits).toEqual({ totalMax: 5_000, perSourceMax: 20, perMinuteMax: 300, reservedShare: 0.1 });
});

test('connections of one source: as many as may be, no more, and again when one is gone', () => {
  const table = new SourceTable(limits);
  for (let count = 0; count < 3; count += 1) expect(table.opened('198.51.100.7', 0)).toEqual(fine);
  expect(table.opened('198.51.100.7', 0)).toEqual({ ...fine, perSource: true });
  expect(table.opened('198.51.100.8', 0)).toEqual(fine);
  table.closed('198.51.100.7');
  table.closed('198.51.100.7');
  expect(table.opened('198.51.100.7', 0)).toEqual(fine);
});

test('addresses of one /64 are one source', () => {
  const table = new SourceTable(limits);
  for (let count = 0; count < 3; count += 1) table.opened(`2001:db8::${count}`, 0);
  expect(table.opened('2001:db8::99', 0)).toMatchObject({ perSource: true });
  expect(table.opened('2001:db8:0:1::1', 0)).toEqual(fine);
});

test('all sources together', () => {
  const table = new SourceTable(limits);
  for (let count = 0; count < 10; count += 1) expect(table.opened(`198.51.100.${count}`, 0)).toEqual(fine);
  expect(table.opened('198.51.100.99', 0)).toEqual({ ...fine, total: true, strangers: true });
  expect(table.openCount).toBe(11);
  table.closed('198.51.100.99');
  table.closed('198.51.100.0');
  expect(table.opened('198.51.100.98', 0)).toEqual(fine);
});

test.each([
  [10, 0.1, 9],
  [10, 0, 10],
  [10, 0.9, 1],
  [1, 0.9, 1],
  [5000, 0.1, 4500],
])('of %i connections with a reserve of %f strangers may have %i', (totalMax, reservedShare, open) => {
  expect(openToStrangers(totalMax, reservedShare)).toBe(open);
  const table = new SourceTable({ ...limits, totalMax, reservedShare });
  for (let count = 1; count <= Math.min(totalMax, open + 1); count += 1)
    expect(table.opened(`10.0.${count >> 8}.${count & 255}`, 0).strangers).toBe(count > open);
});

function knock(table: SourceTable, ip: string, nowMs: number): boolean {
  const { rate } = table.opened(ip, nowMs);
  table.closed(ip);
  return rate;
}

test('the connections of a minute may come at once; then they come at the allowed rate', () => {
  const table = new SourceTable(limits);
  for (let count = 0; count < 6; count += 1) expect(knock(table, '198.51.100.7', 1_000)).toBe(false);
  expect(knock(table, '198.51.100.7', 1_000)).toBe(true);
  // One in ten seconds, however often it knocks.
  for (const [nowMs, rate] of [
    [10_999, true],
    [11_000, false],
    [11_001, true],
    [20_999, true],
    [21_000, false],
    [81_000, false],
  ] as const)
    expect([nowMs, knock(table, '198.51.100.7', nowMs)]).toEqual([nowMs, rate]);
});

test('who knocks without end gets in at the allowed rate, not never', () => {
  const table = new SourceTable(limits);
  let count = 0;
  for (let nowMs = 0; nowMs < 10 * RATE_WINDOW_MS; nowMs += 500) if (!knock(table, '198.51.100.7', nowMs)) count += 1;
  expect(count).toBe(6 + 6 * 10 - 1);
});

test('a clock that goes back pays no debt twice', () => {
  const table = new SourceTable(limits);
  for (let count = 0; count < 6; count += 1) knock(table, '198.51.100.7', 60_000);
  expect(knock(table, '198.51.100.7', 0)).toBe(true);
  expect(knock(table, '198.51.100.7', 69_999)).toBe(true);
  expect(knock(table, '198.51.100.7', 70_000)).toBe(false);
});

test('new limits hold for the next connection', () => {
  const table = new SourceTable(limits);
  for (let count = 0; count < 3; count += 1) table.opened('198.51.100.7', 0);
  table.limits = { ...limits, perSourceMax: 4 };
  expect(table.opened('198.51.100.7', 0)).toEqual(fine);
  expect(table.opened('198.51.100.7', 0)).toMatchObject({ perSource: true });
});

const stranger = (index: number): string => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;

test('the table is bounded, whatever comes', () => {
  const table = new SourceTable({ ...limits, totalMax: 100 }, 1_000);
  let most = 0;
  for (let index = 0; index < 20_000; index += 1) {
    table.opened(stranger(index), index);
    if (index >= 50) table.closed(stranger(index - 50));
    most = Math.max(most, table.sourceCount);
  }
  expect(most).toBeLessThanOrEqual(1_000 + 51);
  expect(table.openCount).toBe(50);
});

test('who fills the table does not free himself of his open connections', () => {
  const table = new SourceTable({ ...limits, totalMax: 1_000 }, 100);
  for (let count = 0; count < 3; count += 1) table.opened('198.51.100.7', 0);
  for (let index = 0; index < 10_000; index += 1) knock(table, stranger(index), 0);
  expect(table.opened('198.51.100.7', 0)).toMatchObject({ perSource: true });
});

test('nor of his rate, unless he comes from half the table of other sources within the minute', () => {
  const table = new SourceTable(limits, 100);
  for (let count = 0; count < 6; count += 1) knock(table, '198.51.100.7', 0);
  for (let index = 0; index < 49; index += 1) knock(table, stranger(index), 0);
  expect(knock(table, '198.51.100.7', 0)).toBe(true);
});

test('nor does he block others: a newcomer comes in, and owes nothing', () => {
  const table = new SourceTable({ ...limits, totalMax: 100_000 }, 100);
  for (let index = 0; index < 10_000; index += 1) {
    for (let count = 0; count < 6; count += 1) table.opened(stranger(index), 0);
  }
  expect(table.opened('203.0.113.1', 0)).toEqual(fine);
});

test('nobody who still owes is forgotten while the table has room', () => {
  const table = new SourceTable(limits, 1_000);
  for (let count = 0; count < 6; count += 1) knock(table, '198.51.100.7', 59_999);
  // The generations change at these moments.
  for (const nowMs of [60_000, 60_001, 69_998]) {
    knock(table, stranger(nowMs), nowMs);
    expect(knock(table, '198.51.100.7', nowMs)).toBe(true);
  }
});

test('the idle are forgotten once they have paid', () => {
  const table = new SourceTable(limits);
  for (let index = 0; index < 1_000; index += 1) knock(table, stranger(index), 0);
  knock(table, '198.51.100.7', 60_000);
  knock(table, '198.51.100.7', 120_000);
  expect(table.sourceCount).toBe(1);
  expect(IDLE_SOURCES_MAX).toBe(131_072);
});

test('it counts as a plain list of connections does', () => {
  const act = fc.record({ open: fc.boolean(), source: fc.nat(5), afterMs: fc.nat(200) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const table = new SourceTable({ ...limits, perMinuteMax: 1_000_000, reservedShare: 0.25 }, 4);
      const open: string[] = [];
      let nowMs = 0;
      for (const { open: opens, source, afterMs } of acts) {
        const ip = stranger(source);
        nowMs += afterMs;
        if (opens) {
          open.push(ip);
          expect(table.opened(ip, nowMs)).toEqual({
            total: open.length > 10,
            strangers: open.length > 8,
            perSource: open.filter((each) => each === ip).length > 3,
            rate: false,
          });
        } else if (open.includes(ip)) {
          open.splice(open.indexOf(ip), 1);
          table.closed(ip);
        }
        expect(table.openCount).toBe(open.length);
      }
    }),
  );
});
