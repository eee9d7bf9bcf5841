import { describe, expect, test } from 'vitest';
import type { SessionScript } from '../../evaluation/traffic/session-script.ts';
import type { MailEvent } from '../../events/event.ts';
import { DAY_MS, decisionsOf, HOUR_MS, MINUTE_MS, Sessions, START_MS, watched } from '../support/watch.ts';

const ip = '198.51.100.7';
const user = { ip, role: 'submission' } as const;

/** Mail to one unknown forward-path each. */
const guesses = (count: number, everyMs: number, more: Parameters<Sessions['each']>[2] = {}): MailEvent[] =>
  new Sessions(7).each(count, everyMs, more, (session, index) =>
    session.hello().mail('a@spam.example').recipient(`guess${index}@example.com`, 'unknown').quit(),
  );

/** Accepted mail, one message a session. */
const deliveries = (count: number, everyMs: number, more: Parameters<Sessions['each']>[2] = {}): MailEvent[] =>
  new Sessions(8).each(count, everyMs, more, (session, index) =>
    session
      .hello()
      .mail('b@friend.example')
      .recipient(`known${index % 50}@example.com`, 'known')
      .data()
      .quit(),
  );

const logins = (
  count: number,
  everyMs: number,
  attempt: (session: SessionScript, index: number) => SessionScript,
  more: Parameters<Sessions['each']>[2] = {},
): MailEvent[] =>
  new Sessions(9).each(count, everyMs, { ...user, ...more }, (session, index) =>
    attempt(session.hello(), index).quit(),
  );

/** The gate answered the attempt in place of the server behind. */
function answered454(event: MailEvent): MailEvent {
  if (event.type !== 'auth-attempt') return event;
  const { code: _code, ...rest } = event;
  return { ...rest, outcome: 'deferred' };
}

interface Case {
  readonly name: string;
  readonly events: readonly MailEvent[];
  readonly decisions: readonly string[];
}

const slow = (scenario: string): string => `${scenario} slow ${ip}`;
const defer = (scenario: string): string => `${scenario} defer ${ip}`;
const refuse = (scenario: string): string => `${scenario} refuse ${ip}`;

