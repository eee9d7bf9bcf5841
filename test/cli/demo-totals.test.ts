import { expect, test } from 'vitest';
import { totalsOf } from '../../cli/demo/totals.ts';
import type { MailEvent } from '../../events/event.ts';

const session = (sid: string, seq: number) =>
  ({ v: 1, at: 0, site: 'demo', gate: 'g', sid, seq, listener: 'mx', role: 'mx', ip: '192.0.2.1' }) as const;
const opened = (sid: string, seq = 0): MailEvent => ({
  ...session(sid, seq),
  type: 'session-opened',
  port: 1,
  viaProxyProtocol: false,
  tls: false,
  sourceClass: 'stranger',
});
const command = (sid: string, seq: number, action: 'accept' | 'refuse' = 'accept'): MailEvent => ({
  ...session(sid, seq),
  type: 'command',
  verb: 'NOOP',
  verdict: { action },
  latencyUs: 1,
});
const closed = (sid: string, seq: number, commandCount: number): MailEvent => ({
  ...session(sid, seq),
  type: 'session-closed',
  outcome: 'none',
  closedBy: 'client',
  octetsIn: 0,
  octetsOut: 0,
  commandCount,
  errorCount: 0,
  durationUs: 0,
});

test.each<[string, readonly MailEvent[], number]>([
  ['from opened to closed', [opened('a'), command('a', 1), closed('a', 2, 1)], 1],
  ['two, mixed', [opened('a'), opened('b'), closed('b', 1, 0), closed('a', 1, 0)], 2],
  ['still open', [opened('a'), command('a', 1)], 0],
  ['begun without a beginning', [command('a', 0), closed('a', 1, 1)], 0],
  ['an event missing', [opened('a'), closed('a', 2, 1)], 0],
  ['an event twice', [opened('a'), command('a', 1), command('a', 1), closed('a', 2, 2)], 0],
  ['out of order', [opened('a'), command('a', 2), command('a', 1), closed('a', 3, 2)], 0],
  ['another number of commands', [opened('a'), command('a', 1), closed('a', 2, 2)], 0],
  ['none', [], 0],
])('whole sessions: %s', (_what, events, whole) => {
  expect(totalsOf(events).wholeSessions).toBe(whole);
});

test('events, sessions, commands and verdicts are counted', () => {
  const started: MailEvent = {
    v: 1,
    at: 0,
    site: 'demo',
    gate: 'g',
    type: 'gate-started',
    version: '0',
    configHash: '0',
    listeners: [],
  };
  const events = [started, opened('a'), command('a', 1), command('a', 2, 'refuse'), closed('a', 3, 2), opened('b')];
  expect(totalsOf(events)).toEqual({
    events: 6,
    sessions: 2,
    wholeSessions: 1,
    commands: 2,
    verdicts: { accept: 1, refuse: 1 },
    mailAccepted: 0,
  });
});
