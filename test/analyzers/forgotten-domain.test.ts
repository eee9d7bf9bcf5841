import { describe, expect, test } from 'vitest';
import { RELAYS_A_DAY_MAX, TRICKS_A_DAY_MAX } from '../../analyzers/evidence-writer.ts';
import {
  DOMAINS_MAX,
  forgottenDomain,
  NETWORKS_MAX,
  PATHS_OF_NETWORK_MAX,
  TRICKSTERS_MAX,
} from '../../analyzers/site/forgotten-domain.ts';
import type { Alert } from '../../analyzers/site/site-detector.ts';
import { SiteWatch } from '../../analyzers/site-watch.ts';
import type { SessionScript } from '../../evaluation/traffic/session-script.ts';
import type { MailEvent } from '../../events/event.ts';
import type { EvidenceByType, EvidenceEvent } from '../../events/evidence.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, Sessions, START_MS, watched } from '../support/watch.ts';

const identity = { site: 'site', configHash: 'hash' };

interface Asked {
  readonly source: string;
  readonly domain: string;
  readonly object: string;
  readonly trick: boolean;
  readonly standing: EvidenceEvent['standing'];
}

/** Relay refusals as evidence, each `everyMs` after the one before. */
const refusals = (
  count: number,
  everyMs: number,
  own: (index: number) => Partial<Asked> = () => ({}),
  fromMs = START_MS,
): EvidenceByType<'relay-refused'>[] =>
  Array.from({ length: count }, (_, index) => ({
    v: 1,
    at: fromMs + index * everyMs,
    site: 'site',
    partition: 0,
    offset: 0,
    part: 0,
    role: 'mx',
    type: 'relay-refused',
    source: `198.51.${index}.7`,
    standing: 'stranger',
    domain: 'moved.example',
    trick: false,
    object: `path${index}`,
    ...own(index),
  }));

const begin = (): SiteWatch => new SiteWatch(identity, [forgottenDomain]);

let offset = 0;

/** What is told of evidence in this order. */
function told(pieces: Iterable<EvidenceEvent>, watch = begin()): readonly Alert[] {
  const outcomes = [...pieces].map((piece) => {
    offset += 1;
    return watch.see({ ...piece, offset });
  });
  expect(outcomes.flatMap(({ decisions }) => decisions)).toEqual([]);
  return outcomes.flatMap(({ alerts }) => alerts);
}

/** Sessions of one server each, that ask for one forward-path. */
const servers = (
  count: number,
  forwardPath: (index: number) => string,
  reply: Parameters<SessionScript['recipient']>[1] = 'foreign',
): MailEvent[] =>
  Array.from({ length: count }, (_, index) =>
    new Sessions(index + 1)
      .open({ ip: `198.51.${index}.7`, atMs: START_MS + index * HOUR_MS })
      .hello()
      .mail('someone@friend.example')
      .recipient(forwardPath(index), reply)
      .quit(),
  ).flat();

const relayed = (events: Iterable<MailEvent>): EvidenceByType<'relay-refused'>[] =>
  watched(events).evidence.flatMap((each) => (each.type === 'relay-refused' ? [each] : []));