const tables: Readonly<Record<string, readonly Case[]>> = {
  'recipient-harvest': [
    {
      name: 'four guesses slow it, five defer it',
      events: guesses(5, 1000),
      decisions: [slow('recipient-harvest'), defer('recipient-harvest')],
    },
    { name: 'three do nothing', events: guesses(3, 1000), decisions: [] },
    {
      name: 'one an hour',
      events: guesses(6, HOUR_MS),
      decisions: [slow('recipient-harvest'), defer('recipient-harvest')],
    },
    {
      name: 'three a day',
      events: guesses(7, 8 * HOUR_MS),
      decisions: [
        slow('recipient-harvest'),
        slow('recipient-harvest'),
        defer('recipient-harvest'),
        refuse('recipient-harvest'),
      ],
    },
    {
      name: 'the same again counts once',
      events: new Sessions().each(50, MINUTE_MS, {}, (session) =>
        session.hello().mail('a@list.example').recipient('gone@example.com', 'unknown').quit(),
      ),
      decisions: [],
    },
    {
      name: 'two typos of an ordinary sender',
      events: new Sessions().each(2, MINUTE_MS, {}, (session, index) =>
        session.hello().mail('a@friend.example').recipient(`peopel${index}@example.com`, 'near-miss').quit(),
      ),
      decisions: [],
    },
    {
      name: 'seven typos of an ordinary sender',
      events: new Sessions().each(7, MINUTE_MS, {}, (session, index) =>
        session.hello().mail('a@friend.example').recipient(`peopel${index}@example.com`, 'near-miss').quit(),
      ),
      decisions: [],
    },
    {
      name: 'a source with history needs more, and is deferred at most',
      events: [...deliveries(20, HOUR_MS, { atMs: START_MS - 2 * DAY_MS }), ...guesses(30, 1000)],
      decisions: [slow('recipient-harvest'), defer('recipient-harvest')],
    },
    {
      name: 'VRFY and EXPN are guesses: four slow it, five defer it',
      events: new Sessions().open().hello().idle('VRFY').idle('EXPN').idle('VRFY').idle('VRFY').idle('EXPN').quit(),
      decisions: [slow('recipient-harvest'), defer('recipient-harvest')],
    },
    {
      name: 'three of them, and a guess by RCPT, are four guesses',
      events: new Sessions()
        .open()
        .hello()
        .idle('VRFY')
        .idle('EXPN')
        .idle('VRFY')
        .mail('a@x.example')
        .recipient('guess@example.com', 'unknown')
        .quit(),
      decisions: [slow('recipient-harvest')],
    },
    {
      name: 'three VRFY do nothing',
      events: new Sessions().open().hello().idle('VRFY').idle('VRFY').idle('VRFY').quit(),
      decisions: [],
    },
    {
      name: 'a refusal for another reason is no guess',
      events: new Sessions().each(20, 1000, {}, (session, index) =>
        session.hello().mail('a@x.example').recipient(`known${index}@example.com`, 'deferred').quit(),
      ),
      decisions: [],
    },
  ],
  'relay-probe': [
    {
      name: 'the first foreign domain slows, the second refuses',
      events: new Sessions().each(2, MINUTE_MS, {}, (session, index) =>
        session.hello().mail('a@x.example').recipient(`test@foreign${index}.example`, 'foreign').quit(),
      ),
      decisions: [slow('relay-probe'), refuse('relay-probe')],
    },
    {
      name: 'a trick refuses at once',
      events: new Sessions()
        .open()
        .hello()
        .mail('a@x.example')
        .recipient('a%foreign.example@example.com', 'routing')
        .quit(),
      decisions: [refuse('relay-probe')],
    },
    {
      name: 'a printer with one domain is slowed once',
      events: new Sessions().each(50, MINUTE_MS, {}, (session) =>
        session.hello().mail('printer@example.com').recipient('boss@private.example', 'foreign').quit(),
      ),
      decisions: [slow('relay-probe')],
    },
  ],
  'null-sender-abuse': [
    {
      name: 'bounces to twenty-five guesses in a minute',
      events: new Sessions().each(25, 2000, {}, (session, index) =>
        session.hello().mail('').recipient(`guess${index}@example.com`, 'unknown').quit(),
      ),
      decisions: [slow('null-sender-abuse'), defer('null-sender-abuse')],
    },
    {
      name: 'a server that bounces forged mail, three an hour',
      events: new Sessions().each(60, 20 * MINUTE_MS, {}, (session, index) =>
        session.hello().mail('').recipient(`forged${index}@example.com`, 'unknown').quit(),
      ),
      decisions: [],
    },
    {
      name: 'callouts that verify addresses of ours',
      events: new Sessions().each(200, 5000, {}, (session, index) =>
        session.hello().mail('').recipient(`known${index}@example.com`, 'known').quit(),
      ),
      decisions: [],
    },
  ],
  'auth-guessing': [
    {
      name: 'passwords for one account',
      events: logins(5, 5 * MINUTE_MS, (session, index) => session.authenticate('alice', index, 'refused')),
      decisions: [slow('auth-guessing'), refuse('auth-guessing')],
    },
    {
      name: 'one password for many accounts',
      events: logins(4, 1000, (session, index) => session.authenticate(`user${index}`, 5, 'refused')),
      decisions: [slow('auth-guessing'), refuse('auth-guessing')],
    },
    {
      name: 'passwords for one account, most of them answered 454 by the gate',
      events: logins(5, 5 * MINUTE_MS, (session, index) => session.authenticate('alice', index, 'refused')).map(
        (event, index) => (index > 5 ? answered454(event) : event),
      ),
      decisions: [slow('auth-guessing'), refuse('auth-guessing')],
    },
    {
      name: 'a telephone with an old password that the gate answers 454',
      events: logins(50, 2 * MINUTE_MS, (session) => session.authenticate('alice', 5, 'refused')).map(answered454),
      decisions: [],
    },
    {
      name: 'everybody in an office while the server behind cannot say whose password is right',
      events: logins(60, 1000, (session, index) => session.authenticate(`user${index}`, index, 'refused')).map(
        (event) => (event.type === 'auth-attempt' ? { ...event, outcome: 'deferred' as const, code: 454 } : event),
      ),
      decisions: [],
    },
    {
      name: 'a telephone with an old password',
      events: logins(720, 2 * MINUTE_MS, (session) => session.authenticate('alice', 5, 'refused')),
      decisions: [],
    },
    {
      name: 'three typos and the right one, every day',
      events: Array.from({ length: 5 }, (_, day) =>
        logins(
          4,
          10_000,
          (session, index) => session.authenticate('alice', index, index === 3 ? 'accepted' : 'refused'),
          { atMs: START_MS + day * DAY_MS },
        ),
      ).flat(),
      decisions: [],
    },
    {
      name: 'an office of which some get in is slowed at most',
      events: [
        ...logins(20, MINUTE_MS, (session, index) => session.authenticate(`user${index}`, index, 'accepted'), {
          atMs: START_MS - 2 * DAY_MS,
        }),
        ...logins(40, 1000, (session, index) => session.authenticate(`user${index}`, 99, 'refused')),
      ],
      decisions: [slow('auth-guessing')],
    },
  ],
  'connection-flood': [
    {
      name: 'ten a second',
      events: new Sessions().each(600, 100, {}, (session) => session.close({ closedBy: 'client' })),
      decisions: [slow('connection-flood'), defer('connection-flood'), refuse('connection-flood')],
    },
    {
      name: 'a probe every minute',
      events: new Sessions().each(1440, MINUTE_MS, {}, (session) => session.quit()),
      decisions: [],
    },
    { name: 'two messages a second, each by itself, of somebody new', events: deliveries(600, 500), decisions: [] },
    {
      name: 'one message every second, with history',
      events: [...deliveries(20, HOUR_MS, { atMs: START_MS - 2 * DAY_MS }), ...deliveries(600, 1000)],
      decisions: [],
    },
  ],
  'slow-session': [
    {
      name: 'sessions that a deadline ends',
      events: new Sessions().each(10, 5 * MINUTE_MS, {}, (session) =>
        session
          .hello()
          .wait(4 * MINUTE_MS)
          .close({ closedBy: 'gate', rule: 'deadline.command' }),
      ),
      decisions: [slow('slow-session'), defer('slow-session'), refuse('slow-session')],
    },
    {
      name: 'a satellite client at 2 KB/s',
      events: new Sessions().each(20, 10 * MINUTE_MS, {}, (session) => {
        session.hello().mail('a@ship.example').recipient('known@example.com', 'known');
        for (let part = 1; part <= 10; part += 1)
          session.wait(30_000).progress('data', part * 60_000, part * 30_000, 0.1);
        return session.data().quit();
      }),
      decisions: [],
    },
  ],
  'command-flood': [
    {
      name: 'NOOP without end',
      events: new Sessions().each(2, MINUTE_MS, {}, (session) => {
        for (let count = 0; count < 95; count += 1) session.idle('NOOP');
        return session.quit();
      }),
      decisions: [slow('command-flood'), defer('command-flood'), refuse('command-flood')],
    },
    {
      name: 'a long session with mail in between',
      events: (() => {
        const session = new Sessions().open().hello();
        for (let count = 0; count < 50; count += 1) {
          session.idle('NOOP').mail('a@list.example').recipient('known@example.com', 'known').data();
        }
        return session.quit();
      })(),
      decisions: [],
    },
  ],
  'early-talker': [
    {
      name: 'once is deferred, and again is refused',
      events: new Sessions().each(2, 2 * HOUR_MS, {}, (session) =>
        session.anomaly('early-talker').close({ closedBy: 'gate', rule: 'greet.early-talker' }),
      ),
      decisions: [defer('early-talker'), refuse('early-talker')],
    },
  ],
  'protocol-abuse': [
    {
      name: 'HTTP is refused at once',
      events: new Sessions().open().anomaly('http-on-smtp').close({ closedBy: 'gate' }),
      decisions: [refuse('protocol-abuse')],
    },
    {
      name: 'PROXY headers from nobody in particular',
      events: new Sessions().each(2, MINUTE_MS, {}, (session) => session.anomaly('proxy-untrusted').quit()),
      decisions: [slow('protocol-abuse'), refuse('protocol-abuse')],
    },
    {
      name: 'an old client with bare line ends whose mail is accepted',
      events: new Sessions().each(30, MINUTE_MS, {}, (session) =>
        session.hello().anomaly('bare-lf').mail('a@old.example').recipient('known@example.com', 'known').data().quit(),
      ),
      decisions: [],
    },
    {
      name: 'faults of the server behind are not those of the client',
      events: new Sessions().each(30, MINUTE_MS, {}, (session) => session.hello().anomaly('bad-reply').quit()),
      decisions: [],
    },
  ],
  'held-session-release': [
    {
      name: 'three sessions held and let go',
      events: new Sessions().each(3, 1000, {}, (session) => {
        session.hello().mail('a@x.example').recipient('known@example.com', 'known');
        for (let part = 1; part <= 5; part += 1) session.wait(30_000).progress('command', 0, part * 30_000, 0.3);
        return session.data().quit();
      }),
      decisions: [slow('held-session-release'), defer('held-session-release')],
    },
  ],
};

