import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Blocklist, emptyBlocklist, MODES_MAX } from '../../blocklist/blocklist.ts';
import { GROWTH_WINDOW_MS, GrowthBreaker } from '../../blocklist/breaker.ts';
import { type BlocklistAction, blocklistActions } from '../../blocklist/entry.ts';
import type { DecisionMade } from '../../events/decision.ts';
import { parseAddress, parsePrefix } from '../../lib/ip.ts';
import { aDecision, aRevocation, blocklistOf } from '../support/decisions.ts';

const ip = '198.51.100.7';

/** Decisions of different scenarios, so that none replaces another. */
const decisions = (...all: readonly Partial<DecisionMade>[]): readonly DecisionMade[] =>
  all.map((fields, index) => aDecision({ id: `d${index}`, scenario: `scenario-${index}`, ...fields }));

test('nobody is on an empty one', () => {
  expect(emptyBlocklist.lookup(ip, 'mx', 0)).toBeUndefined();
  expect(blocklistOf([]).lookup(ip, 'mx', 0)).toBeUndefined();
});

const nested = blocklistOf(
  ['198.51.100.0/24', '198.51.100.7', '198.51.0.0/16', '2001:db8:7::/48', '2001:db8:7:1::/64', '::/0'].map((value) =>
    aDecision({ value, id: value, scope: 'range' }),
  ),
);

test.each([
  { ip: '198.51.100.7', id: '198.51.100.7' },
  { ip: '198.51.100.8', id: '198.51.100.0/24' },
  { ip: '198.51.101.1', id: '198.51.0.0/16' },
  { ip: '198.52.0.1', id: undefined },
  { ip: '2001:db8:7:1::5', id: '2001:db8:7:1::/64' },
  { ip: '2001:db8:7:2::5', id: '2001:db8:7::/48' },
  { ip: '2001:db9::1', id: '::/0' },
  { ip: 'no address', id: undefined },
])('the longest prefix around $ip is $id', ({ ip, id }) => expect(nested.lookup(ip, 'mx', 0)?.id).toBe(id));

test('an entry holds until its end, and for its roles', () => {
  const list = blocklistOf([aDecision({ until: 1_000, roles: ['mx'] })]);
  expect(list.lookup(ip, 'mx', 999)).toBeDefined();
  expect(list.lookup(ip, 'mx', 1_000)).toBeUndefined();
  expect(list.lookup(ip, 'submission', 0)).toBeUndefined();
});

test.each([
  { why: 'is over', hidden: { until: 1 } },
  { why: 'holds for another role', hidden: { roles: ['submission'] } },
  { why: 'only observes', hidden: { scenario: 'observed' } },
] as const)('an entry that $why hides none that acts', ({ hidden }) => {
  const range = aDecision({ value: '198.51.100.0/24', action: 'defer', id: 'range' });
  const list = blocklistOf(
    [aDecision({ ...hidden, roles: [...('roles' in hidden ? hidden.roles : ['mx' as const])] }), range],
    ['observed'],
  );
  expect(list.lookup(ip, 'mx', 500)?.id).toBe('range');
});

test('an entry that only observes is found where none acts, and acts once its scenario is promoted', () => {
  const list = blocklistOf([aDecision({ scenario: 'new' })], ['new']);
  expect(list.lookup(ip, 'mx', 0)).toMatchObject({ observed: true });
  list.setModes(() => 'enforce');
  expect(list.lookup(ip, 'mx', 0)).toMatchObject({ observed: false });
});

test.each<[Partial<DecisionMade>, Partial<DecisionMade>, string]>([
  [{ action: 'slow' }, { action: 'defer' }, 'd1'],
  [{ action: 'drop' }, { action: 'refuse' }, 'd0'],
  [{ until: 10 }, { until: 20 }, 'd1'],
  [{ until: 20 }, { until: 10 }, 'd0'],
])('of %j and %j with one prefix %s holds', (one, other, id) => {
  expect(blocklistOf(decisions(one, other)).lookup(ip, 'mx', 0)?.id).toBe(id);
  expect(blocklistOf(decisions(one, other).toReversed()).lookup(ip, 'mx', 0)?.id).toBe(id);
});

const byOperator = { origin: 'operator', scenario: 'operator' } as const;

