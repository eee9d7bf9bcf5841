import { expect, test } from 'vitest';
import { HISTORY_MS, SourceHistory } from '../../cli/gate/source-history.ts';
import { EVENT_VERSION, type EventByType } from '../../events/event.ts';

const mail = (ip: string, at: number, outcome: EventByType<'mail'>['outcome'] = 'accepted'): EventByType<'mail'> => ({
  v: EVENT_VERSION,
  at,
  site: 's',
  gate: 'g',
  listener: 'mx',
  role: 'mx',
  ip,
  sid: '01990000-0000-7000-8000-000000000000',
  seq: 1,
  type: 'mail',
  transaction: 1,
  reversePath: 'a@example.com',
  nullReversePath: false,
  acceptedCount: 1,
  refusedCount: 0,
  domains: [],
  octets: 1,
  outcome,
  durationUs: 1,
});

test('accepted mail makes a history, for 30 days', () => {
  const history = new SourceHistory();
  history.see(mail('198.51.100.7', 1000));
  history.see(mail('198.51.100.8', 1000, 'rejected'));
  expect(history.has('198.51.100.7', 1000 + HISTORY_MS - 1)).toBe(true);
  expect(history.has('198.51.100.7', 1000 + HISTORY_MS)).toBe(false);
  expect(history.has('198.51.100.8', 1000)).toBe(false);
});

test('the addresses of one IPv6 subscriber are one source', () => {
  const history = new SourceHistory();
  history.see(mail('2001:db8:0:1::5', 0));
  expect(history.has('2001:db8:0:1:ffff::1', 1)).toBe(true);
  expect(history.has('2001:db8:0:2::5', 1)).toBe(false);
});

test('it is bounded: the source whose mail is longest ago goes first', () => {
  const history = new SourceHistory(2);
  for (const [ip, at] of [
    ['192.0.2.1', 1],
    ['192.0.2.2', 2],
    ['192.0.2.1', 3],
    ['192.0.2.3', 4],
  ] as const)
    history.see(mail(ip, at));
  expect(history.size).toBe(2);
  expect(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((ip) => history.has(ip, 5))).toEqual([true, false, true]);
});

test('what was written down is the same again; lines that are none are passed over', () => {
  const history = new SourceHistory();
  history.see(mail('192.0.2.1', 1));
  history.see(mail('2001:db8::1', 2));
  const again = new SourceHistory();
  again.addText(`garbage\n${history.toText()}192.0.2.9 x\n`);
  expect(again.toText()).toBe(history.toText());
});
