import { expect, test } from 'vitest';
import { recipientLimit } from '../../../proxy/policy/recipient-limit.ts';
import { rcptFacts, someLists } from './facts.ts';

test.each([0, 1, 99])('%i accepted of 100: there is room', (acceptedCount) => {
  expect(recipientLimit.check(rcptFacts('b@example.com', { acceptedCount }), someLists())).toBeUndefined();
});

test.each([100, 101])('%i accepted of 100: the rest comes in another transaction', (acceptedCount) => {
  expect(recipientLimit.check(rcptFacts('b@example.com', { acceptedCount }), someLists())).toMatchObject({
    action: 'defer',
    reply: { code: 452, enhanced: '4.5.3' },
  });
});