test.each<[string, readonly Partial<DecisionMade>[], BlocklistAction | undefined]>([
  ['an allow lifts a refusal', [{}, { ...byOperator, action: 'allow' }], undefined],
  [
    'an allow of a range lifts a refusal of an address',
    [{}, { ...byOperator, action: 'allow', value: '198.51.100.0/24' }],
    undefined,
  ],
  [
    'an allow of an address carves a hole into a range',
    [{ value: '198.51.100.0/24' }, { ...byOperator, action: 'allow' }],
    undefined,
  ],
  [
    'an allow goes before a block of the range',
    [
      { ...byOperator, value: '198.51.100.0/24' },
      { ...byOperator, action: 'allow' },
    ],
    undefined,
  ],
  [
    'a block goes before the allow of the range',
    [{ ...byOperator, action: 'allow', value: '198.51.100.0/24' }, byOperator],
    'refuse',
  ],
  [
    'a block of a range goes before an analyzer',
    [{ action: 'slow' }, { ...byOperator, value: '198.51.100.0/24' }],
    'refuse',
  ],
  ['an allow that is over lifts nothing', [{}, { ...byOperator, action: 'allow', until: 0 }], 'refuse'],
])('%s', (_name, fields, action) => {
  expect(blocklistOf(decisions(...fields)).lookup(ip, 'mx', 0)?.action).toBe(action);
});

test('a later decision of one key replaces the earlier, but never ends before it', () => {
  const first = aDecision({ id: 'a', at: 0, until: 100, action: 'defer' });
  const second = aDecision({ id: 'b', at: 10, until: 50, action: 'refuse' });
  expect(blocklistOf([first, second]).lookup(ip, 'mx', 20)).toMatchObject({ id: 'b', untilMs: 100 });
  const milder = aDecision({ id: 'c', at: 10, until: 150, action: 'slow' });
  expect(blocklistOf([first, milder]).lookup(ip, 'mx', 20)).toMatchObject({ action: 'defer', untilMs: 150 });
});

test('only a revocation ends one early', () => {
  const decision = aDecision();
  const list = blocklistOf([decision]);
  expect(list.take(aRevocation(decision))).toBe(decision.value);
  expect(list.lookup(ip, 'mx', 0)).toBeUndefined();
  expect(list.size).toBe(0);
});

test('what comes twice changes nothing', () => {
  const decision = aDecision();
  const list = blocklistOf([decision]);
  expect(list.take(decision)).toBeUndefined();
  expect(list.size).toBe(1);
});

test('what is over is swept', () => {
  const list = blocklistOf(decisions({ until: 10 }, { until: 20 }, { value: '2001:db8::/64', until: 10 }));
  expect(list.sweep(10)).toBe(2);
  expect([...list.entries(0)].map(({ id }) => id)).toEqual(['d1']);
});

test('decisions about domains and the site are kept apart', () => {
  const list = blocklistOf([aDecision({ scope: 'domain', value: 'example.com', action: 'verify-bounces', until: 5 })]);
  expect(list.size).toBe(0);
  expect(list.othersInForce(4)).toMatchObject([{ value: 'example.com' }]);
  expect(list.othersInForce(5)).toEqual([]);
});

test('beyond the growth that is believed refusals become deferrals, until it is calm again', () => {
  const list = new Blocklist({ modeOf: () => 'enforce', growthMax: 3 });
  const address = (index: number): string => `198.51.100.${index}`;
  const actionAt = (index: number, at: number): string | undefined => {
    list.take(aDecision({ id: `${index}`, value: address(index), at }));
    return list.lookup(address(index), 'mx', at)?.action;
  };
  expect([0, 1, 2, 3, 4].map((index) => actionAt(index, 1_000 + index))).toEqual([
    'refuse',
    'refuse',
    'refuse',
    'defer',
    'defer',
  ]);
  list.take(aDecision({ ...byOperator, id: 'own', value: address(9), at: 1_010 }));
  expect(list.lookup(address(9), 'mx', 1_010)?.action).toBe('refuse');
  expect(actionAt(20, 1_000 + 660_000)).toBe('refuse');
});

test.each([
  { at: 1_000, open: true },
  { at: 1_000 + GROWTH_WINDOW_MS - 60_001, open: true },
  { at: 1_000 + GROWTH_WINDOW_MS, open: false },
  { at: 1_000 + 50 * GROWTH_WINDOW_MS, open: false },
  { at: 0, open: true },
])('a breaker that tripped at 1000 is open at $at: $open, with nothing more decided', ({ at, open }) => {
  const breaker = new GrowthBreaker(3);
  for (let count = 0; count < 4; count += 1) breaker.add(1_000);
  expect(breaker.isTrippedAt(at)).toBe(open);
});

test('as many as are believed leave the breaker closed', () => {
  const breaker = new GrowthBreaker(3);
  for (let count = 0; count < 3; count += 1) breaker.add(1_000);
  expect(breaker.isTrippedAt(1_000)).toBe(false);
});

