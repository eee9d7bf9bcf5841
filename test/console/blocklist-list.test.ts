import { expect, test } from 'vitest';
import { DECISIONS_MAX, decisionsInForce } from '../../console/blocklist-list.ts';
import { aDecision, aRevocation } from '../support/decisions.ts';

const NOW = 1_767_225_600_000;
const made = (fields: Parameters<typeof aDecision>[0]) => aDecision({ at: NOW - 1000, until: NOW + 1000, ...fields });
const all = [
  made({ id: 'old', value: '198.51.100.7', at: NOW - 5000 }),
  made({ id: 'new', value: '198.51.100.8' }),
  made({ id: 'over', value: '198.51.100.9', until: NOW }),
  made({ id: 'range', scope: 'range', value: '198.51.100.0/24', at: NOW - 9000 }),
  made({ id: 'account', scope: 'account', value: 'h:1', at: NOW - 9500 }),
  aRevocation(made({ id: 'gone', value: '198.51.100.10' })),
];

const idsFor = (ip: string): unknown => {
  const list = decisionsInForce(all, () => null, ip, NOW);
  return list.ok ? list.value.map(({ id }) => id) : list.error.status;
};

test('what is in force, newest first', () => {
  expect(idsFor('')).toEqual(['new', 'old', 'range', 'account']);
});

test('what is about an address, or around it, or in a range', () => {
  expect(idsFor('198.51.100.7')).toEqual(['old', 'range']);
  expect(idsFor('198.51.100.0/28')).toEqual(['new', 'old', 'range']);
  expect(idsFor('2001:db8::1')).toEqual([]);
  expect(idsFor('h:1')).toBe(400);
});

test('the page gets what it shows, and whether it only observes', () => {
  const [decision] = [made({ id: 'a', by: 'console' })];
  const list = decisionsInForce(decision === undefined ? [] : [decision], () => true, '', NOW);
  expect(list.ok && list.value[0]).toMatchObject({ id: 'a', observed: true, by: 'console' });
  expect(Object.keys((list.ok && list.value[0]) || {})).not.toContain('ledger');
});

test('the newest of very many', () => {
  const many = Array.from({ length: DECISIONS_MAX + 1 }, (_, index) =>
    made({ id: String(index), at: NOW - 9999 + index }),
  );
  const list = decisionsInForce(many, () => false, '', NOW);
  expect(list.ok && list.value.length).toBe(DECISIONS_MAX);
  expect(list.ok && list.value[0]?.id).toBe(String(DECISIONS_MAX));
});
