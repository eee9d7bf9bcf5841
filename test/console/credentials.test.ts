import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  cookieHeader,
  isToken,
  mayAct,
  TOKEN_LENGTH_MAX,
  TOKEN_LENGTH_MIN,
  tokenOfLogin,
  tokensIn,
} from '../../console/credentials.ts';

test.each([
  [{}, []],
  [{ authorization: 'Bearer abc' }, ['abc']],
  [{ authorization: 'bearer  abc' }, ['abc']],
  [{ authorization: 'Basic abc' }, []],
  [{ authorization: 'Bearer a b' }, []],
  [{ cookie: 'postern=abc' }, ['abc']],
  [{ cookie: 'a=1; postern=abc=; postern=later' }, ['abc=']],
  [{ cookie: 'xpostern=abc' }, []],
  [{ authorization: 'Bearer one', cookie: 'postern=two' }, ['one', 'two']],
])('%o', (headers, tokens) => {
  expect(tokensIn(headers)).toEqual(tokens);
});

test('a token comes back out of its cookie; no header throws', () => {
  const token = 'Ab-_.~0123456789';
  const [pair] = cookieHeader(token).split(';');
  expect(tokensIn({ cookie: pair })).toEqual([token]);
  fc.assert(
    fc.property(fc.string(), fc.string(), (authorization, cookie) => {
      expect(tokensIn({ authorization, cookie }).length).toBeLessThanOrEqual(2);
    }),
  );
});

test('a token is long enough, and stands in a header as it is', () => {
  expect(isToken('x'.repeat(TOKEN_LENGTH_MIN - 1))).toBe(false);
  expect(isToken('x'.repeat(TOKEN_LENGTH_MIN))).toBe(true);
  expect(isToken('x'.repeat(TOKEN_LENGTH_MAX))).toBe(true);
  expect(isToken('x'.repeat(TOKEN_LENGTH_MAX + 1))).toBe(false);
  for (const sign of [' ', ';', '"', '\n', 'é', '&', '%']) expect(isToken(`${sign}${'x'.repeat(40)}`)).toBe(false);
});

test('only operators act', () => {
  expect([mayAct('viewer'), mayAct('operator')]).toEqual([false, true]);
});

test('the body of a login', () => {
  expect(tokenOfLogin({ token: 'abc' })).toBe('abc');
  for (const body of [undefined, null, 'abc', [], {}, { token: 1 }, { token: ['abc'] }])
    expect(tokenOfLogin(body)).toBeUndefined();
});