describe('a forgotten domain', () => {
  test('five servers that write to three mailboxes of it: it is told with what to do, and nothing is decided', () => {
    const events = servers(5, (index) => `user${index % 3}@Moved.Example`);
    expect(told(watched(events).evidence)).toEqual([
      {
        kind: 'forgotten-domain',
        subject: 'moved.example',
        text: 'others still send mail for moved.example here: remove its MX record, or add the domain',
        atMs: START_MS + 4 * HOUR_MS + 120,
      },
    ]);
  });

  test.each([
    ['four networks', refusals(4, HOUR_MS)],
    ['five servers of one network', refusals(5, HOUR_MS, (index) => ({ source: `198.51.100.${index}` }))],
    ['five of one /48', refusals(5, HOUR_MS, (index) => ({ source: `2001:db8:0:${index}::/64` }))],
    ['two mailboxes', refusals(20, HOUR_MS, (index) => ({ object: `path${index % 2}` }))],
    ['a domain each', refusals(20, HOUR_MS, (index) => ({ domain: `d${index}.example` }))],
    ['an address literal', refusals(20, HOUR_MS, () => ({ domain: '[192.0.2.1]' }))],
    ['the first more than a week ago', refusals(5, (7 * DAY_MS) / 4)],
  ])('%s is none', (_name, pieces) => {
    expect(told(pieces)).toEqual([]);
  });

  test('five within a week, whatever was known of them, are', () => {
    expect(told(refusals(5, (7 * DAY_MS - 4) / 4))).toHaveLength(1);
    const standings = ['stranger', 'with-history', 'provider'] as const;
    expect(told(refusals(5, HOUR_MS, (index) => ({ standing: standings[index % 3] ?? 'stranger' })))).toHaveLength(1);
    expect(told(refusals(5, HOUR_MS, (index) => ({ source: `2001:db8:${index}::/64` })))).toHaveLength(1);
  });

  test('a stranger that rerouted does not count, before or after; the others do, and so does a server of many', () => {
    const trick = (more: Partial<Asked> = {}, fromMs = START_MS - HOUR_MS) =>
      refusals(1, 0, () => ({ source: '198.51.0.99', trick: true, domain: 'example.com', ...more }), fromMs);
    const asked = refusals(5, HOUR_MS);
    const after = trick({}, START_MS + HOUR_MS / 2);
    expect(told([...trick(), ...asked])).toEqual([]);
    expect(told([...asked.slice(0, 1), ...after, ...asked.slice(1)])).toEqual([]);
    expect(told([...trick(), ...refusals(6, HOUR_MS)])).toHaveLength(1);
    expect(told([...trick({ standing: 'provider' }), ...asked])).toHaveLength(1);
    expect(told([...trick({}, START_MS - 7 * DAY_MS), ...asked])).toHaveLength(1);
  });

  test('those who rerouted do not crowd out the others', () => {
    const from = (index: number): Partial<Asked> => ({ source: `10.0.${index}.1` });
    const tricks = refusals(NETWORKS_MAX, 1, (index) => ({ ...from(index), trick: true }), START_MS + 4 * HOUR_MS);
    const asked = refusals(NETWORKS_MAX, 1, from, START_MS + 5 * HOUR_MS);
    const last = refusals(1, 0, () => ({ source: '192.0.2.1' }), START_MS + 6 * HOUR_MS);
    expect(told([...refusals(4, HOUR_MS), ...tricks, ...asked, ...last])).toHaveLength(1);
  });

  test('is told again after a week, while it goes on', () => {
    const times = told(refusals(15 * 24, HOUR_MS, (index) => ({ source: `198.51.${index % 9}.7` })));
    expect(times.map(({ atMs }) => (atMs - START_MS) / HOUR_MS)).toEqual([4, 4 + 168, 4 + 336]);
  });

  test('of many at once one is told an hour, and none is lost', () => {
    const pieces = refusals(600, MINUTE_MS, (index) => ({
      source: `198.51.${index % 50}.7`,
      domain: `moved${index % 3}.example`,
    }));
    const alerts = told(pieces);
    expect(alerts.map(({ subject }) => subject).toSorted()).toEqual([0, 1, 2].map((each) => `moved${each}.example`));
    for (const [index, { atMs }] of alerts.entries()) {
      expect(atMs - (alerts[index - 1]?.atMs ?? 0)).toBeGreaterThanOrEqual(HOUR_MS);
    }
  });

  test('a snapshot in between changes nothing', () => {
    const pieces = [
      ...refusals(4, HOUR_MS, () => ({ trick: true }), START_MS - HOUR_MS * 5),
      ...refusals(10 * 24, HOUR_MS, (index) => ({ source: `198.51.${index % 12}.7` })),
    ];
    const whole = told(pieces);
    expect(whole).toHaveLength(2);
    for (const cut of [2, 10, 14, 100]) {
      const before = begin();
      const first = told(pieces.slice(0, cut), before);
      const after = begin();
      expect(after.decode(before.encode())).toBe(true);
      expect([...first, ...told(pieces.slice(cut), after)]).toEqual(whole);
    }
    expect(forgottenDomain.begin().addJson({ domains: 1 })).toBe(false);
  });

  test('nor one between two domains of the same hour', () => {
    const before = begin();
    expect(told(refusals(5, 1), before)).toHaveLength(1);
    const after = begin();
    expect(after.decode(before.encode())).toBe(true);
    expect(
      told(
        refusals(6, 1, () => ({ domain: 'other.example' }), START_MS + HOUR_MS / 2),
        after,
      ),
    ).toEqual([]);
    expect(
      told(
        refusals(1, 0, () => ({ domain: 'other.example' }), START_MS + 2 * HOUR_MS),
        after,
      ),
    ).toHaveLength(1);
  });
});

