import { expect, test } from 'vitest';
import { priorityOf } from '../../events/priority.ts';
import { aCommand, aGateStart, aMail, aProgress } from '../support/events.ts';

const refused = { code: 550, text: 'no', from: 'upstream' } as const;

test.each([
  ['an accepted command outside a mail transaction', aCommand({ verb: 'EHLO' }), 'low'],
  ['QUIT', aCommand({ verb: 'QUIT' }), 'low'],
  ['an accepted command of a mail transaction', aCommand({ verb: 'RCPT' }), 'normal'],
  ['an accepted AUTH', aCommand({ verb: 'AUTH' }), 'normal'],
  ['a command the gate refused', aCommand({ verb: 'NOOP', verdict: { action: 'refuse', rule: 'junk.limit' } }), 'high'],
  ['a command the server behind refused', aCommand({ verb: 'NOOP', reply: refused }), 'high'],
  [
    'a command that a rule observed',
    aCommand({ verb: 'EHLO', observed: [{ rule: 'helo.own-name', action: 'refuse' }] }),
    'high',
  ],
  ['progress', aProgress(), 'low'],
  ['mail', aMail(), 'high'],
  ['a control event', aGateStart(), 'high'],
])('%s is of priority %s', (_name, event, priority) => {
  expect(priorityOf(event)).toBe(priority);
});

test('a command that got no reply is of priority high', () => {
  const { reply: _reply, ...event } = aCommand({ verb: 'EHLO' });
  expect(priorityOf(event)).toBe('high');
});
