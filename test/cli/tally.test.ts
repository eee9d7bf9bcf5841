import { expect, test } from 'vitest';
import { COMBINATIONS_MAX, Tally } from '../../cli/gate/tally.ts';
import { EVENT_VERSION, type MailEvent } from '../../events/event.ts';

const source = { v: EVENT_VERSION, at: 1, site: 's', gate: 'g', listener: 'mx', role: 'mx', ip: '192.0.2.1' } as const;
const session = { ...source, sid: '01990000-0000-7000-8000-000000000000', seq: 0 } as const;

const count = (...events: readonly MailEvent[]): Tally => {
  const tally = new Tally();
  for (const event of events) tally.see(event);
  return tally;
};

test('commands are counted by listener, verb, action and rule; observed rules beside them', () => {
  const refused: MailEvent = {
    ...session,
    type: 'command',
    verb: 'RCPT',
    verdict: { action: 'refuse', rule: 'relay.denied' },
    latencyUs: 1,
  };
  const accepted: MailEvent = {
    ...session,
    type: 'command',
    verb: 'EHLO',
    verdict: { action: 'accept' },
    observed: [{ rule: 'helo.syntax', action: 'refuse' }],
    latencyUs: 1,
  };
  const tally = count(refused, refused, accepted);
  expect([...tally.commands]).toEqual([
    ['mx\nRCPT\nrefuse\nrelay.denied', 2],
    ['mx\nEHLO\naccept\n', 1],
  ]);
  expect([...tally.observed]).toEqual([['mx\nhelo.syntax\nrefuse', 1]]);
});

test('refused connections count as many as the event says', () => {
  const refusals = {
    ...source,
    type: 'refusals',
    rule: 'limits.rate',
    action: 'close',
    count: 41,
    windowMs: 1,
  } as const;
  expect([...count(refusals, refusals).refusals]).toEqual([['mx\nlimits.rate\nclose', 82]]);
});

test('a table does not grow without end', () => {
  const tally = new Tally();
  for (let index = 0; index <= COMBINATIONS_MAX; index += 1)
    tally.see({ ...session, type: 'upstream-failed', stage: `s${index}`, reason: '' });
  tally.see({ ...session, type: 'upstream-failed', stage: 's0', reason: '' });
  expect(tally.upstreamFailures.size).toBe(COMBINATIONS_MAX);
  expect(tally.upstreamFailures.get('mx\ns0')).toBe(2);
});