describe('what is remembered has a limit:', () => {
  test('networks of a domain', () => {
    const first = refusals(1, 0, () => ({ source: '192.0.2.1', object: 'first' }));
    const others = (count: number) => refusals(count, 1, () => ({ object: 'second' }), START_MS + HOUR_MS);
    const last = refusals(1, 0, () => ({ object: 'third' }), START_MS + 2 * HOUR_MS);
    expect(told([...first, ...others(NETWORKS_MAX - 1), ...last])).toHaveLength(1);
    expect(told([...first, ...others(NETWORKS_MAX), ...last])).toEqual([]);
  });

  test('forward-paths of a network', () => {
    const one = refusals(20, 1, (index) => ({ source: '192.0.2.1', object: `path${index}` }));
    const others = refusals(4, 1, () => ({ object: `path${PATHS_OF_NETWORK_MAX - 1}` }), START_MS + HOUR_MS);
    const beyond = refusals(4, 1, () => ({ object: `path${PATHS_OF_NETWORK_MAX}` }), START_MS + HOUR_MS);
    expect(told([...one, ...others])).toHaveLength(1);
    const state = forgottenDomain.begin();
    const scene = { site: 'site', atMs: 0, decide: () => undefined, alert: () => undefined };
    for (const piece of [...one, ...beyond]) state.see(piece, scene);
    expect(JSON.stringify(state.toJson()).match(/path\d+/g)).toHaveLength(PATHS_OF_NETWORK_MAX + 4);
  });

  test('domains, and networks that rerouted', () => {
    const others = (count: number) =>
      refusals(count, 1, (index) => ({ domain: `d${index}.example` }), START_MS + 5 * HOUR_MS);
    const last = refusals(1, 0, () => ({ source: '192.0.2.1' }), START_MS + 6 * HOUR_MS);
    const four = refusals(4, HOUR_MS);
    expect(told([...four, ...others(DOMAINS_MAX - 1), ...last])).toHaveLength(1);
    expect(told([...four, ...others(DOMAINS_MAX), ...last])).toEqual([]);
    const tricks = (count: number) =>
      refusals(
        count,
        1,
        (index) => ({ source: index === 0 ? '192.0.2.1' : `10.${index >> 8}.${index & 255}.1`, trick: true }),
        START_MS + 5 * HOUR_MS,
      );
    expect(told([...four, ...tricks(TRICKSTERS_MAX), ...last])).toEqual([]);
    expect(told([...four, ...tricks(TRICKSTERS_MAX + 1), ...last])).toHaveLength(1);
  });
});

describe('relay refusals as evidence', () => {
  const one = (play: (session: SessionScript) => SessionScript, count: number, everyMs: number, role = 'mx' as const) =>
    relayed(
      new Sessions().each(count, everyMs, { role }, (session) => play(session.hello().mail('a@x.example')).quit()),
    );

  test('are three a source and day, and one that reroutes', () => {
    const plain = (session: SessionScript) => session.recipient('a@moved.example', 'foreign');
    const tricky = (session: SessionScript) => session.recipient('a%moved.example@example.com', 'routing');
    expect(one(plain, 20, MINUTE_MS)).toHaveLength(RELAYS_A_DAY_MAX);
    expect(one(plain, 48, HOUR_MS)).toHaveLength(2 * RELAYS_A_DAY_MAX);
    expect(
      one((session) => tricky(plain(session)), 20, MINUTE_MS)
        .map(({ trick }) => trick)
        .toSorted(),
    ).toEqual([
      ...new Array<boolean>(RELAYS_A_DAY_MAX).fill(false),
      ...new Array<boolean>(TRICKS_A_DAY_MAX).fill(true),
    ]);
  });

  test('a source route and a local part that names a domain reroute, though the domain is foreign', () => {
    const tricks = (forwardPath: string) => one((session) => session.recipient(forwardPath, 'foreign'), 1, 0);
    expect(
      ['a@moved.example', '@hop.example:a@example.com', 'a%b@moved.example', 'b!a@moved.example'].map(
        (forwardPath) => tricks(forwardPath)[0]?.trick,
      ),
    ).toEqual([false, true, true, true]);
  });

  test('speak of servers, not of users who did not authenticate, nor of mail while our domains are unknown', () => {
    const user = new Sessions()
      .open({ role: 'submission' })
      .hello()
      .mail('a@example.com')
      .recipient('a@moved.example', 'foreign')
      .quit();
    expect(relayed(user)).toEqual([]);
    const unknown = servers(5, (index) => `user${index}@example.com`).map((event) =>
      event.type === 'command' && event.verb === 'RCPT'
        ? { ...event, verdict: { action: 'defer', rule: 'relay.denied' } as const }
        : event,
    );
    expect(relayed(unknown)).toEqual([]);
    expect(watched(unknown).decisions).toEqual([]);
  });

  test('tell of what a gate that only observes would have refused', () => {
    const observed = servers(5, (index) => `user${index}@moved.example`, 'known').map((event) =>
      event.type === 'command' && event.verb === 'RCPT'
        ? { ...event, observed: [{ rule: 'relay.denied', action: 'refuse' }] as const }
        : event,
    );
    expect(told(watched(observed as MailEvent[]).evidence)).toHaveLength(1);
  });
});
