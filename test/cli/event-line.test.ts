import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatEvent } from '../../cli/format/event-line.ts';
import { EVENT_VERSION, type MailEvent } from '../../events/event.ts';
import { everyEvent } from '../support/events.ts';

const gate = { v: EVENT_VERSION, at: 1_795_583_018_937, site: 'main', gate: 'mx1' } as const;
const session = {
  ...gate,
  sid: '01990000-0000-7000-8000-000000000000',
  seq: 1,
  listener: 'mx',
  role: 'mx',
  ip: '198.51.100.7',
} as const;
const command = { ...session, type: 'command', verdict: { action: 'accept' }, latencyUs: 1000 } as const;

const cases: readonly { readonly event: MailEvent; readonly want: string }[] = [
  {
    event: {
      ...session,
      type: 'session-opened',
      port: 4000,
      viaProxyProtocol: true,
      tls: false,
      sourceClass: 'stranger',
    },
    want: '05:03:38.937 198.51.100.7    mx          opened    port 4000 by PROXY stranger',
  },
  {
    event: { ...command, verb: 'EHLO', heloName: 'c.example', reply: { code: 250, text: 'hi', from: 'upstream' } },
    want: '05:03:38.937 198.51.100.7    mx          EHLO      c.example 250',
  },
  {
    event: {
      ...command,
      verb: 'RCPT',
      forwardPath: 'b@other.example',
      verdict: { action: 'refuse', rule: 'relay.denied' },
      reply: { code: 554, enhanced: '5.7.1', text: 'Refused', from: 'gate' },
    },
    want: '05:03:38.937 198.51.100.7    mx          RCPT      <b@other.example> refuse relay.denied 554 5.7.1 "Refused"',
  },
  {
    event: {
      ...command,
      verb: 'RCPT',
      forwardPath: 'nobody@example.com',
      observed: [{ rule: 'recipient.unknown', action: 'refuse' }],
      reply: { code: 550, enhanced: '5.1.1', text: 'no such user', from: 'upstream' },
    },
    want: '05:03:38.937 198.51.100.7    mx          RCPT      <nobody@example.com> 550 5.1.1 "no such user" (would refuse recipient.unknown)',
  },
  {
    event: { ...command, verb: 'MAIL', reversePath: '' },
    want: '05:03:38.937 198.51.100.7    mx          MAIL      <> no reply',
  },
  {
    event: {
      ...session,
      type: 'mail',
      transaction: 1,
      reversePath: 'a@x.example',
      nullReversePath: false,
      acceptedCount: 2,
      refusedCount: 1,
      domains: ['example.com'],
      octets: 18,
      outcome: 'accepted',
      reply: { code: 250, text: 'queued', from: 'upstream' },
      durationUs: 10,
    },
    want: '05:03:38.937 198.51.100.7    mx          mail      accepted 250 from <a@x.example> to example.com, 2 accepted, 1 refused, 18 octets',
  },
  {
    event: { ...session, type: 'auth-attempt', mechanism: 'PLAIN', outcome: 'refused', code: 535 },
    want: '05:03:38.937 198.51.100.7    mx          auth      PLAIN refused 535',
  },
  {
    event: { ...session, type: 'anomaly', kind: 'bare-lf', severity: 'critical' },
    want: '05:03:38.937 198.51.100.7    mx          anomaly   bare-lf (critical)',
  },
  {
    event: {
      ...session,
      type: 'session-closed',
      outcome: 'none',
      closedBy: 'gate',
      rule: 'deadline.command',
      replyCode: 421,
      octetsIn: 1,
      octetsOut: 2,
      commandCount: 3,
      errorCount: 0,
      durationUs: 2_162_000,
    },
    want: '05:03:38.937 198.51.100.7    mx          closed    by gate deadline.command 421: none, 3 commands, 0 errors, 2.162 s',
  },
  {
    event: { ...gate, type: 'operator-acted', act: 'observe-all', by: 'root', reason: 'a customer waits' },
    want: '05:03:38.937 mx1                         operator  observe-all by root: a customer waits',
  },
  {
    event: {
      ...gate,
      type: 'operator-acted',
      act: 'forget',
      value: 'forgotten-x@example.com',
      by: 'root',
      reason: 'she asked',
      counts: { 'postern.events': 12, 'postern.evidence': 3 },
    },
    want: '05:03:38.937 mx1                         operator  forget forgotten-x@example.com by root: she asked (postern.events 12, postern.evidence 3)',
  },
  {
    event: { ...gate, type: 'config-changed', outcome: 'refused', configHash: 'ab', faults: ['x: y'] },
    want: '05:03:38.937 mx1                         config    refused ab: x: y',
  },
  {
    event: { ...gate, type: 'log-gap', reason: 'disk-full', counts: { command: 3, mail: 1 }, fromAt: 1, toAt: 2 },
    want: '05:03:38.937 mx1                         log gap   disk-full: 4 events lost',
  },
];

test.each(cases)('$event.type: $want', ({ event, want }) => {
  expect(formatEvent(event, false)).toBe(want);
});

test('every type of event has a line', () => {
  for (const event of everyEvent) expect(formatEvent(event, false), event.type).toMatch(/^[0-9:.]{12} \S+ .*\S/);
});

test('colour goes around the line and changes nothing in it', () => {
  const anomaly = cases.find(({ event }) => event.type === 'anomaly');
  if (anomaly === undefined) throw new Error('a case is missing');
  expect(formatEvent(anomaly.event, true)).toBe(`\u001b[31m${anomaly.want}\u001b[0m`);
});

test('no text of an event gets to a terminal as a control, nor begins a line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const events: MailEvent[] = [
        {
          ...command,
          verb: text,
          heloName: text,
          verdict: { action: 'refuse', rule: text },
          reply: { code: 550, enhanced: text, text, from: 'upstream' },
        },
        { ...session, ip: text, type: 'upstream-failed', stage: text, reason: text },
        {
          ...gate,
          gate: text,
          type: 'operator-acted',
          act: text,
          value: text,
          by: text,
          reason: text,
          counts: { [text]: 1 },
        },
      ];
      for (const event of events) {
        const line = formatEvent(event, false);
        // biome-ignore lint/complexity/useRegexLiterals: controls are easier to read by their numbers
        if (new RegExp('[\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202e]').test(line)) return false;
      }
      return true;
    }),
  );
});