test('decisions are counted by kind: those of addresses and all others, acting and observed', () => {
  const list = blocklistOf(
    [
      ...decisions({ action: 'slow' }, { action: 'slow', value: '198.51.100.8' }, { value: '198.51.100.0/24' }),
      aDecision({ scenario: 'observed' }),
      aDecision({ scope: 'account', value: 'a', action: 'slow', until: 5 }),
      aDecision({ scope: 'site', value: 'site', action: 'stress', scenario: 'observed' }),
    ],
    ['observed'],
  );
  expect(list.held(4)).toEqual([
    { scope: 'ip', action: 'slow', observed: false, count: 2 },
    { scope: 'range', action: 'refuse', observed: false, count: 1 },
    { scope: 'ip', action: 'refuse', observed: true, count: 1 },
    { scope: 'account', action: 'slow', observed: false, count: 1 },
    { scope: 'site', action: 'stress', observed: true, count: 1 },
  ]);
  expect(list.held(5).map(({ scope }) => scope)).not.toContain('account');
});

test('whatever comes, the counts are those of the entries', () => {
  const some = fc.record({
    octet: fc.nat(3),
    action: fc.constantFrom(...blocklistActions),
    until: fc.nat(9),
    scenario: fc.constantFrom('one', 'two'),
    step: fc.constantFrom('take', 'take', 'revoke', 'sweep', 'modes'),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 30 }), (steps) => {
      const list = blocklistOf([]);
      for (const [at, { octet, action, until, scenario, step }] of steps.entries()) {
        const decision = aDecision({
          value: `198.51.100.${octet}`,
          id: `${at}`,
          at,
          action,
          until: at + until,
          scenario,
        });
        if (step === 'sweep') list.sweep(at);
        else if (step === 'modes') list.setModes((name) => (name === scenario ? 'observe' : 'enforce'));
        else list.take(step === 'take' ? decision : aRevocation(decision));
      }
      const counts = new Map<string, number>();
      for (const { scope, action, observed } of list.entries(-1)) {
        const kind = `${scope} ${action} ${observed}`;
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      }
      const held = list.held(0).filter(({ count }) => count !== 0);
      expect(
        new Map(held.map(({ scope, action, observed, count }) => [`${scope} ${action} ${observed}`, count])),
      ).toEqual(counts);
      expect(held.reduce((sum, { count }) => sum + count, 0)).toBe(list.size);
    }),
  );
});

test('decisions about anything but addresses that find no room are counted', () => {
  const list = blocklistOf([]);
  // Each is sorted in, which is far too slow for so many; the table is filled by its own means.
  const others = (list as unknown as { others: Map<string, DecisionMade> }).others;
  const account = (index: number) => aDecision({ scope: 'account', value: `a${index}`, action: 'slow' });
  for (let index = 0; index < MODES_MAX - 1; index += 1) others.set(`${index}`, account(index));
  list.take(account(MODES_MAX));
  expect(list.leftOutCount).toBe(0);
  list.take(account(MODES_MAX + 1));
  expect(list.leftOutCount).toBe(1);
});

test('it answers as a plain search does', () => {
  const some = fc.record({
    octet: fc.nat(7),
    length: fc.constantFrom(29, 30, 31, 32),
    action: fc.constantFrom(...blocklistActions),
    until: fc.nat(3),
    scenario: fc.constantFrom('enforced', 'observed'),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 8 }), fc.nat(9), fc.nat(3), (fields, octet, nowMs) => {
      const all = fields.map(({ octet: own, length, scenario, ...more }, index) =>
        aDecision({
          ...more,
          id: `d${index}`,
          scope: 'range',
          scenario: `${scenario}-${index}`,
          value: `192.0.2.${own & ~((1 << (32 - length)) - 1)}/${length}`,
        }),
      );
      const list = new Blocklist({ modeOf: (scenario) => (scenario.startsWith('enforced') ? 'enforce' : 'observe') });
      for (const decision of all) list.take(decision);
      const value = parseAddress(`192.0.2.${octet}`)?.value ?? 0n;
      const around = all.filter(({ value: text, until }) => {
        const prefix = parsePrefix(text);
        return prefix !== undefined && prefix.first <= value && value <= prefix.last && nowMs < until;
      });
      const acting = around.filter(({ scenario }) => scenario.startsWith('enforced'));
      const candidates = acting.length > 0 ? acting : around;
      const lengthOf = (text: string): number => Number(text.split('/')[1]);
      const longest = Math.max(...candidates.map(({ value: text }) => lengthOf(text)));
      const ranks = candidates
        .filter(({ value: text }) => lengthOf(text) === longest)
        .map(({ action }) => (blocklistActions as readonly string[]).indexOf(action));
      const found = list.lookup(`192.0.2.${octet}`, 'mx', nowMs);
      if (candidates.length === 0) expect(found).toBeUndefined();
      else
        expect([lengthOf(found?.value ?? ''), found?.action]).toEqual([longest, blocklistActions[Math.max(...ranks)]]);
    }),
  );
});

