import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SourceWatch } from '../../analyzers/source-watch.ts';
import type { DecisionMade } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { parseAddress, parsePrefix } from '../../lib/ip.ts';
import { type Act, type DeedName, deeds, eventsOf, sessionsOf } from '../support/acts.ts';
import { HOUR_MS, MINUTE_MS, Sessions, START_MS, watched, watchSettings } from '../support/watch.ts';

const ips = ['198.51.100.7', '198.51.100.8', '203.0.113.9', '2001:db8:1:2::5'];

const act: fc.Arbitrary<Act> = fc.record({
  ip: fc.constantFrom(...ips),
  deed: fc.constantFrom(...deeds),
  afterMs: fc.oneof(fc.nat(2000), fc.nat(20 * MINUTE_MS), fc.nat(12 * HOUR_MS)),
});
const acts = fc.array(act, { minLength: 5, maxLength: 60 });

const decide = (events: Iterable<MailEvent>): DecisionMade[] => watched(events).decisions;
const about = (decisions: readonly DecisionMade[], ip: string): readonly DecisionMade[] =>
  decisions.filter(({ value }) => value === ip || (ip.includes(':') && value.includes(':')));

test('what other sources do changes nothing for a source', () => {
  fc.assert(
    fc.property(acts, fc.constantFrom(...ips), (all, ip) => {
      const events = eventsOf(all);
      const alone = events.filter((event) => 'ip' in event && event.ip === ip);
      expect(decide(alone)).toEqual(about(decide(events), ip));
    }),
  );
});

test('duplicates change nothing', () => {
  fc.assert(
    fc.property(acts, fc.nat(200), (all, distance) => {
      const events = eventsOf(all);
      const twice = events.flatMap((event, index) => {
        const again = events[index - distance];
        return again === undefined ? [event] : [event, again];
      });
      expect(decide(twice)).toEqual(decide(events));
    }),
  );
});

const moved = (decisions: readonly DecisionMade[], byMs: number): unknown =>
  decisions.map(({ at, until, ledger, counter, ...rest }) => ({
    ...rest,
    at: at + byMs,
    until: until + byMs,
    ledger: ledger?.map((entry) => ({ ...entry, at: entry.at + byMs })),
    counter: counter?.map((entry) => ({ ...entry, at: entry.at + byMs })),
  }));

test('a shift in time changes nothing but the times', () => {
  fc.assert(
    fc.property(acts, fc.integer({ min: -1e10, max: 1e10 }), (all, byMs) => {
      const events = eventsOf(all);
      const later = events.map((event) => ({ ...event, at: event.at + byMs }));
      expect(moved(decide(later), 0)).toEqual(moved(decide(events), byMs));
    }),
  );
});

const offences: readonly DeedName[] = ['guess', 'relay', 'trick', 'wrong', 'bounce', 'early', 'http', 'noop', 'drop'];

test('without a failure no decision comes earlier', () => {
  fc.assert(
    fc.property(acts, fc.nat(), (all, choice) => {
      const removable = all.flatMap(({ deed }, index) => (offences.includes(deed) ? [index] : []));
      const removed = removable[choice % Math.max(1, removable.length)];
      if (removed === undefined) return;
      const sessions = sessionsOf(all);
      const flat = (kept: readonly (readonly MailEvent[])[]): readonly MailEvent[] =>
        kept.flat().sort((a, b) => a.at - b.at);
      const before = decide(flat(sessions));
      const after = decide(flat(sessions.filter((_, index) => index !== removed)));
      for (const decision of after) {
        const sameKind = before.filter(
          ({ value, scenario, roles }) =>
            value === decision.value && scenario === decision.scenario && roles[0] === decision.roles[0],
        );
        expect(sameKind[0]?.at).toBeLessThanOrEqual(decision.at);
      }
    }),
  );
});