describe.each(Object.entries(tables))('%s', (_scenario, cases) => {
  test.each(cases)('$name', ({ events, decisions }) => {
    const ordered = [...events].sort((a, b) => a.at - b.at);
    const found = decisionsOf(ordered).filter(
      (each) => !each.startsWith('slow-session') || decisions.some((d) => d.startsWith('slow-session')),
    );
    expect(found).toEqual(decisions);
  });
});

test('a decision tells what it rests on', () => {
  const [first] = watched(guesses(4, 1000)).decisions;
  expect(first).toMatchObject({
    scope: 'ip',
    value: ip,
    roles: ['mx'],
    origin: 'analyzer',
    standing: 'stranger',
    score: 7972,
    threshold: 7066,
    until: expect.any(Number),
    ledger: [
      { what: 'unknown-recipient', weight: 1993 },
      { what: 'unknown-recipient', weight: 1993 },
      { what: 'unknown-recipient', weight: 1993 },
      { what: 'unknown-recipient', weight: 1993 },
    ],
  });
  expect(first?.id).toMatch(/^[0-9a-f]{16}$/);
});

test.each([{ why: 'on the never-list', networks: { never: ['198.51.100.0/24'] } }] as const)(
  'a source $why is never decided about',
  ({ networks }) => {
    expect(decisionsOf(guesses(50, 1000), networks)).toEqual([]);
  },
);