test('an account, or the whole site, is guarded while a decision about guessed passwords holds for the role', () => {
  const account = { scenario: 'auth-guessing', scope: 'account', value: 'alice', action: 'slow', until: 10 } as const;
  const site = { scenario: 'auth-guessing', scope: 'site', value: 'site', action: 'stress', until: 20 } as const;
  const roles = ['submission'] as const;
  const one = blocklistOf([aDecision({ ...account, roles: [...roles] })]);
  expect(one.guardsAccount('alice', 'submission', 9)).toBe('enforce');
  expect(one.guardsAccount('alice', 'submission', 10)).toBeUndefined();
  expect(one.guardsAccount('alice', 'submissions', 9)).toBeUndefined();
  expect(one.guardsAccount('bob', 'submission', 9)).toBeUndefined();
  expect(blocklistOf([aDecision({ ...site, roles: [...roles] })]).guardsAccount('bob', 'submission', 19)).toBe(
    'enforce',
  );
  const observed = blocklistOf([aDecision({ ...account, roles: [...roles] })], ['auth-guessing']);
  expect(observed.guardsAccount('alice', 'submission', 9)).toBe('observe');
  const other = blocklistOf([aDecision({ ...account, scenario: 'account-takeover', roles: [...roles] })]);
  expect(other.guardsAccount('alice', 'submission', 9)).toBeUndefined();
});

test('bounces of a domain are verified while a decision says so', () => {
  const flood = {
    scenario: 'bounce-flood',
    scope: 'domain',
    value: 'example.com',
    action: 'verify-bounces',
    until: 10,
  } as const;
  const acting = blocklistOf([aDecision(flood)]);
  expect(acting.bounceScrutiny('example.com', 9)).toBe('enforce');
  expect(acting.bounceScrutiny('example.com', 10)).toBeUndefined();
  expect(acting.bounceScrutiny('example.net', 9)).toBeUndefined();
  expect(blocklistOf([aDecision(flood)], ['bounce-flood']).bounceScrutiny('example.com', 9)).toBe('observe');
  acting.take(aRevocation(aDecision(flood)));
  expect(acting.bounceScrutiny('example.com', 9)).toBeUndefined();
});

test('the growth breaker counts by the times of decisions, whatever time it is asked at, and none twice', () => {
  const breaker = new GrowthBreaker(2);
  expect([0, 1, 2].map((minute) => breaker.add(minute * 60_000))).toEqual([false, false, true]);
  expect(breaker.countAt(GROWTH_WINDOW_MS - 1)).toBe(3);
  expect(breaker.countAt(GROWTH_WINDOW_MS)).toBe(2);
  expect(breaker.countAt(10 * GROWTH_WINDOW_MS)).toBe(0);
  expect(breaker.add(3 * 60_000)).toBe(true);
  expect(breaker.add(20 * GROWTH_WINDOW_MS)).toBe(false);
});

test('refusals that come late count all the same', () => {
  const breaker = new GrowthBreaker(2);
  expect(breaker.add(20 * GROWTH_WINDOW_MS)).toBe(false);
  expect([breaker.add(60_000), breaker.add(60_000)]).toEqual([false, true]);
  expect(breaker.countAt(20 * GROWTH_WINDOW_MS)).toBe(3);
});

test('what was in force before is recalled as it was, whatever its number', () => {
  const blocklist = new Blocklist({ modeOf: () => 'enforce', growthMax: 3 });
  for (const [index, decision] of decisions(...Array.from({ length: 10 }, (_, at) => ({ at }))).entries())
    blocklist.take({ ...decision, value: `198.51.100.${index}` }, true);
  const actions = Array.from({ length: 10 }, (_, index) => blocklist.lookup(`198.51.100.${index}`, 'mx', 0)?.action);
  expect(new Set(actions)).toEqual(new Set(['refuse']));
  expect([blocklist.heldBackCount, blocklist.breaker.isTrippedAt(0)]).toEqual([0, false]);
  // And stays so when the log tells of it once more.
  for (const [index, decision] of decisions(...Array.from({ length: 10 }, (_, at) => ({ at }))).entries())
    blocklist.take({ ...decision, value: `198.51.100.${index}` });
  expect(blocklist.heldBackCount).toBe(0);
});

test('thousands of decisions about accounts are taken in no time', () => {
  const blocklist = new Blocklist({ modeOf: () => 'enforce' });
  const begunMs = performance.now();
  for (let index = 0; index < 20_000; index += 1)
    blocklist.take(
      aDecision({ scope: 'account', value: `account${index}`, action: 'slow', scenario: 'auth-guessing' }),
    );
  expect(blocklist.slowsAccount('account7', 'submission', 0)).toBe('auth-guessing');
  expect(performance.now() - begunMs).toBeLessThan(5000);
});
