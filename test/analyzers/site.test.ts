import { describe, expect, test } from 'vitest';
import { siteDetectors } from '../../analyzers/site/all.ts';
import { expectedPerHour, newRate, seeEvent } from '../../analyzers/site/rate-watch.ts';
import { SiteWatch } from '../../analyzers/site-watch.ts';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { HOUR_MS, MINUTE_MS, START_MS } from '../support/watch.ts';

type Fields = Record<string, unknown> & { readonly type: EvidenceEvent['type'] };

/** Evidence, each piece `everyMs` after the one before. */
function evidence(
  count: number,
  everyMs: number,
  fields: (index: number) => Fields,
  fromMs = START_MS,
): EvidenceEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    v: 1,
    at: fromMs + index * everyMs,
    site: 'site',
    partition: 0,
    offset: Math.floor((fromMs - START_MS) / 1000) * 10_000 + index,
    part: 0,
    source: '198.51.100.7',
    role: 'mx',
    standing: 'stranger',
    sid: `s${index}`,
    seq: 1,
    ...fields(index),
  })) as unknown as EvidenceEvent[];
}

const identity = { site: 'site', configHash: 'hash' };

function seen(pieces: readonly EvidenceEvent[], watch = new SiteWatch(identity, siteDetectors)) {
  const outcomes = pieces.map((piece) => watch.see(piece));
  return {
    decisions: outcomes.flatMap(({ decisions }) => decisions),
    alerts: outcomes.flatMap(({ alerts }) => alerts),
  };
}

const shortly = (pieces: readonly EvidenceEvent[]): readonly string[] => [
  ...new Set(
    seen(pieces).decisions.map(({ scenario, action, scope, value }) => `${scenario} ${action} ${scope} ${value}`),
  ),
];

const offence = (source: string): Fields => ({
  type: 'offence-seen',
  scenario: 'recipient-harvest',
  weight: 7000,
  source,
});
const failure = (account: string, source: string, more: object = {}): Fields => ({
  type: 'authentication-seen',
  role: 'submission',
  account,
  source,
  accepted: false,
  familiar: false,
  ...more,
});

describe('range-campaign', () => {
  test('four bad sources of a /24 defer it', () => {
    expect(shortly(evidence(4, 1000, (index) => offence(`198.51.100.${index + 1}`)))).toEqual([
      'range-campaign defer range 198.51.100.0/24',
    ]);
  });

  test('one good source of it makes that a slowing, as many good ones nothing', () => {
    const good = (count: number) =>
      evidence(count, 1000, (index) => ({ type: 'mail-accepted', source: `198.51.100.${100 + index}` }));
    const bad = evidence(4, 1000, (index) => offence(`198.51.100.${index + 1}`), START_MS + MINUTE_MS);
    expect(shortly([...good(1), ...bad])).toEqual(['range-campaign slow range 198.51.100.0/24']);
    expect(shortly([...good(4), ...bad])).toEqual([]);
  });

  test('the same source again is one source', () => {
    expect(shortly(evidence(20, 1000, () => offence('198.51.100.1')))).toEqual([]);
  });

  test('a rented /16 is slowed, an IPv6 /48 deferred, a /32 only told', () => {
    const wide = evidence(30, 1000, (index) => offence(`198.51.${index}.1`));
    expect(shortly(wide)).toEqual(['range-campaign slow range 198.51.0.0/16']);
    const subnets = evidence(8, 1000, (index) => offence(`2001:db8:0:${(index * 256).toString(16)}::/64`));
    expect(shortly(subnets)).toEqual(['range-campaign defer range 2001:db8::/48']);
    const provider = seen(evidence(40, 1000, (index) => offence(`2001:db8:${(index + 1).toString(16)}::/64`)));
    expect(provider.decisions).toEqual([]);
    expect(provider.alerts).toMatchObject([{ kind: 'campaign', subject: '2001:db8::/32' }]);
  });

  test('providers have no neighbours', () => {
    expect(
      shortly(evidence(10, 1000, (index) => ({ ...offence(`198.51.100.${index}`), standing: 'provider' }))),
    ).toEqual([]);
  });
});

