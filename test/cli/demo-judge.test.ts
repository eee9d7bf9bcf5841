import { expect, test } from 'vitest';
import { judge, type Traces } from '../../cli/demo/judge.ts';
import type { Delivery } from '../../cli/demo/mail-store.ts';
import type { StoryLine } from '../../cli/demo/story.ts';
import type { EventByType, EventType, MailEvent } from '../../events/event.ts';

const line = (told: StoryLine['told']): StoryLine => ({
  id: 'a.line',
  act: 'inbound',
  what: 'something',
  source: '192.0.2.1',
  door: 'mx',
  told,
});

const base = {
  v: 1,
  at: 0,
  site: 'demo',
  gate: 'demo-gate',
  sid: 's',
  seq: 0,
  listener: 'mx',
  role: 'mx',
  ip: '192.0.2.1',
} as const;

type Added<T extends EventType> = Omit<EventByType<T>, keyof typeof base | 'type'>;
const command = (added: Pick<Added<'command'>, 'verb' | 'verdict' | 'reply'>): MailEvent => ({
  ...base,
  type: 'command',
  latencyUs: 1,
  ...added,
});
const accepted = { action: 'accept' } as const;
const upstream = (code: number, enhanced?: string): Added<'command'>['reply'] => ({
  code,
  text: 'text',
  from: 'upstream',
  ...(enhanced === undefined ? {} : { enhanced }),
});
const closed = (rule?: string): MailEvent => ({
  ...base,
  type: 'session-closed',
  outcome: 'none',
  closedBy: 'gate',
  octetsIn: 0,
  octetsOut: 0,
  commandCount: 0,
  errorCount: 0,
  durationUs: 0,
  ...(rule === undefined ? {} : { rule }),
});
const mail = (octets: number, bodySha256: string, outcome: 'accepted' | 'rejected' = 'accepted'): MailEvent => ({
  ...base,
  type: 'mail',
  transaction: 1,
  reversePath: '',
  nullReversePath: true,
  acceptedCount: 1,
  refusedCount: 0,
  domains: [],
  octets,
  bodySha256,
  outcome,
  durationUs: 0,
});
const delivery = (octets: number, sha256: string): Delivery => ({
  number: 1,
  source: '192.0.2.1',
  account: undefined,
  reversePath: '',
  forwardPaths: ['alice@example.com'],
  octets,
  sha256,
  file: '0001.eml',
});

const traces = (given: Partial<Traces>): Traces => ({
  events: [],
  deliveries: [],
  sent: [],
  throughGate: true,
  faults: [],
  ...given,
});

