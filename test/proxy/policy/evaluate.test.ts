import { expect, test } from 'vitest';
import { evaluate } from '../../../proxy/policy/evaluate.ts';
import { authFacts, dataFacts, heloFacts, mailFacts, REFERENCE, rcptFacts, someLists, someSettings } from './facts.ts';

const unloaded = someLists({ isKnownRecipient: () => 'unavailable' });
const passing = { helo: 'pass', mail: 'pass', rcpt: 'pass', data: 'pass' } as const;
const deferring = { helo: 'defer', mail: 'defer', rcpt: 'defer', data: 'defer' } as const;

test('nothing to say', () => {
  const accepted = { action: 'accept', observed: [] };
  expect(evaluate('helo', heloFacts('c.example.net'), someLists())).toEqual(accepted);
  expect(evaluate('auth', authFacts('PLAIN', 0), someLists())).toEqual(accepted);
  expect(evaluate('mail', mailFacts(1_000), someLists())).toEqual(accepted);
  expect(evaluate('rcpt', rcptFacts('b@example.com'), someLists())).toEqual(accepted);
  expect(evaluate('data', dataFacts(1_000), someLists())).toEqual(accepted);
});

test('the first enforced rule wins, in the order of the rules', () => {
  expect(evaluate('rcpt', rcptFacts('a%b@elsewhere.example', { acceptedCount: 100 }), someLists())).toEqual({
    action: 'refuse',
    rule: 'relay.denied',
    reply: {
      code: 554,
      enhanced: '5.7.1',
      text: `Refused: relaying not allowed, contact postmaster@example.com [relay.denied ${REFERENCE}]`,
    },
    observed: [],
  });
  expect(evaluate('rcpt', rcptFacts('a%b@example.com', { acceptedCount: 100 }), someLists())).toMatchObject({
    rule: 'relay.routing',
  });
});

test('an observed rule goes on, and is recorded beside whatever comes', () => {
  const settings = someSettings({}, { 'relay.routing': 'observe' });
  const routing = [{ rule: 'relay.routing', action: 'refuse' }];
  expect(evaluate('rcpt', rcptFacts('a%b@example.com', { settings }), someLists())).toEqual({
    action: 'accept',
    observed: routing,
  });
  const full = { settings, acceptedCount: 100 };
  expect(evaluate('rcpt', rcptFacts('a%b@example.com', full), someLists())).toMatchObject({
    action: 'defer',
    rule: 'recipient.limit',
    observed: routing,
  });
});

test('a rule that observes is recorded behind the one that refuses, too', () => {
  const facts = rcptFacts('b@elsewhere.example', { from: '', acceptedCount: 1 });
  expect(evaluate('rcpt', facts, someLists())).toMatchObject({
    rule: 'relay.denied',
    observed: [{ rule: 'bounce.multiple-recipients', action: 'defer' }],
  });
});

test('a rule that is off is not evaluated', () => {
  const settings = someSettings({}, { 'relay.routing': 'off', 'recipient.unknown': 'off' });
  const lists = someLists({
    isKnownRecipient: () => {
      throw new Error('asked');
    },
  });
  expect(evaluate('rcpt', rcptFacts('a%b@example.com', { settings }), lists)).toEqual({
    action: 'accept',
    observed: [],
  });
});

test('a near miss stands in the verdict', () => {
  const lists = someLists({ isKnownRecipient: () => false, isNearMiss: () => true });
  expect(evaluate('rcpt', rcptFacts('anm@example.com'), lists)).toMatchObject({
    action: 'refuse',
    rule: 'recipient.unknown',
    nearMiss: true,
  });
});

test('who cannot know defers where its stage says so', () => {
  const settings = someSettings({ whenUnavailable: deferring });
  expect(evaluate('rcpt', rcptFacts('b@example.com', { settings }), unloaded)).toMatchObject({
    action: 'defer',
    rule: 'recipient.unknown',
    reply: { code: 451, enhanced: '4.7.1' },
  });
});

test('or lets pass, recorded; the rules behind it are asked as ever', () => {
  const settings = someSettings({ whenUnavailable: passing });
  const observed = [{ rule: 'recipient.unknown', action: 'defer' }];
  expect(evaluate('rcpt', rcptFacts('b@example.com', { settings }), unloaded)).toEqual({ action: 'accept', observed });
  const full = { settings, acceptedCount: 100 };
  expect(evaluate('rcpt', rcptFacts('b@example.com', full), unloaded)).toMatchObject({
    rule: 'recipient.limit',
    observed,
  });
});

test('a rule that observes and cannot know is recorded only', () => {
  const settings = someSettings({ whenUnavailable: deferring }, { 'recipient.unknown': 'observe' });
  expect(evaluate('rcpt', rcptFacts('b@example.com', { settings }), unloaded)).toEqual({
    action: 'accept',
    observed: [{ rule: 'recipient.unknown', action: 'defer' }],
  });
});

test('relay control defers whatever the configuration says of lists that cannot be had', () => {
  const settings = someSettings({ whenUnavailable: passing }, { 'relay.denied': 'off' });
  const lists = someLists({ isOwnDomain: () => 'unavailable' });
  expect(evaluate('rcpt', rcptFacts('b@example.com', { settings }), lists)).toMatchObject({
    action: 'defer',
    rule: 'relay.denied',
    reply: { code: 451, enhanced: '4.7.1' },
  });
});

test('too many failed attempts close', () => {
  expect(evaluate('auth', authFacts('PLAIN', 3), someLists())).toMatchObject({
    action: 'close',
    rule: 'auth.attempts',
  });
  expect(evaluate('auth', authFacts('PLAIN', 3, { tls: false }), someLists())).toMatchObject({
    rule: 'auth.needs-tls',
  });
});
