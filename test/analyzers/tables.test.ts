import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sourceDetectors } from '../../analyzers/detectors/all.ts';
import { GOOD_MS, GoodSources, HISTORY_AGE_MS } from '../../analyzers/good-sources.ts';
import { failuresShape, KnownPairs } from '../../analyzers/known-pairs.ts';
import { lastingMs, Offenders, placed, rungs } from '../../analyzers/ladder.ts';
import { deeds, LEDGER_SLOTS, Ledger } from '../../analyzers/ledger.ts';
import { scenarioIds } from '../../analyzers/scenario-ids.ts';
import { siteDetectors } from '../../analyzers/site/all.ts';
import { decodeSnapshot, encodeSnapshot } from '../../analyzers/snapshot.ts';
import { NOWHERE, StateTable } from '../../analyzers/state-table.ts';
import { KeyedHash } from '../../lib/keyed-hash.ts';

const hash = new KeyedHash({ first: 1, second: 2 });
const key = (name: string | number) => hash.of(String(name));
const DAY_MS = 86_400_000;
const PERIOD_MS = failuresShape.periodMs;

const someTable = () =>
  new StateTable({ slotCount: 16, intCount: 1, timeCount: 1, worth: (table, slot) => table.int(0, slot) });

describe('a state table', () => {
  test('never grows: what is worth least gives way', () => {
    const table = someTable();
    for (let index = 0; index < 1000; index += 1) table.setInt(0, table.claim(key(index)), index);
    expect(table.count).toBe(16);
    expect(table.evictedCount).toBe(984);
    const held = Array.from({ length: 1000 }, (_, index) => index).filter(
      (index) => table.find(key(index)) !== NOWHERE,
    );
    expect(Math.min(...held)).toBeGreaterThan(900);
  });

  test('a key that is worth more stays through any flood', () => {
    const table = someTable();
    table.setInt(0, table.claim(key('enemy')), 1_000_000);
    for (let index = 0; index < 5000; index += 1) table.setInt(0, table.claim(key(index)), 1);
    expect(table.int(0, table.find(key('enemy')))).toBe(1_000_000);
  });

  test('a released key begins anew at zero', () => {
    const table = someTable();
    table.setInt(0, table.claim(key('a')), 5);
    table.release(table.find(key('a')));
    expect(table.find(key('a'))).toBe(NOWHERE);
    expect(table.int(0, table.claim(key('a')))).toBe(0);
  });

  test('is the same after a snapshot', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(100)), { maxLength: 60 }), (entries) => {
        const before = someTable();
        for (const [name, value] of entries) {
          const slot = before.claim(key(name));
          before.setInt(0, slot, value);
          before.setTime(0, slot, value * 0.5);
        }
        const after = someTable();
        expect(after.decode(before.encode())).toBe(true);
        expect(after.encode()).toEqual(before.encode());
        expect(after.count).toBe(before.count);
      }),
    );
  });

  test.each([[[]], [[1, 0, 0, 0, 0, 0, 0, 0]], [[1, 2, 3]]])('%j is no snapshot of one', (octets) => {
    expect(someTable().decode(Uint8Array.from(octets))).toBe(false);
  });
});

describe('the ledger', () => {
  const sid = '01890a5d-ac96-774b-bcce-b302099a8057';

  test('gives back what was added, the newest first', () => {
    const ledger = new Ledger();
    const first = ledger.add({ atMs: 5, sid, seq: 3 }, 100, 'unknown-recipient', 0);
    const second = ledger.add({ atMs: 6, sid: '', seq: 0 }, -7, 'known-recipient', first);
    expect(ledger.chain(second)).toEqual({
      complete: true,
      entries: [
        { sid: '', seq: 0, atMs: 6, weight: -7, deed: 'known-recipient' },
        { sid, seq: 3, atMs: 5, weight: 100, deed: 'unknown-recipient' },
      ],
    });
  });

  test('forgets the oldest, and says so', () => {
    const ledger = new Ledger();
    const first = ledger.add({ atMs: 1, sid, seq: 1 }, 1, 'unknown-recipient', 0);
    for (let count = 0; count < LEDGER_SLOTS; count += 1) ledger.add({ atMs: 2, sid, seq: 2 }, 1, 'near-miss', 0);
    const last = ledger.add({ atMs: 3, sid, seq: 3 }, 1, 'unknown-recipient', first);
    expect(ledger.chain(last)).toMatchObject({ complete: false, entries: [{ seq: 3 }] });
    const copy = new Ledger();
    expect(copy.decode(ledger.encode())).toBe(true);
    expect(copy.chain(last)).toEqual(ledger.chain(last));
  });

  test('names every deed once', () => expect(new Set(deeds).size).toBe(deeds.length));
});

describe('known pairs', () => {
  test('a pair is new once within a period, and again after two', () => {
    const pairs = new KnownPairs(failuresShape);
    expect([pairs.isNew(key('a'), 0), pairs.isNew(key('a'), 1), pairs.isNew(key('b'), 1)]).toEqual([true, false, true]);
    expect(pairs.isNew(key('a'), PERIOD_MS + 1)).toBe(false);
    expect(pairs.isNew(key('b'), 2 * PERIOD_MS + 2)).toBe(true);
    expect(pairs.isNew(key('a'), 2 * PERIOD_MS + 2)).toBe(false);
    expect(pairs.isNew(key('a'), 9 * PERIOD_MS)).toBe(true);
  });

  test('takes few new pairs for known ones', () => {
    const pairs = new KnownPairs(failuresShape);
    let known = 0;
    for (let index = 0; index < 200_000; index += 1) if (!pairs.isNew(key(index), 0)) known += 1;
    expect(known).toBeLessThan(200);
  });

  test.each([
    ['as it was written', (octets: Uint8Array) => octets],
    // What a file is read into: part of a larger memory, at any place in it.
    ['as a view into a buffer', (octets: Uint8Array) => Buffer.concat([Buffer.from('xyz'), octets]).subarray(3)],
  ])('is the same after a snapshot, %s', (_name, read) => {
    const pairs = new KnownPairs(failuresShape);
    for (let index = 0; index < 1000; index += 1) pairs.isNew(key(index), 1000);
    const copy = new KnownPairs(failuresShape);
    expect(copy.decode(read(pairs.encode()))).toBe(true);
    expect([copy.isNew(key(7), 2000), copy.isNew(key('other'), 2000)]).toEqual([false, true]);
  });
});