test.each<[string, Partial<Traces>, Record<string, number>]>([
  ['nothing', {}, {}],
  ['an accepted command', { events: [command({ verb: 'NOOP', verdict: accepted, reply: upstream(250) })] }, {}],
  [
    'a command refused by a rule',
    { events: [command({ verb: 'RCPT', verdict: { action: 'refuse', rule: 'relay.denied' }, reply: upstream(554) })] },
    { 'refused relay.denied': 1 },
  ],
  [
    'a command that was deferred instead',
    { events: [command({ verb: 'RCPT', verdict: { action: 'defer', rule: 'relay.denied' }, reply: upstream(451) })] },
    { 'deferred relay.denied': 1 },
  ],
  [
    'a command refused by a rule that ends the session, once',
    {
      events: [
        command({ verb: 'AUTH', verdict: { action: 'close', rule: 'auth.attempts' }, reply: upstream(421) }),
        closed('auth.attempts'),
      ],
    },
    { 'ended auth.attempts': 1 },
  ],
  [
    'commands refused by the server behind',
    {
      events: [
        command({ verb: 'RCPT', verdict: accepted, reply: upstream(550, '5.1.1') }),
        command({ verb: 'RCPT', verdict: accepted, reply: upstream(550, '5.1.1') }),
        command({ verb: 'MAIL', verdict: accepted, reply: upstream(451) }),
      ],
    },
    { 'server 550 5.1.1': 2, 'server 451': 1 },
  ],
  [
    'a command without a reply',
    { events: [command({ verb: 'DATA', verdict: accepted, reply: undefined })] },
    { 'unanswered DATA': 1 },
  ],
  ['a session that a rule ended', { events: [closed(), closed('errors.limit')] }, { 'ended errors.limit': 1 }],
  [
    'connections turned away',
    {
      events: [
        {
          v: 1,
          at: 0,
          site: 'demo',
          gate: 'demo-gate',
          listener: 'mx',
          role: 'mx',
          ip: '192.0.2.1',
          type: 'refusals',
          rule: 'limits.rate',
          action: 'close',
          count: 7,
          windowMs: 1,
        },
      ],
    },
    { 'turned away limits.rate': 7 },
  ],
  [
    'AUTH, TLS and anomalies',
    {
      events: [
        { ...base, type: 'auth-attempt', mechanism: 'PLAIN', outcome: 'refused' },
        { ...base, type: 'tls-started', leg: 'client', version: 'TLSv1.3', cipher: 'x' },
        { ...base, type: 'tls-started', leg: 'upstream', version: 'TLSv1.3', cipher: 'x' },
        { ...base, type: 'tls-failed', leg: 'client', reason: 'x' },
        { ...base, type: 'upstream-failed', stage: 'connect', reason: 'x' },
        { ...base, type: 'anomaly', kind: 'bare-lf', severity: 'warning' },
      ],
    },
    { 'auth refused': 1, tls: 1, 'tls failed': 1, 'upstream failed': 1, 'anomaly bare-lf': 1 },
  ],
  [
    'a message as it was sent and as the log has it',
    { sent: [{ octets: 3, sha256: 'abc' }], deliveries: [delivery(3, 'abc')], events: [mail(3, 'abc')] },
    { delivered: 1 },
  ],
  [
    'a message that was altered on the way',
    { sent: [{ octets: 3, sha256: 'abc' }], deliveries: [delivery(3, 'xyz')], events: [mail(3, 'xyz')] },
    { 'never sent as such': 1 },
  ],
  [
    'a message that lost an octet the hash does not tell of',
    { sent: [{ octets: 4, sha256: 'abc' }], deliveries: [delivery(3, 'abc')], events: [mail(3, 'abc')] },
    { 'never sent as such': 1 },
  ],
  [
    'a message of which the log knows nothing',
    { sent: [{ octets: 3, sha256: 'abc' }], deliveries: [delivery(3, 'abc')] },
    { delivered: 1, 'not in the log as delivered': 1 },
  ],
  [
    'a message of which the log has another hash',
    { sent: [{ octets: 3, sha256: 'abc' }], deliveries: [delivery(3, 'abc')], events: [mail(3, 'xyz')] },
    { delivered: 1, 'not in the log as delivered': 1 },
  ],
  [
    'a message that the log calls delivered and the server behind does not have',
    { events: [mail(3, 'abc')] },
    { 'not in the log as delivered': 1 },
  ],
  ['a mail transaction that was rejected', { events: [mail(3, 'abc', 'rejected')] }, {}],
  [
    'a message past the gate',
    { sent: [{ octets: 3, sha256: 'abc' }], deliveries: [delivery(3, 'abc')], throughGate: false },
    { delivered: 1 },
  ],
  ['an actor that failed', { faults: ['ECONNRESET'] }, { 'actor failed: ECONNRESET': 1 }],
])('%s is counted', (_what, given, came) => {
  const judged = judge(line(came), traces(given));
  expect(judged.came).toEqual(came);
  expect(judged.asTold).toBe(true);
});

test.each<[string, StoryLine['told'], boolean]>([
  ['exactly that', { 'ended limits.rate': 2 }, true],
  ['less', { 'ended limits.rate': 3 }, false],
  ['more', { 'ended limits.rate': 1 }, false],
  ['within the range', { 'ended limits.rate': [2, 3] }, true],
  ['below the range', { 'ended limits.rate': [3, 4] }, false],
  ['above the range', { 'ended limits.rate': [0, 1] }, false],
  ['something besides', {}, false],
  ['something that did not come', { 'ended limits.rate': 2, delivered: 1 }, false],
])('a line comes out as told only if it came out so: %s', (_what, told, asTold) => {
  const events = [closed('limits.rate'), closed('limits.rate')];
  expect(judge(line(told), traces({ events })).asTold).toBe(asTold);
});
