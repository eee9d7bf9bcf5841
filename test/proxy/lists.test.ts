import { expect, test } from 'vitest';
import type { DomainList } from '../../proxy/domain-list.ts';
import { createLists, type ListSources } from '../../proxy/lists.ts';
import type { RecipientList } from '../../proxy/recipient-list.ts';
import { RecipientMemory } from '../../proxy/recipient-memory.ts';

const domains = (...names: string[]): DomainList => ({
  size: names.length,
  contains: (ascii) => names.includes(ascii),
});
/** Knows one local part in one domain. */
const recipients = (localPart: string, domain: string): RecipientList => ({
  size: 1,
  isKnown: (local, ascii) => (ascii === domain ? local === localPart : 'no-list'),
  isNearMiss: (local, ascii) => ascii === domain && local === `${localPart}x`,
});
const sources = (more: Partial<ListSources>): ListSources => ({
  domains: [],
  ownAddresses: new Set(),
  recipients: [],
  memory: { refused: () => undefined },
  ...more,
});

test.each([
  { lists: [domains('a.example')], want: { a: true, b: false } },
  { lists: [domains('a.example'), domains('b.example')], want: { a: true, b: true } },
  { lists: [domains('a.example'), 'unavailable'], want: { a: true, b: 'unavailable' } },
  { lists: ['unavailable'], want: { a: 'unavailable', b: 'unavailable' } },
  { lists: [], want: { a: 'unavailable', b: 'unavailable' } },
] as const)('our domains by $lists', ({ lists, want }) => {
  const { isOwnDomain } = createLists(sources({ domains: lists }));
  expect({ a: isOwnDomain('a.example'), b: isOwnDomain('b.example') }).toEqual(want);
});

const ann = recipients('ann', 'a.example');
const bob = recipients('bob', 'a.example');
const eve = recipients('eve', 'b.example');

test.each([
  { lists: [], ann: 'no-list', nobody: 'no-list' },
  { lists: [ann], ann: true, nobody: false },
  { lists: [bob, ann], ann: true, nobody: false },
  { lists: [bob], ann: false, nobody: false },
  { lists: [eve], ann: 'no-list', nobody: 'no-list' },
  { lists: [eve, bob], ann: false, nobody: false },
  { lists: [ann, 'unavailable'], ann: true, nobody: 'unavailable' },
  { lists: ['unavailable'], ann: 'unavailable', nobody: 'unavailable' },
] as const)('known addresses by $lists.length lists: $ann, $nobody', ({ lists, ann: known, nobody }) => {
  const { isKnownRecipient } = createLists(sources({ recipients: lists }));
  expect(isKnownRecipient('ann', 'a.example')).toBe(known);
  expect(isKnownRecipient('nobody', 'a.example')).toBe(nobody);
});

test('near misses of any list', () => {
  const { isNearMiss } = createLists(sources({ recipients: ['unavailable', eve, ann] }));
  expect(isNearMiss('annx', 'a.example')).toBe(true);
  expect(isNearMiss('bobx', 'a.example')).toBe(false);
});

test('our addresses', () => {
  const { isOwnAddress } = createLists(sources({ ownAddresses: new Set(['192.0.2.1']) }));
  expect(isOwnAddress('192.0.2.1')).toBe(true);
  expect(isOwnAddress('192.0.2.2')).toBe(false);
});

test('the memory is looked into as it is now', () => {
  const memory = new RecipientMemory();
  const { refusedRecently } = createLists(sources({ memory }));
  expect(refusedRecently('198.51.100.7', 'b@a.example', 5)).toBeUndefined();
  memory.remember('198.51.100.7', 'b@a.example', { code: 550, lines: ['5.1.1 no'] }, 5);
  expect(refusedRecently('198.51.100.7', 'b@a.example', 5)).toEqual({ code: 550, enhanced: '5.1.1', text: 'no' });
});
