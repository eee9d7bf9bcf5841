import { expect, test } from 'vitest';
import { recipientUnknown } from '../../../proxy/policy/recipient-unknown.ts';
import type { Lists } from '../../../proxy/policy/rule.ts';
import { ownReply } from '../../../proxy/reply.ts';
import { codesOf, rcptFacts, someLists } from './facts.ts';

const remembered = ownReply(550, '5.1.1', 'no mailbox of that name');

/** Only ann@example.com is known; `gone@…` was refused a moment ago. */
const lists = (more: Partial<Lists> = {}): Lists =>
  someLists({
    isKnownRecipient: (localPart, domain) => (domain === 'example.com' ? localPart === 'ann' : 'no-list'),
    isNearMiss: (localPart) => localPart === 'anm',
    refusedRecently: (ip, key) => (ip === '198.51.100.7' && key.startsWith('gone@') ? remembered : undefined),
    ...more,
  });

const check = (to: string, more: Partial<Lists> = {}) => recipientUnknown.check(rcptFacts(to), lists(more));

test.each([
  { to: 'ann@example.com', why: 'it is on the list' },
  { to: 'ann@EXAMPLE.com.', why: 'however the domain is spelled' },
  { to: 'any@xn--bcher-kva.example', why: 'the domain has no list' },
  { to: 'any@[192.0.2.1]', why: 'a list is about domains' },
  { to: 'any@elsewhere.example', why: 'the domain is not ours' },
  { to: 'gone@elsewhere.example', why: 'what is remembered of foreign domains is no verdict' },
  { to: 'postmaster', why: 'RFC 5321 section 4.5.1' },
  { to: 'PostMaster@example.com', why: 'RFC 5321 section 4.5.1' },
  { to: '"postmaster"@example.com', why: 'quoting changes nothing' },
])('$to passes: $why', ({ to }) => expect(check(to)).toBeUndefined());

test('the postmaster passes even where the server behind refused him a moment ago, and while lists are missing', () => {
  expect(check('postmaster@example.com', { refusedRecently: () => remembered })).toBeUndefined();
  expect(check('postmaster@example.com', { isKnownRecipient: () => 'unavailable' })).toBeUndefined();
});

test.each([
  { to: 'bob@example.com', nearMiss: false },
  { to: 'anm@example.com', nearMiss: true },
  { to: 'gone@example.com', nearMiss: false },
])('$to is not on the list', ({ to, nearMiss }) => {
  expect(codesOf(check(to))).toBe('550 5.1.1');
  expect(check(to)).toMatchObject({ action: 'refuse', nearMiss });
});

test('without a list the reply that the server behind gave a moment ago is given again, as it was', () => {
  expect(check('gone@xn--bcher-kva.example')).toEqual({ action: 'refuse', reply: remembered });
  expect(check('gone@bücher.example')).toEqual({ action: 'refuse', reply: remembered });
});

test('a list that was never loaded: it cannot know, but what it does know it says', () => {
  expect(check('bob@example.com', { isKnownRecipient: () => 'unavailable' })).toBe('unavailable');
  expect(check('gone@example.com', { isKnownRecipient: () => 'unavailable' })).toMatchObject({ reply: remembered });
});

test('whether a domain is ours is for relay control to say', () => {
  expect(check('bob@example.com', { isOwnDomain: () => 'unavailable' })).toBeUndefined();
});
