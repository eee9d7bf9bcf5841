import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseInitialResponse, parseSaslResponse, type SaslData } from '../../proxy/sasl.ts';
import { ACCOUNT_LENGTH_MAX, credentialsOf, revealCredentials } from '../../proxy/sasl-credentials.ts';

const line = (text: string, encoding: 'utf8' | 'latin1' = 'utf8'): SaslData => {
  const data = parseInitialResponse(Buffer.from(text === '' ? '=' : Buffer.from(text, encoding).toString('base64')));
  if (data === undefined) throw new Error('base64');
  return data;
};

const shown = (mechanism: string, ...lines: readonly string[]) => {
  const credentials = credentialsOf(
    mechanism,
    lines.map((text) => line(text)),
  );
  if (credentials === undefined) return undefined;
  const { account, password } = revealCredentials(credentials);
  return { account, password: password === undefined ? undefined : Buffer.from(password).toString('latin1') };
};

test.each([
  ['PLAIN', ['\0Alice@Example.com\0secret'], 'alice@example.com', 'secret'],
  ['PLAIN', ['admin\0alice\0pass word'], 'alice', 'pass word'],
  ['PLAIN', ['\0alice\0'], 'alice', ''],
  ['LOGIN', [' Alice ', 'secret'], 'alice', 'secret'],
  ['LOGIN', ['alice'], 'alice', undefined],
  ['CRAM-MD5', ['alice smith 9ebd2d4a1f3c5b7a9ebd2d4a1f3c5b7a'], 'alice smith', undefined],
  ['XOAUTH2', ['user=alice@example.com\u0001auth=Bearer x\u0001\u0001'], 'alice@example.com', undefined],
  ['OAUTHBEARER', ['n,a=alice@example.com,\u0001auth=Bearer x\u0001\u0001'], 'alice@example.com', undefined],
  ['OAUTHBEARER', ['n,a=al=2Cice=3D2C,\u0001auth=Bearer x\u0001\u0001'], 'al,ice=2c', undefined],
  ['SCRAM-SHA-256', ['n,,n=al=2Cice=3D,r=abc'], 'al,ice=', undefined],
  ['SCRAM-SHA-256', ['n,,n=alice,r=abc', 'c=biws,r=abc,p=x'], 'alice', undefined],
  ['PLAIN', [`\0${'x'.repeat(ACCOUNT_LENGTH_MAX)}\0x`], 'x'.repeat(ACCOUNT_LENGTH_MAX), 'x'],
  ['PLAIN', ['\0E\u0301mile\0x'], '\u00e9mile', 'x'],
])('%s %j shows %s', (mechanism, lines, account, password) => {
  expect(shown(mechanism, ...lines)).toEqual({ account, password });
});

test.each([
  ['PLAIN', ['alice\0secret']],
  ['PLAIN', ['']],
  ['PLAIN', ['a\0b\0c\0d']],
  ['PLAIN', ['\0 \0secret']],
  ['PLAIN', [`\0${'x'.repeat(ACCOUNT_LENGTH_MAX + 1)}\0secret`]],
  ['LOGIN', []],
  ['LOGIN', ['']],
  ['CRAM-MD5', ['alice']],
  ['XOAUTH2', ['alice']],
  ['SCRAM-SHA-1', ['n=alice']],
  ['GSSAPI', ['anything']],
  ['toString', ['anything']],
])('%s %j shows nothing', (mechanism, lines) => expect(shown(mechanism, ...lines)).toBeUndefined());

test('an account that is not UTF-8 shows nothing; the octets of a password may be in any character set', () => {
  expect(credentialsOf('PLAIN', [line('\0\xe9mile\0x', 'latin1')])).toBeUndefined();
  expect(credentialsOf('LOGIN', [line('\xe9mile', 'latin1'), line('x')])).toBeUndefined();
  const [one, other] = ['\xe9', '\xe8'].map((password) => credentialsOf('PLAIN', [line(`\0a\0${password}`, 'latin1')]));
  if (one === undefined || other === undefined) throw new Error('no credentials');
  expect(revealCredentials(one).password).toEqual(Buffer.from([0xe9]));
  expect(revealCredentials(other).password).toEqual(Buffer.from([0xe8]));
});

test('credentials print nothing of what they are', () => {
  const credentials = credentialsOf('PLAIN', [line('\0alice\0secret')]);
  const printed = [
    String(credentials),
    JSON.stringify({ credentials }),
    inspect({ credentials }, { showHidden: true, depth: 9 }),
  ];
  for (const text of printed) expect(text).not.toMatch(/alice|secret/);
});

test('no data throws', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2', 'OAUTHBEARER', 'SCRAM-SHA-1'),
      fc.array(fc.uint8Array({ maxLength: 60 })),
      (mechanism, lines) => {
        const data = lines.flatMap((octets) => {
          const parsed = parseSaslResponse(Buffer.from(Buffer.from(octets).toString('base64')));
          return parsed === undefined || parsed === 'cancel' ? [] : [parsed];
        });
        expect(() => credentialsOf(mechanism, data)).not.toThrow();
      },
    ),
  );
});
