import { expect, test } from 'vitest';
import { eventFilter, type Wanted } from '../../cli/format/event-filter.ts';
import { EVENT_VERSION, type MailEvent } from '../../events/event.ts';
import { referenceOf } from '../../lib/uuid-v7.ts';

const sid = '01990000-0000-7000-8000-00000000000a';
const base = { v: EVENT_VERSION, at: 1, site: 's', gate: 'g' } as const;
const source = { ...base, listener: 'mx', role: 'mx', ip: '198.51.100.7' } as const;
const events = {
  refused: {
    ...source,
    sid,
    seq: 1,
    type: 'command',
    verb: 'RCPT',
    verdict: { action: 'refuse', rule: 'relay.denied' },
    latencyUs: 1,
  },
  observed: {
    ...source,
    ip: '2001:db8::1',
    sid: '01990000-0000-7000-8000-00000000000b',
    seq: 1,
    type: 'command',
    verb: 'EHLO',
    verdict: { action: 'accept' },
    observed: [{ rule: 'helo.syntax', action: 'refuse' }],
    latencyUs: 1,
  },
  refusals: { ...source, type: 'refusals', rule: 'limits.total', action: 'close', count: 3, windowMs: 1 },
  stopped: { ...base, type: 'gate-stopped', reason: 'SIGTERM' },
} as const satisfies Record<string, MailEvent>;

test.each<{ wanted: Wanted; want: readonly string[] }>([
  { wanted: {}, want: ['refused', 'observed', 'refusals', 'stopped'] },
  { wanted: { ip: '198.51.100.7' }, want: ['refused', 'refusals'] },
  { wanted: { ip: '198.51.100.0/24' }, want: ['refused', 'refusals'] },
  { wanted: { ip: '::ffff:198.51.100.7' }, want: ['refused', 'refusals'] },
  { wanted: { ip: '2001:db8::/32' }, want: ['observed'] },
  { wanted: { rule: 'relay.denied' }, want: ['refused'] },
  { wanted: { rule: 'helo.syntax' }, want: ['observed'] },
  { wanted: { rule: 'limits.total' }, want: ['refusals'] },
  { wanted: { type: 'command' }, want: ['refused', 'observed'] },
  { wanted: { session: sid }, want: ['refused'] },
  { wanted: { session: sid.toUpperCase() }, want: ['refused'] },
  { wanted: { session: referenceOf(sid).toLowerCase() }, want: ['refused'] },
  { wanted: { type: 'command', ip: '2001:db8::1' }, want: ['observed'] },
])('$wanted', ({ wanted, want }) => {
  const filter = eventFilter(wanted);
  expect(
    filter.ok &&
      Object.entries(events)
        .filter(([, event]) => filter.value(event))
        .map(([name]) => name),
  ).toEqual(want);
});

test('what is no address is refused', () => {
  expect(eventFilter({ ip: '198.51.100.7/24' })).toEqual({
    ok: false,
    error: '--ip 198.51.100.7/24 is neither an address nor a network',
  });
});