describe('good sources', () => {
  test('history takes three messages and a day', () => {
    const good = new GoodSources();
    const name = key('a');
    expect(good.accepted(name, 1, 0)).toBe(true);
    expect(good.accepted(name, 1, 1)).toBe(false);
    expect([good.isGood(name, 1), good.standingOf(name, HISTORY_AGE_MS)]).toEqual([true, 'stranger']);
    good.accepted(name, 1, 2);
    expect(good.standingOf(name, HISTORY_AGE_MS)).toBe('with-history');
    expect(good.standingOf(name, HISTORY_AGE_MS - 1)).toBe('stranger');
  });

  test('credit grows with recipients, within bounds, and all is over after thirty days', () => {
    const good = new GoodSources();
    const name = key('a');
    expect(good.floorOf(name, 0)).toBe(0);
    good.accepted(name, 2, 0);
    expect(good.floorOf(name, 0)).toBe(-942);
    good.accepted(name, 7, 0);
    expect(good.floorOf(name, 0)).toBe(-9 * 471);
    good.accepted(name, 1, 0);
    expect(good.floorOf(name, 0)).toBe(-4710);
    good.accepted(name, 70, 0);
    expect(good.floorOf(name, 0)).toBe(-4710 - 3 * 710);
    good.accepted(name, 100_000, 0);
    expect(good.floorOf(name, 0)).toBeCloseTo(-9.2 * 1024);
    expect([good.isGood(name, GOOD_MS), good.isGood(name, GOOD_MS + 1)]).toEqual([true, false]);
    expect(good.accepted(name, 1, GOOD_MS + 2)).toBe(true);
    expect(good.floorOf(name, GOOD_MS + 2)).toBe(-471);
  });
});

describe('the ladder', () => {
  test('a provider is slowed at most, whoever has good history deferred at most', () => {
    expect(placed(3, { standing: 'provider', isGood: false, group: 'mx' }).rung).toBe(0);
    expect(placed(3, { standing: 'stranger', isGood: true, group: 'mx' }).rung).toBe(1);
    expect(placed(3, { standing: 'stranger', isGood: true, group: 'submission' }).rung).toBe(0);
    expect(placed(3, { standing: 'with-history', isGood: false, group: 'mx' })).toMatchObject({
      rung: 1,
      held: expect.any(String),
    });
    expect(placed(99, { standing: 'stranger', isGood: false, group: 'mx' })).toEqual({ rung: rungs.length - 1 });
  });

  test('an offence after the last decision is over counts one rung more; within it none; seven days halve it', () => {
    const offenders = new Offenders();
    const name = key('a');
    expect(offenders.levelOf(name, 0)).toBe(0);
    offenders.decided(name, 0, 100);
    expect([offenders.levelOf(name, 50), offenders.levelOf(name, 100)]).toEqual([0, 1]);
    offenders.decided(name, 100, 200);
    expect(offenders.levelOf(name, 150)).toBe(1);
    expect(offenders.levelOf(name, 200)).toBe(2);
    offenders.decided(name, 200, 300);
    expect(offenders.levelOf(name, 290 + 14 * DAY_MS)).toBe(2);
    offenders.forget(name);
    expect(offenders.levelOf(name, 400)).toBe(0);
  });

  test('a decision lasts what its rung says, and an eighth more at most', () => {
    fc.assert(
      fc.property(fc.nat(4), fc.nat(0xffff), (rung, last) => {
        const ms = lastingMs(rung, `00${last.toString(16).padStart(4, '0')}`);
        const least = rungs[rung]?.forMs ?? 0;
        expect(ms).toBeGreaterThanOrEqual(least);
        expect(ms).toBeLessThan((least * 9) / 8 + 1);
      }),
    );
  });
});

test('every scenario has its detector, and documentation of all kinds', () => {
  const detectors = [...sourceDetectors, ...siteDetectors];
  expect(new Set(detectors.map(({ id }) => id))).toEqual(new Set(scenarioIds));
  for (const { description } of detectors) {
    for (const text of Object.values(description)) expect(text.length).toBeGreaterThan(5);
  }
});

test('a snapshot is read as it was written; anything else is none', () => {
  const snapshot = { stateHash: 'abc', offset: 7, decisionOffsets: [1, 2], state: Uint8Array.from([10, 0, 255]) };
  const decoded = decodeSnapshot(encodeSnapshot(snapshot));
  if (!decoded.ok) throw new Error(decoded.error);
  expect({ ...decoded.value, state: [...decoded.value.state] }).toEqual({ ...snapshot, state: [10, 0, 255] });
  for (const text of ['', '\n', '{}\n', '{"format":1}\n', 'x'])
    expect(decodeSnapshot(Buffer.from(text))).toEqual({ ok: false, error: 'damaged' });
  expect(decodeSnapshot(Buffer.from('{"format":2}\n'))).toEqual({ ok: false, error: 'format' });
});
