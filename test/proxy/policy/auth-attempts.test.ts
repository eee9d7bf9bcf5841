import { expect, test } from 'vitest';
import { authAttempts } from '../../../proxy/policy/auth-attempts.ts';
import { authFacts, someLists } from './facts.ts';

test.each([0, 1, 2])('%i failures leave another attempt', (attempts) => {
  expect(authAttempts.check(authFacts('PLAIN', attempts), someLists())).toBeUndefined();
});

test.each([3, 4, 100])('after %i failures the session ends', (attempts) => {
  expect(authAttempts.check(authFacts('PLAIN', attempts), someLists())).toMatchObject({
    action: 'close',
    reply: { code: 421, enhanced: '4.7.0' },
  });
});
