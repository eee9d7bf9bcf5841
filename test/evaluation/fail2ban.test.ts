import { describe, expect, test } from 'vitest';
import { type Ban, fail2banAggressive, fail2banDefault } from '../../evaluation/defenders/fail2ban.ts';
import { Random } from '../../evaluation/traffic/random.ts';
import { SessionScript } from '../../evaluation/traffic/session-script.ts';
import type { MailEvent } from '../../events/event.ts';

const START_MS = 1_767_225_600_000;

type Play = (session: SessionScript) => SessionScript;
const unknown: Play = (session) => session.mail('').recipient('nobody@example.com', 'unknown');
const password: Play = (session) => session.authenticate('admin', 1, 'refused');

const eventsAt = (atS: number, play: Play, ip = '203.0.113.9'): readonly MailEvent[] =>
  play(new SessionScript({ ip, atMs: START_MS + atS * 1000 }, new Random(1), 0)).quit();

/** Seconds, counted from the start, of the bans that a series of failures brings. */
function bansOf(timesS: readonly number[], play: Play = unknown): readonly number[] {
  const bans: Ban[] = [];
  const defender = fail2banDefault((ban) => bans.push(ban));
  for (const atS of timesS) for (const event of eventsAt(atS, play)) defender.see(event);
  return bans.map(({ atS }) => atS - START_MS / 1000);
}

const steps = (count: number, everyS: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => index * everyS);

// Checked against the classes of fail2ban 1.0.2; test/integration/fail2ban.test.ts compares whole logs.
describe('how it counts', () => {
  test('five failures ban, four do not', () => {
    expect(bansOf(steps(4, 1))).toEqual([]);
    expect(bansOf(steps(5, 1))).toEqual([4]);
  });

  test('four in ten minutes, kept up, come to five', () => {
    expect(bansOf(steps(5, 150))).toEqual([600]);
  });

  test('what is older than ten minutes counts by its rate, so that one in 171 seconds is banned and one in 172 never', () => {
    expect(bansOf(steps(200, 171))[0]).toBe(171 * 4);
    expect(bansOf(steps(200, 172))).toEqual([]);
  });

  test('ten minutes without a failure forget it all', () => {
    expect(bansOf([0, 1, 2, 3, 602])).toEqual([602]);
    expect(bansOf([0, 1, 2, 3, 603])).toEqual([]);
  });

  test('after a ban it begins anew', () => {
    expect(bansOf(steps(10, 1))).toEqual([4, 9]);
  });

  test('a line that is late does not change the time', () => {
    expect(bansOf([100, 101, 102, 70, 71])).toEqual([102]);
  });
});

describe('what it counts', () => {
  test.each([
    ['unknown recipients', unknown, 5],
    ['relaying', (session: SessionScript) => session.mail('').recipient('a@far.example', 'foreign'), 5],
    ['wrong passwords', password, 5],
    ['HTTP', (session: SessionScript) => session.anomaly('http-on-smtp'), 5],
    ['clients that do not wait for the greeting', (session: SessionScript) => session.anomaly('early-talker'), 0],
    ['greylisting', (session: SessionScript) => session.mail('').recipient('a@example.com', 'deferred'), 0],
    ['VRFY', (session: SessionScript) => session.idle('VRFY'), 0],
  ] as const)('%s', (_name, play, needed) => {
    expect(bansOf(steps(20, 1), play)[0]).toBe(needed === 0 ? undefined : needed - 1);
  });

  test('the jails count apart: recipients are of one, passwords of the other', () => {
    const bans: Ban[] = [];
    const defender = fail2banDefault((ban) => bans.push(ban));
    for (const atS of steps(4, 2)) {
      for (const event of [...eventsAt(atS, unknown), ...eventsAt(atS + 1, password)]) defender.see(event);
    }
    expect(bans).toEqual([]);
    for (const event of eventsAt(9, password)) defender.see(event);
    expect(bans.map(({ jail }) => jail)).toEqual(['postfix-sasl']);
  });

  test('two addresses of one /64 are two sources', () => {
    const bans: Ban[] = [];
    const defender = fail2banDefault((ban) => bans.push(ban));
    for (const atS of steps(8, 1))
      for (const event of eventsAt(atS, unknown, `2001:db8::${1 + (atS % 2)}`)) defender.see(event);
    expect(bans).toEqual([]);
    for (const event of eventsAt(9, unknown, '2001:db8::1')) defender.see(event);
    expect(bans.map(({ ip }) => ip)).toEqual(['2001:db8::1']);
    expect(defender.verdict('2001:db8::2', 'mx', START_MS + 10_000)).toBe('pass');
  });
});

test('a session with too many errors counts once more', () => {
  const bans: Ban[] = [];
  const defender = fail2banDefault((ban) => bans.push(ban));
  const session = new SessionScript({ ip: '203.0.113.9', atMs: START_MS }, new Random(1), 0).mail('');
  for (const name of ['a', 'b', 'c', 'd']) session.recipient(`${name}@example.com`, 'unknown');
  for (const event of session.close({ closedBy: 'gate', rule: 'errors.limit' })) defender.see(event);
  expect(bans).toHaveLength(1);
});

test('a ban lasts ten minutes, on all ports', () => {
  const defender = fail2banDefault();
  for (const atS of steps(5, 1)) for (const event of eventsAt(atS, unknown)) defender.see(event);
  expect(defender.verdict('203.0.113.9', 'submission', START_MS + 603_999)).toBe('refuse');
  expect(defender.verdict('203.0.113.9', 'mx', START_MS + 604_000)).toBe('pass');
});

test('the aggressive one bans for an hour, then for two', () => {
  const defender = fail2banAggressive();
  for (const atS of [0, 1, 2]) for (const event of eventsAt(atS, unknown)) defender.see(event);
  expect(defender.verdict('203.0.113.9', 'mx', START_MS + 3601_000)).toBe('refuse');
  expect(defender.verdict('203.0.113.9', 'mx', START_MS + 3602_000)).toBe('pass');
  for (const atS of [4000, 4001, 4002]) for (const event of eventsAt(atS, unknown)) defender.see(event);
  expect(defender.verdict('203.0.113.9', 'mx', START_MS + (4002 + 7199) * 1000)).toBe('refuse');
  expect(defender.verdict('203.0.113.9', 'mx', START_MS + (4002 + 7200) * 1000)).toBe('pass');
});
