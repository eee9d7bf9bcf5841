import { expect, test } from 'vitest';
import { heloSyntax } from '../../../proxy/policy/helo-syntax.ts';
import { codesOf, heloFacts, someLists } from './facts.ts';

const found = (name: string, role: 'mx' | 'submission' = 'mx') =>
  codesOf(heloSyntax.check(heloFacts(name, { role }), someLists()));

test.each([
  'c.example.net',
  'C.Example.NET',
  'localhost',
  'mail_1.example.net',
  'c.example.net.',
  'xn--bcher-kva.example',
  '1and1.example.net',
  '[192.0.2.7]',
  '[IPv6:2001:db8::7]',
  `${'a'.repeat(63)}.example.net`,
])('%s is a name', (name) => expect(found(name)).toBeUndefined());

test.each([
  '192.0.2.7',
  '[192.0.2.777]',
  '[2001:db8::7]',
  '2001:db8::7',
  'two words',
  'a..b',
  '.example.net',
  '-a.example.net',
  'a-.example.net',
  'user@example.net',
  'http://example.net',
  '127',
  `${'a'.repeat(64)}.example.net`,
  `${'a.'.repeat(130)}net`,
])('%s is none', (name) => expect(found(name)).toBe('501 5.5.4'));

test('the programs of users name themselves as they like', () => {
  expect(found('two words', 'submission')).toBeUndefined();
});
