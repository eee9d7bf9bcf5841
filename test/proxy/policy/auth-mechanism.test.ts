import { expect, test } from 'vitest';
import { authMechanism } from '../../../proxy/policy/auth-mechanism.ts';
import { authFacts, codesOf, someLists, someSettings } from './facts.ts';

const found = (mechanism: string, authMechanisms: readonly string[] | undefined) =>
  codesOf(authMechanism.check(authFacts(mechanism, 0, { settings: someSettings({ authMechanisms }) }), someLists()));

test.each(['EXTERNAL', 'DIGEST-MD5', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS', 'GS2-KRB5-PLUS'])(
  '%s cannot cross the end of TLS, whatever the list allows',
  (mechanism) => {
    expect(found(mechanism, undefined)).toBe('504 5.5.4');
    expect(found(mechanism, [mechanism])).toBe('504 5.5.4');
  },
);

test.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256', 'XOAUTH2', 'GSSAPI', 'NTLM', 'X-UNHEARD-OF'])(
  '%s can',
  (mechanism) => expect(found(mechanism, undefined)).toBeUndefined(),
);

test('the configuration narrows the list', () => {
  expect(found('PLAIN', ['PLAIN'])).toBeUndefined();
  expect(found('LOGIN', ['PLAIN'])).toBe('504 5.5.4');
  expect(found('LOGIN', [])).toBe('504 5.5.4');
});
