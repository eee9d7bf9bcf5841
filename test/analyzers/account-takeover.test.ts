import { describe, expect, test } from 'vitest';
import { evidence, type Fields, failure, seen, shortly } from '../support/evidence.ts';
import { HOUR_MS, MINUTE_MS, START_MS } from '../support/watch.ts';

describe('account-takeover', () => {
  const used = (acceptedCount: number, refusedCount = 0): Fields => ({
    type: 'account-used',
    role: 'submission',
    account: 'alice',
    acceptedCount,
    refusedCount,
  });

  test('an account that suddenly writes to hundreds is slowed, and told', () => {
    const { decisions, alerts } = seen([
      ...evidence(20, HOUR_MS, () => used(2)),
      ...evidence(40, 10_000, () => used(10), START_MS + 30 * HOUR_MS),
    ]);
    expect(decisions[0]).toMatchObject({ scope: 'account', value: 'alice', action: 'slow' });
    expect(alerts[0]).toMatchObject({ kind: 'takeover', subject: 'alice' });
  });

  test('one whose forward-paths are refused', () => {
    expect(shortly(evidence(20, MINUTE_MS, () => used(1, 2)))).toEqual(['account-takeover slow account alice']);
  });

  /** Somebody gets in from so many networks a day, for days; `from`: the first octet. */
  const entered = (perDay: number, days: number, from = 198, startDay = 0) =>
    evidence(
      perDay * days,
      (24 * HOUR_MS) / perDay,
      (index) => failure('alice', `${from}.${index % 250}.${Math.floor(index / 250)}.1`, { accepted: true }),
      START_MS + startDay * 24 * HOUR_MS,
    ).map((piece) => ({ ...piece, offset: piece.offset + startDay * 1_000_000 }));

  test('one that stayed at home, from a dozen networks in a day', () => {
    const atHome = evidence(40, 2 * HOUR_MS, () => failure('alice', '192.0.2.1', { accepted: true }));
    expect(shortly([...atHome, ...entered(11, 1, 198, 4)])).toEqual([]);
    expect(shortly([...atHome, ...entered(12, 1, 198, 4)])).toEqual(['account-takeover slow account alice']);
  });

  test('a new one from as many as only thieves have', () => {
    expect(shortly(entered(95, 1))).toEqual([]);
    expect(shortly(entered(96, 1))).toEqual(['account-takeover slow account alice']);
  });

  test('one on the move is never told; half more networks are', () => {
    expect(shortly(entered(40, 10))).toEqual([]);
    expect(shortly([...entered(40, 10), ...entered(55, 1, 199, 10)])).toEqual([]);
    expect(shortly([...entered(40, 10), ...entered(65, 1, 199, 10)])).toEqual(['account-takeover slow account alice']);
  });

  test('however many networks an account is used to, there is a number that is told', () => {
    const used = entered(95, 6);
    const more = entered(1000, 3, 110, 10);
    expect(seen([...used, ...more]).alerts.length).toBeGreaterThan(seen(used).alerts.length);
  });

  test('one that writes as it always did is left alone', () => {
    expect(shortly(evidence(500, 30 * MINUTE_MS, () => used(3)))).toEqual([]);
  });
});
