import { expect, test } from 'vitest';
import { heloOwnName } from '../../../proxy/policy/helo-own-name.ts';
import { codesOf, heloFacts, someLists, someSettings } from './facts.ts';

const settings = someSettings({
  hostname: 'Gate.Example.COM',
  ownNames: new Set(['mail.example.com', '203.0.113.9']),
});
const found = (name: string, role: 'mx' | 'submissions' = 'mx') =>
  codesOf(heloOwnName.check(heloFacts(name, { role, settings }), someLists()));

test.each([
  'gate.example.com',
  'GATE.example.com.',
  'mail.example.com',
  'MAIL.EXAMPLE.COM',
  '[192.0.2.1]',
  '192.0.2.1',
  '[IPv6:2001:DB8:0::1]',
  '2001:db8:0:0::1',
  '[203.0.113.9]',
  '203.0.113.9',
])('%s is ours', (name) => expect(found(name)).toBe('550 5.7.1'));

test.each(['example.com', 'gate.example.net', 'xgate.example.com', '[192.0.2.2]', '192.0.2.2', 'two words'])(
  '%s is not',
  (name) => expect(found(name)).toBeUndefined(),
);

test('only other servers are judged', () => expect(found('gate.example.com', 'submissions')).toBeUndefined());