describe('auth-guessing', () => {
  test('five networks that fail for one account slow it down', () => {
    const pieces = evidence(5, HOUR_MS * 5, (index) => failure('alice', `198.51.${index}.1`));
    expect(shortly(pieces)).toContain('auth-guessing slow account alice');
  });

  test('one password for five accounts is a spray: the site is under stress', () => {
    const pieces = evidence(5, HOUR_MS * 4, (index) =>
      failure(`user${index}`, `198.51.${index}.1`, { credentialFingerprint: 77 }),
    );
    expect(shortly(pieces)).toContain('auth-guessing stress site site');
  });

  test('one try a source at one a minute is told within six attempts', () => {
    const pieces = evidence(6, MINUTE_MS, (index) => failure(`user${index}`, `198.${index}.1.1`));
    expect(shortly(pieces)).toContain('auth-guessing stress site site');
  });

  const used = (account: string, source: string): Fields => failure(account, source, { accepted: true });

  test('a published sample, 1.1 attempts an hour on accounts that nobody has: told at the fifth, and it stays told', () => {
    const pieces = evidence(40, 3_270_000, (index) => failure(`user${index % 13}`, `198.${index}.1.1`));
    const site = seen(pieces).decisions.filter(({ scope }) => scope === 'site');
    expect(site[0]?.at).toBe(pieces[4]?.at);
    const after = pieces.slice(5);
    expect(after.filter(({ at }) => site.some((each) => each.at < at && at < each.until))).toHaveLength(after.length);
  });

  test('an attempt for an account that is used counts less', () => {
    const entered = evidence(13, 1000, (index) => used(`user${index}`, '192.0.2.1'));
    const tries = evidence(
      40,
      3_270_000,
      (index) => failure(`user${index % 13}`, `198.${index}.1.1`),
      START_MS + HOUR_MS,
    );
    const site = seen([...entered, ...tries]).decisions.filter(({ scope }) => scope === 'site');
    expect(site[0]?.at).toBe(tries[7]?.at);
    const late = tries.map((piece) => ({ ...piece, at: piece.at + 31 * 24 * HOUR_MS }));
    const longAgo = seen([...entered, ...late]).decisions.filter(({ scope }) => scope === 'site');
    expect(longAgo[0]?.at).toBe(late[4]?.at);
  });

  test('a telephone that asks every two minutes with an old password is no campaign', () => {
    expect(shortly(evidence(720, 2 * MINUTE_MS, () => failure('traveller', '198.51.100.1')))).toEqual([]);
  });

  test('networks where somebody has got in are his', () => {
    expect(shortly(evidence(50, MINUTE_MS, () => failure('alice', '198.51.100.1', { familiar: true })))).toEqual([]);
  });

  test('one failure every eight hours is nothing', () => {
    expect(shortly(evidence(40, 8 * HOUR_MS, (index) => failure(`user${index}`, `198.${index}.1.1`)))).toEqual([]);
  });
});

describe('bounce-flood', () => {
  const bounce = (index: number, known = false): Fields => ({
    type: 'bounce-seen',
    domain: 'example.com',
    known,
    source: `198.${index % 200}.1.1`,
  });

  test('thirty in half an hour make the domain verify bounces, and touch no source', () => {
    expect(shortly(evidence(30, MINUTE_MS, (index) => bounce(index)))).toEqual([
      'bounce-flood verify-bounces domain example.com',
    ]);
  });

  test('a few an hour, and bounces to whom we know, do not', () => {
    expect(shortly(evidence(100, 20 * MINUTE_MS, (index) => bounce(index)))).toEqual([]);
    expect(shortly(evidence(500, 1000, (index) => bounce(index, true)))).toEqual([]);
  });
});

describe('reflector', () => {
  const asked = (known: (index: number) => boolean) =>
    evidence(300, MINUTE_MS, (index) => ({
      type: 'recipient-seen',
      domain: 'example.com',
      known: known(index),
      object: `o${index}`,
    }));

  test('a server that knows every address is told of, once', () => {
    expect(seen(asked(() => true)).alerts).toMatchObject([{ kind: 'reflector', subject: 'example.com' }]);
  });

  test('one that refuses some is not', () => {
    expect(seen(asked((index) => index % 40 !== 0)).alerts.filter(({ kind }) => kind === 'reflector')).toEqual([]);
  });
});

