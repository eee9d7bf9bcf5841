import { describe, expect, test } from 'vitest';
import { siteDetectors } from '../../analyzers/site/all.ts';
import { expectedPerHour, newRate, seeEvent } from '../../analyzers/site/rate-watch.ts';
import { SiteWatch } from '../../analyzers/site-watch.ts';
import type { MailEvent } from '../../events/event.ts';
import { evidence, type Fields, failure, identity, offence, seen, shortly } from '../support/evidence.ts';
import { HOUR_MS, MINUTE_MS, Sessions, START_MS, watched } from '../support/watch.ts';

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

  test('who gets in after it had mistyped; who gets in elsewhere was not the one who failed', () => {
    const mistyped = (from: string) =>
      evidence(60, 5 * MINUTE_MS, (index) => {
        const account = `user${Math.floor(index / 2)}`;
        return index % 2 === 0 ? failure(account, `198.51.${index}.1`) : used(account, `${from}.${index - 1}.1`);
      });
    expect(shortly(mistyped('198.51'))).toEqual([]);
    expect(shortly(mistyped('203.0'))).toContain('auth-guessing stress site site');
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

  test('ten times six an hour are told within six times five minutes, sixty times within five', () => {
    const first = (perHour: number): number | undefined => {
      const pieces = evidence(200, HOUR_MS / perHour, (index) => bounce(index));
      const at = seen(pieces).decisions[0]?.at;
      return at === undefined ? undefined : (at - START_MS) / MINUTE_MS;
    };
    expect(first(60)).toBeLessThan(30);
    expect(first(360)).toBeLessThan(5);
  });

  test('200 a day are told within six hours', () => {
    const pieces = evidence(200, (24 * HOUR_MS) / 200, (index) => bounce(index));
    expect(seen(pieces).decisions[0]?.at).toBeLessThan(START_MS + 6 * HOUR_MS);
  });

  test('a few an hour, and bounces to whom we know, do not', () => {
    expect(shortly(evidence(500, 20 * MINUTE_MS, (index) => bounce(index)))).toEqual([]);
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

describe('connection-flood, for the site', () => {
  const empty = (count: number, perHour: number) =>
    evidence(count, (20 * HOUR_MS) / perHour, (index) => ({
      type: 'empty-sessions',
      count: 20,
      source: `198.${index % 250}.0.1`,
    }));

  test('connections of thousands of sources that want nothing are stress, within seconds', () => {
    const { decisions } = seen(empty(100, 240_000));
    expect(decisions[0]).toMatchObject({ scenario: 'connection-flood', scope: 'site', action: 'stress' });
    expect(decisions[0]?.at).toBeLessThan(START_MS + MINUTE_MS / 2);
  });

  test('two a second for a day are not', () => {
    expect(shortly(empty(8640, 7200))).toEqual([]);
  });

  test('are told by twenties, of strangers that came for nothing', () => {
    const told = (count: number, play: (session: ReturnType<Sessions['open']>) => readonly MailEvent[]): number[] =>
      watched(new Sessions().each(count, 1000, {}, (session) => play(session))).evidence.flatMap((each) =>
        each.type === 'empty-sessions' ? [each.count] : [],
      );
    expect(told(59, (session) => session.quit())).toEqual([20, 20]);
    expect(
      told(60, (session) => session.hello().mail('a@x.example').recipient('k@example.com', 'known').data().quit()),
    ).toEqual([]);
    expect(told(60, (session) => session.close({ closedBy: 'gate', rule: 'source.blocked' }))).toEqual([]);
  });
});

describe('sessions that are held with mail', () => {
  const held = (count: number, domain: (index: number) => string, more: object = {}) =>
    evidence(count, 100, (index) => ({
      type: 'session-held',
      phase: 'command',
      slow: true,
      slotsUsed: 0.5,
      heldDomain: domain(index),
      source: `198.${index}.0.1`,
      ...more,
    }));

  test('twenty with mail of one domain are deferred before they are let go, each source once', () => {
    const { decisions, alerts } = seen(held(30, () => 'x.example'));
    expect(decisions.map(({ scenario, action }) => `${scenario} ${action}`)).toEqual(
      new Array(30).fill('held-session-release defer'),
    );
    expect(new Set(decisions.map(({ value }) => value)).size).toBe(30);
    expect(alerts[0]).toMatchObject({ kind: 'campaign', subject: 'held sessions of x.example' });
  });

  test('nineteen are not, nor twenty of different domains, of known servers, or one after the other', () => {
    expect(shortly(held(19, () => 'x.example'))).toEqual([]);
    expect(shortly(held(60, (index) => `x${index % 10}.example`))).toEqual([]);
    expect(shortly(held(60, () => 'x.example', { standing: 'with-history' }))).toEqual([]);
    const slowly = held(60, () => 'x.example').map((piece, index) => ({ ...piece, at: START_MS + index * 3000 }));
    expect(shortly(slowly)).toEqual([]);
  });

  test('a session is held after two minutes inside a mail transaction, not between two', () => {
    const domains = (mail: boolean): (string | undefined)[] => {
      const session = new Sessions().open().hello().mail('a@x.example').recipient('k@example.com', 'known');
      if (!mail) session.data();
      for (let part = 1; part <= 5; part += 1) session.wait(29_960).progress('command', 0, part * 30_000, 0.5);
      return watched(session.quit()).evidence.flatMap((each) =>
        each.type === 'session-held' ? [each.heldDomain] : [],
      );
    };
    expect(domains(true)).toEqual([undefined, undefined, undefined, 'x.example', 'x.example']);
    expect(domains(false)).toEqual(new Array(5).fill(undefined));
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

test('evidence that comes again changes nothing, and a snapshot in between neither', () => {
  const pieces = [
    ...evidence(45, MINUTE_MS / 60, (index) => ({
      type: 'session-held',
      phase: 'command',
      slow: true,
      slotsUsed: 0.5,
      heldDomain: 'x.example',
      source: `198.${index}.0.1`,
    })).map((piece, index) => ({ ...piece, offset: index, at: START_MS - HOUR_MS + index * 1000 })),
    ...evidence(60, MINUTE_MS, (index) =>
      failure(`user${index % 7}`, `198.${index}.1.1`, { credentialFingerprint: index % 3, accepted: index % 9 === 0 }),
    ).map((piece, index) => ({ ...piece, offset: 1000 + index })),
    ...evidence(60, MINUTE_MS, (index) => offence(`198.51.100.${index}`), START_MS + 2 * HOUR_MS),
  ];
  const whole = seen(pieces).decisions;
  expect(whole.length).toBeGreaterThan(2);
  expect(seen(pieces.flatMap((piece) => [piece, piece])).decisions).toEqual(whole);
  const cut = 70;
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

describe('bounces that the gate judged', () => {
  const verdicts = [
    { name: 'refused, since it was forged', verdict: { action: 'refuse', rule: 'bounce.unverified' }, known: [false] },
    { name: 'deferred, since it is not known', verdict: { action: 'defer', rule: 'bounce.unverified' }, known: [] },
    { name: 'let in', verdict: { action: 'accept' }, known: [true] },
  ] as const;
  const seen = (change: (event: MailEvent) => MailEvent): boolean[] =>
    watched(new Sessions().open().hello().mail('').recipient('b@example.com', 'known').quit().map(change))
      .evidence.filter((each) => each.type === 'bounce-seen')
      .map(({ known }) => known);

  test.each(verdicts)('$name', ({ verdict, known }) => {
    const isLetIn = verdict.action === 'accept';
    const judged = (event: MailEvent): MailEvent =>
      event.type === 'command' && event.verb === 'RCPT'
        ? { ...event, verdict, ...(isLetIn ? {} : { reply: { code: 550, text: 'Refused', from: 'gate' } }) }
        : event;
    expect(seen(judged)).toEqual(known);
  });

  test('one that would have been refused goes on telling of the flood', () => {
    const judged = (event: MailEvent): MailEvent =>
      event.type === 'command' && event.verb === 'RCPT'
        ? { ...event, observed: [{ rule: 'bounce.unverified', action: 'refuse' }] }
        : event;
    expect(seen(judged)).toEqual([false]);
  });
});