test('events that change places within two seconds shift a first decision by one contribution at most', () => {
  const onlyOffences = fc.array(
    act.map((each) => ({ ...each, deed: offences.includes(each.deed) ? each.deed : ('guess' as const) })),
    { minLength: 5, maxLength: 60 },
  );
  fc.assert(
    fc.property(onlyOffences, fc.array(fc.nat(2000), { minLength: 1, maxLength: 40 }), (all, delays) => {
      const events = eventsOf(all);
      const shuffled = events
        .map((event, index) => ({ event, at: event.at + (delays[index % delays.length] ?? 0) }))
        .sort((a, b) => a.at - b.at)
        .map(({ event }) => event);
      const before = decide(events);
      const after = decide(shuffled);
      for (const decision of after) {
        const isSame = ({ value, scenario, roles, threshold }: DecisionMade): boolean =>
          value === decision.value &&
          scenario === decision.scenario &&
          roles[0] === decision.roles[0] &&
          threshold === decision.threshold;
        const first = before.find(isSame);
        if (first === undefined || decision !== after.find(isSame)) continue;
        const shift = (decision.ledger?.length ?? 0) - (first.ledger?.length ?? 0);
        expect(Math.abs(shift)).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 40 },
  );
});

test('no never-listed address is ever in a decision', () => {
  const never = ['198.51.100.0/24', '2001:db8::/32'];
  fc.assert(
    fc.property(acts, (all) => {
      const { decisions } = watched(eventsOf(all), new SourceWatch(watchSettings({ never })));
      for (const { value } of decisions) {
        const first = parsePrefix(value);
        for (const text of never) {
          const range = parsePrefix(text);
          const overlaps =
            first !== undefined &&
            range !== undefined &&
            first.family === range.family &&
            first.first <= range.last &&
            first.last >= range.first;
          expect(overlaps).toBe(false);
        }
      }
    }),
  );
});

test('sources with history and providers are never refused', () => {
  fc.assert(
    fc.property(acts, fc.boolean(), (all, isProvider) => {
      const good = sessionsOf(
        Array.from({ length: 5 }, () => ({ ip: '198.51.100.7', deed: 'mail' as const, afterMs: 10 * HOUR_MS })),
      ).flat();
      const last = good.at(-1)?.at ?? 0;
      const events = eventsOf(all).map((event) => ({ ...event, at: event.at + last - START_MS + MINUTE_MS }));
      const watch = new SourceWatch(watchSettings(isProvider ? { providers: ['198.51.100.7/32'] } : {}));
      const { decisions } = watched([...good, ...events], watch);
      const mx = about(decisions, '198.51.100.7').filter(({ roles }) => roles.includes('mx'));
      for (const { action } of mx) expect(isProvider ? ['slow'] : ['slow', 'defer']).toContain(action);
    }),
  );
});

test('a snapshot in between changes nothing', () => {
  fc.assert(
    fc.property(acts, fc.nat(100), (all, share) => {
      const events = eventsOf(all);
      const cut = Math.floor((events.length * share) / 100);
      const before = new SourceWatch(watchSettings());
      const first = watched(events.slice(0, cut), before);
      const after = new SourceWatch(watchSettings());
      const octets = before.encode();
      expect(after.decode(octets)).toBe(true);
      expect(after.encode()).toEqual(octets);
      const rest = watched(events.slice(cut), after);
      expect([...first.decisions, ...rest.decisions]).toEqual(decide(events));
    }),
    { numRuns: 25 },
  );
});

test('octets that are no snapshot are none, and throw nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      expect(new SourceWatch(watchSettings()).decode(octets)).toBe(false);
    }),
    { numRuns: 10 },
  );
});

test('no address that the parser refuses comes to a decision', () => {
  expect(parseAddress('no address')).toBeUndefined();
  const events = new Sessions().each(20, 1000, { ip: 'no address' }, (session, index) =>
    session.hello().mail('a@x.example').recipient(`g${index}@example.com`, 'unknown').quit(),
  );
  expect(decide(events)).toEqual([]);
});
