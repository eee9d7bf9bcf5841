import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { baselines } from '../../evaluation/defenders/baselines.ts';
import { postern } from '../../evaluation/defenders/postern.ts';
import { scoresOf } from '../../evaluation/score.ts';
import { tableOf } from '../../evaluation/table.ts';
import type { TrafficScenario } from '../../evaluation/traffic/actor.ts';
import { everyone } from '../../evaluation/traffic/all.ts';
import { attacks, attacksLast } from '../../evaluation/traffic/attacks.ts';
import { background, honest, honestLast } from '../../evaluation/traffic/benign.ts';
import { inOrder, played } from '../../evaluation/traffic/merge.ts';
import { Random } from '../../evaluation/traffic/random.ts';
import { DAY_MS, World } from '../../evaluation/traffic/world.ts';
import { decodeEvent, encodeEvent } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import { parseAddress } from '../../lib/ip.ts';

const START_MS = 1_767_225_600_000;
const span = { startMs: START_MS, attacksMs: START_MS + 7 * DAY_MS, endMs: START_MS + 14 * DAY_MS };

/** The first events of scenarios. */
function first(count: number, scenarios: readonly TrafficScenario[], seed: number, size: 'S' | 'M' = 'S'): MailEvent[] {
  const world = new World(seed, size, span);
  let stream = 0;
  const actors = scenarios.flatMap((scenario) =>
    scenario.actors(world).map((actor) => {
      stream += 1;
      return actor(world, new Random(seed, stream));
    }),
  );
  const events: MailEvent[] = [];
  for (const [, event] of played(inOrder(actors), () => true)) {
    events.push(event);
    if (events.length >= count) break;
  }
  return events;
}

test('there are 36 attacks and 28 honest scenarios, by their numbers', () => {
  expect([...attacks, ...attacksLast].map(({ id }) => id)).toEqual(
    Array.from({ length: 36 }, (_, index) => `A${index + 1}`),
  );
  expect([...honest, ...honestLast].map(({ id }) => id)).toEqual(
    Array.from({ length: 28 }, (_, index) => `B${index + 1}`),
  );
});

describe.each(everyone.map((scenario) => [scenario.id, scenario] as const))('%s', (_id, scenario) => {
  test('plays events of the real vocabulary, in the order of time, from addresses that there are', () => {
    const events = first(300, [scenario], 5, 'M');
    expect(events.length).toBeGreaterThan(1);
    const sessions = new Map<string, number>();
    for (const [index, event] of events.entries()) {
      expect(decodeEvent(encodeEvent(event))).toEqual({ ok: true, value: event });
      if (scenario.id !== 'B25') expect(event.at).toBeGreaterThanOrEqual(events[index - 1]?.at ?? 0);
      if (!('sid' in event)) continue;
      expect(parseAddress(event.ip)?.text).toBe(event.ip);
      sessions.set(event.sid, Math.max(sessions.get(event.sid) ?? 0, event.seq));
    }
    expect(sessions.size).toBeGreaterThan(0);
  });
});

const digestOf = (events: readonly MailEvent[]): string => {
  const hash = createHash('sha256');
  for (const event of events) hash.update(encodeEvent(event));
  return hash.digest('hex');
};

test('one seed gives the same traffic, another one other traffic', () => {
  const some = [background, ...honest.slice(0, 5)];
  expect(digestOf(first(2000, some, 1))).toBe(digestOf(first(2000, some, 1)));
  expect(digestOf(first(2000, some, 1))).not.toBe(digestOf(first(2000, some, 2)));
});

test('at a small site attacks are found as early as promised, and no honest message is kept out', () => {
  const scenarios = everyone.filter(({ sizes }) => sizes.includes('S'));
  const { scores } = scoresOf(new World(11, 'S', span), scenarios, postern(), 11);
  const of = (id: string) => scores.find(({ scenario }) => scenario === id);
  for (const score of scores.filter(({ scenario }) => !scenario.startsWith('A'))) {
    expect([score.scenario, score.messagesDeferred, score.messagesRefused]).toEqual([score.scenario, 0, 0]);
  }
  for (const [id, slowed, stopped] of [
    ['A1', 4, 5],
    ['A2', 4, 5],
    ['A3', 4, 5],
    ['A4', 6, 6],
    ['A5', 6, 10],
    ['A10', 5, 5],
    ['A11', 5, 5],
    ['A12', 4, 4],
    ['A16', 1, 2],
    ['A17', 1, 1],
  ] as const) {
    expect(of(id)?.untilSlowed, `${id} slowed`).toBeLessThanOrEqual(slowed);
    expect(of(id)?.untilStopped, `${id} stopped`).toBeLessThanOrEqual(stopped);
  }
  expect(of('A13')?.untilAlarm).toBeLessThanOrEqual(6);
  expect(of('A28')?.untilAlarm).toBeLessThanOrEqual(10);
  const a14 = of('A14');
  expect(a14?.sessionsAfterAlarm).toBeGreaterThan(100);
  expect(a14?.hinderedAfterAlarm).toBeGreaterThan(0.95 * (a14?.sessionsAfterAlarm ?? 0));
  // Told at the 13th bounce, and then deferred: none of them gets an answer for six hours.
  expect(of('A35')?.answersGiven).toBeLessThan(20);
  expect(of('A36')?.answersGiven).toBeLessThan(20);
}, 60_000);

test('what it is measured against does what it is known for', () => {
  const some = [...honest.filter(({ id }) => id === 'B4'), ...attacks.filter(({ id }) => ['A1', 'A4'].includes(id))];
  const results = new Map(
    baselines.map((make) => {
      const defender = make();
      return [defender.name, scoresOf(new World(3, 'S', span), some, defender, 3).scores] as const;
    }),
  );
  const of = (name: string, id: string) => results.get(name)?.find(({ scenario }) => scenario === id);
  expect(of('fail2ban', 'A1')?.untilStopped).toBe(5);
  expect(of('fail2ban', 'A4')?.untilStopped).toBeUndefined();
  expect(of('CrowdSec', 'A1')?.untilStopped).toBe(6);
  expect(of('Cisco 25/h', 'A1')?.untilStopped).toBe(26);
  const table = tableOf(new Map([['fail2ban\nA1', [of('fail2ban', 'A1')].filter((score) => score !== undefined)]]));
  expect(table).toMatch(/^scenario .*\nA1 +fail2ban +1 +5 +5 +never /);
});