test('a provider is slowed at most', () => {
  expect(decisionsOf(guesses(50, 1000), { providers: ['198.51.100.0/24'] })).toEqual([slow('recipient-harvest')]);
});

test.each(['trusted-network', 'never-listed', 'certificate'])(
  'what a source of class %s does is not held against it',
  (sourceClass) => {
    expect(decisionsOf(guesses(50, 1000, { sourceClass }))).toEqual([]);
  },
);

test('an IPv6 source is its /64', () => {
  const events =
    new Sessions().each(5, 1000, {}, (session) => session.quit()).length > 0 &&
    Array.from({ length: 5 }, (_, index) =>
      guesses(index + 1, 1000, { ip: `2001:db8:1:2::${index + 1}` }).slice(-6),
    ).flat();
  expect(decisionsOf(events === false ? [] : events)).toContain('recipient-harvest defer 2001:db8:1:2::/64');
});

test('a source that an operator has unblocked starts at zero', () => {
  const unblock: MailEvent = {
    v: 1,
    type: 'operator-acted',
    at: START_MS + 10_000,
    site: 'site',
    gate: 'gate-1',
    act: 'unblock',
    value: ip,
    by: 'postmaster',
    reason: 'a customer',
  };
  const more = guesses(8, 1000)
    .slice(5 * 6)
    .map((event) => ({ ...event, at: event.at + 60_000 }));
  expect(decisionsOf([...guesses(5, 1000), unblock, ...more])).toEqual([
    slow('recipient-harvest'),
    defer('recipient-harvest'),
  ]);
});

test('a source that offends again after each decision climbs the ladder', () => {
  const events = Array.from({ length: 5 }, (_, day) =>
    guesses(6, 1000, { atMs: START_MS + day * 2 * DAY_MS }).map((event) =>
      event.type === 'command' && event.forwardPath !== undefined
        ? { ...event, forwardPath: `d${day}${event.forwardPath}` }
        : event,
    ),
  ).flat();
  const strongest = watched(events).decisions.map(({ level }) => level);
  expect(Math.max(...strongest)).toBe(4);
  expect(strongest[0]).toBe(0);
});

test('bounces are never refused, however often it is tried again', () => {
  const days = Array.from({ length: 6 }, (_, day) =>
    new Sessions(day).each(25, 2000, { atMs: START_MS + day * DAY_MS }, (session, index) =>
      session.hello().mail('').recipient(`guess${day}-${index}@example.com`, 'unknown').quit(),
    ),
  ).flat();
  expect(new Set(decisionsOf(days))).toEqual(new Set([slow('null-sender-abuse'), defer('null-sender-abuse')]));
});
