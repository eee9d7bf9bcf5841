import { expect, test } from 'vitest';
import { liveLine, Repeats, SHOWN_MAX } from '../../cli/demo/live-line.ts';
import { plain } from '../../cli/demo/paint.ts';
import type { EventByType, MailEvent } from '../../events/event.ts';

const base = {
  v: 1,
  at: 0,
  site: 'demo',
  gate: 'demo-gate',
  sid: 's',
  seq: 0,
  listener: 'mx',
  role: 'mx',
  ip: '203.0.113.7',
} as const;
const accept = { action: 'accept' } as const;
const command = (added: Partial<EventByType<'command'>> & { verb: string }): MailEvent => ({
  ...base,
  type: 'command',
  verdict: accept,
  latencyUs: 1,
  ...added,
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
const mail = (outcome: 'accepted' | 'rejected'): MailEvent => ({
  ...base,
  type: 'mail',
  transaction: 1,
  reversePath: '',
  nullReversePath: true,
  acceptedCount: 2,
  refusedCount: 0,
  domains: [],
  octets: 310,
  outcome,
  durationUs: 0,
  ...(outcome === 'accepted' ? { bodySha256: 'da2491aef0a231b26518bd45' } : {}),
});

test.each<[MailEvent, string]>([
  [
    command({ verb: 'EHLO', heloName: 'mail.partner.example', reply: { code: 250, text: 'x', from: 'upstream' } }),
    'EHLO mail.partner.example | 250',
  ],
  [
    command({
      verb: 'MAIL',
      reversePath: '',
      parameters: [['SIZE', '10'], ['SMTPUTF8']],
      reply: { code: 250, enhanced: '2.1.0', text: 'x', from: 'upstream' },
    }),
    'MAIL <> SIZE=10 SMTPUTF8 | 250 2.1.0',
  ],
  [
    command({
      verb: 'RCPT',
      forwardPath: 'victim@elsewhere.example',
      verdict: { action: 'refuse', rule: 'relay.denied' },
      reply: { code: 554, enhanced: '5.7.1', text: 'x', from: 'gate' },
    }),
    'RCPT <victim@elsewhere.example> | 554 5.7.1 by relay.denied',
  ],
  [
    command({
      verb: 'RCPT',
      forwardPath: 'nobody@example.com',
      reply: { code: 550, enhanced: '5.1.1', text: 'x', from: 'upstream' },
    }),
    'RCPT <nobody@example.com> | 550 5.1.1 by the server behind',
  ],
  [command({ verb: 'DATA', octets: 310 }), 'DATA 310 octets | no reply'],
  [command({ verb: 'AUTH', mechanism: 'PLAIN' }), 'AUTH PLAIN | no reply'],
  [command({ verb: '?', argument: 'GET / HTTP/1.1' }), '? GET / HTTP/1.1 | no reply'],
  [mail('accepted'), 'mail of 310 octets for 2, sha256 da2491aef0a2 | delivered'],
  [mail('rejected'), 'mail transaction | rejected'],
  [closed('deadline.command'), 'session ended | by deadline.command'],
  [
    { ...base, type: 'anomaly', kind: 'bare-lf', severity: 'warning', note: 'in the body' },
    'anomaly: bare-lf, in the body | warning',
  ],
  [
    { ...base, type: 'tls-started', leg: 'client', version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    'TLSv1.3 TLS_AES_256_GCM_SHA384 | encrypted',
  ],
])('an event is one line: %#', (event, expected) => {
  const [what, outcome] = expected.split(' | ');
  const words = liveLine(event, plain)
    ?.split(/ {2,}/)
    .filter((word) => word !== '');
  expect(words).toEqual(['203.0.113.7', 'mx', what, outcome].filter((word) => word !== undefined));
});

test.each<MailEvent>([
  closed(),
  { ...base, type: 'session-opened', port: 1, viaProxyProtocol: true, tls: false, sourceClass: 'stranger' },
  { ...base, type: 'tls-started', leg: 'upstream', version: 'TLSv1.3', cipher: 'x' },
  { ...base, type: 'auth-attempt', mechanism: 'PLAIN', outcome: 'accepted' },
])('an event that says little by itself is none: %#', (event) => {
  expect(liveLine(event, plain)).toBeUndefined();
});

test('a long command is cut, its outcome is not', () => {
  const forwardPath = `${'a'.repeat(300)}@example.com`;
  const line = liveLine(command({ verb: 'RCPT', forwardPath }), plain) ?? '';
  expect(line.length).toBeLessThan(120);
  expect(line).toMatch(/a… no reply$/);
});

test('what repeats is shown a few times and then counted', () => {
  const repeats = new Repeats();
  const shown = Array.from({ length: SHOWN_MAX + 7 }, () => repeats.shows('again'));
  expect(shown.filter(Boolean)).toHaveLength(SHOWN_MAX);
  expect(repeats.shows('something else')).toBe(true);
  expect(repeats.takeRest()).toEqual([{ text: 'again', more: 7 }]);
  expect(repeats.shows('again')).toBe(true);
});
