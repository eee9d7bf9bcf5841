import { expect, test } from 'vitest';
import { messageSize, messageSizeDeclared } from '../../../proxy/policy/message-size.ts';
import { codesOf, dataFacts, mailFacts, someLists } from './facts.ts';

test.each([
  { octets: undefined, want: undefined },
  { octets: 0, want: undefined },
  { octets: 10_485_760, want: undefined },
  { octets: 10_485_761, want: '552 5.3.4' },
  { octets: Number.MAX_SAFE_INTEGER, want: '552 5.3.4' },
])('SIZE=$octets of 10485760: $want', ({ octets, want }) => {
  expect(codesOf(messageSizeDeclared.check(mailFacts(octets), someLists()))).toBe(want);
});

test.each([
  { octets: 0, want: undefined },
  { octets: 10_485_760, want: undefined },
  { octets: 10_485_761, want: '552 5.3.4' },
])('a body of $octets octets of 10485760: $want', ({ octets, want }) => {
  expect(codesOf(messageSize.check(dataFacts(octets), someLists()))).toBe(want);
});
