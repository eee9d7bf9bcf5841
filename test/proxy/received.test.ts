import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RECEIVED_NAME_LENGTH_MAX, type ReceivedFacts, receivedField } from '../../proxy/received.ts';

const facts: ReceivedFacts = {
  heloName: 'c.example.com',
  extended: true,
  ip: '192.0.2.1',
  hostname: 'mx.example.net',
  tls: false,
  authenticated: false,
  id: '01HF7YAT00E008000000000001',
  wallMs: 1_700_000_000_000,
};
const field = (changed: Partial<ReceivedFacts> = {}): string =>
  Buffer.from(receivedField({ ...facts, ...changed })).toString('latin1');

test('the field names the client, us, the protocol, the session and the time', () => {
  expect(field()).toBe(
    'Received: from c.example.com ([192.0.2.1])\r\n' +
      '\tby mx.example.net with ESMTP id 01HF7YAT00E008000000000001;\r\n' +
      '\tTue, 14 Nov 2023 22:13:20 +0000\r\n',
  );
});

test.each([
  { extended: true, tls: false, authenticated: false, want: 'ESMTP' },
  { extended: true, tls: true, authenticated: false, want: 'ESMTPS' },
  { extended: true, tls: false, authenticated: true, want: 'ESMTPA' },
  { extended: true, tls: true, authenticated: true, want: 'ESMTPSA' },
  { extended: false, tls: true, authenticated: false, want: 'SMTP' },
])('it says with $want', ({ want, ...changed }) => {
  expect(field(changed)).toContain(` with ${want} id `);
});

test.each([
  { heloName: '[192.0.2.1]', want: 'from [192.0.2.1] (' },
  { heloName: '[IPv6:2001:db8::1]', want: 'from [IPv6:2001:db8::1] (' },
  { heloName: 'my pc', want: 'from my?pc (' },
  { heloName: 'a(b)c;d<e>"f\\', want: 'from a?b?c?d?e??f? (' },
  { heloName: '[a]b', want: 'from ?a?b (' },
  { heloName: 'a\r\nSubject: x', want: 'from a??Subject??x (' },
  { heloName: '', want: 'from unknown (' },
  { heloName: 'n'.repeat(300), want: `from ${'n'.repeat(RECEIVED_NAME_LENGTH_MAX)} (` },
])('the name $heloName is shown harmless', ({ heloName, want }) => {
  expect(field({ heloName })).toContain(want);
});

test('an IPv6 address is tagged', () => {
  expect(field({ ip: '2001:db8::1' })).toContain('([IPv6:2001:db8::1])');
});

test('no name adds a line or a field', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (heloName) => {
      const lines = field({ heloName }).split('\r\n');
      expect(lines).toHaveLength(4);
      expect(lines[0]).toMatch(/^Received: from [\x21-\x7e]+ \(\[192\.0\.2\.1\]\)$/);
      expect(lines[1]?.startsWith('\tby ')).toBe(true);
      expect(lines[3]).toBe('');
    }),
  );
});