describe('slow-session, for the site', () => {
  const held = (slow: (index: number) => boolean, slotsUsed: number) =>
    evidence(100, 100, (index) => ({ type: 'session-held', phase: 'command', slow: slow(index), slotsUsed }));

  test('short slots and many that stand still are stress', () => {
    expect(shortly(held((index) => index % 2 === 0, 0.7))).toEqual(['slow-session stress site site']);
  });

  test('a busy morning is not, and neither is a quiet night', () => {
    expect(shortly(held((index) => index % 5 === 4, 0.9))).toEqual([]);
    expect(shortly(held(() => true, 0.3))).toEqual([]);
  });
});

test('held-session-release: twenty at once defer all of them', () => {
  const released = evidence(20, 50, (index) => ({
    type: 'held-session-released',
    reversePathDomain: 'x.example',
    heldMs: 130_000,
    source: `198.${index}.0.1`,
  }));
  const { decisions } = seen(released);
  expect(decisions).toHaveLength(20);
  expect(new Set(decisions.map(({ value }) => value)).size).toBe(20);
  expect(shortly(released.map((piece, index) => ({ ...piece, at: START_MS + index * 1000 })))).toEqual([]);
});

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

  test('one from a dozen networks in a day', () => {
    const entered = evidence(12, HOUR_MS, (index) => failure('alice', `198.${index}.0.1`, { accepted: true }));
    expect(shortly(entered)).toEqual(['account-takeover slow account alice']);
  });

  test('one that writes as it always did is left alone', () => {
    expect(shortly(evidence(500, 30 * MINUTE_MS, () => used(3)))).toEqual([]);
  });
});

test('evidence that comes again changes nothing, and a snapshot in between neither', () => {
  const pieces = [
    ...evidence(60, MINUTE_MS, (index) =>
      failure(`user${index % 7}`, `198.${index}.1.1`, { credentialFingerprint: index % 3 }),
    ),
    ...evidence(60, MINUTE_MS, (index) => offence(`198.51.100.${index}`), START_MS + 2 * HOUR_MS),
  ];
  const whole = seen(pieces).decisions;
  expect(whole.length).toBeGreaterThan(2);
  expect(seen(pieces.flatMap((piece) => [piece, piece])).decisions).toEqual(whole);
  const cut = 55;
  const before = new SiteWatch(identity, siteDetectors);
  const first = seen(pieces.slice(0, cut), before).decisions;
  const after = new SiteWatch(identity, siteDetectors);
  expect(after.decode(before.encode())).toBe(true);
  expect(after.encode()).toEqual(before.encode());
  expect([...first, ...seen(pieces.slice(cut - 10), after).decisions]).toEqual(whole);
  expect(new SiteWatch(identity, siteDetectors).decode(new TextEncoder().encode('{"seen":[],"states":[]}'))).toBe(
    false,
  );
});

describe('a rate', () => {
  const shape = { leastPerHour: 6, slack: 2.164, threshold: 8 };

  test('learns what is usual, and an attack teaches it little', () => {
    const state = newRate(0);
    for (let atMs = 0; atMs < 7 * 24 * HOUR_MS; atMs += 2 * MINUTE_MS) seeEvent(state, shape, atMs);
    const usual = expectedPerHour(state, 6, 7 * 24 * HOUR_MS);
    expect(usual).toBeGreaterThan(20);
    for (let count = 0; count < 100_000; count += 1) seeEvent(state, shape, 7 * 24 * HOUR_MS + count);
    seeEvent(state, shape, 7 * 24 * HOUR_MS + 2 * HOUR_MS);
    expect(expectedPerHour(state, 6, 7 * 24 * HOUR_MS + 2 * HOUR_MS)).toBeLessThan(2.5 * usual);
  });

  test('a gap of years is passed over quickly', () => {
    const state = newRate(0);
    seeEvent(state, shape, 0);
    expect(seeEvent(state, shape, 1e13)).toBe(false);
  });
});
