import { expect, test } from 'vitest';
import { bounceMultipleRecipients } from '../../../proxy/policy/bounce-multiple-recipients.ts';
import { codesOf, rcptFacts, someLists } from './facts.ts';

test.each([
  { from: '', acceptedCount: 0, want: undefined },
  { from: '', acceptedCount: 1, want: '452 4.5.3' },
  { from: '', acceptedCount: 5, want: '452 4.5.3' },
  { from: 'a@example.net', acceptedCount: 1, want: undefined },
])('from <$from> after $acceptedCount: $want', ({ from, acceptedCount, want }) => {
  const facts = rcptFacts('b@example.com', { from, acceptedCount });
  expect(codesOf(bounceMultipleRecipients.check(facts, someLists()))).toBe(want);
});
