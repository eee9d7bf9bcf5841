import { expect, test } from 'vitest';
import { bounceUnverified } from '../../../proxy/policy/bounce-unverified.ts';
import { evaluate } from '../../../proxy/policy/evaluate.ts';
import { codesOf, rcptFacts, someLists, someSettings } from './facts.ts';

const certain = someSettings({ outgoingSeen: true });
const asked = (scrutiny: 'enforce' | 'observe' | undefined, sent: boolean | 'unavailable') =>
  someLists({
    bounceScrutiny: (domain) => (domain === 'example.com' ? scrutiny : undefined),
    hasSent: (localPart, domain) => (localPart === 'known' && domain === 'example.com' ? true : sent),
  });

test.each([
  { to: 'b@example.com', want: '550 5.7.1' },
  { to: 'b@EXAMPLE.COM', want: '550 5.7.1' },
  { to: '"b c"@example.com', want: '550 5.7.1' },
  { to: 'known@example.com', want: undefined },
  { to: 'b@elsewhere.example', want: undefined },
  { to: 'b@[192.0.2.1]', want: undefined },
  { to: 'Postmaster', want: undefined },
  { to: 'postmaster@example.com', want: undefined },
  { to: 'Abuse@example.com', want: undefined },
  { to: 'prvs=1234abcdef=b@example.com', want: undefined },
  { to: 'SRS0=HHH=TT=elsewhere.example=b@example.com', want: undefined },
  { to: 'srs1+HHH=x==HHH=TT=y=b@example.com', want: undefined },
  { to: 'srs0@example.com', want: '550 5.7.1' },
  { to: 'b@example.com', from: 'a@example.net', want: undefined },
])('a bounce to $to from <$from> while bounces are verified: $want', ({ to, from = '', want }) => {
  const facts = rcptFacts(to, { from, settings: certain });
  expect(codesOf(bounceUnverified.check(facts, asked('enforce', false)))).toBe(want);
});

test.each([
  { scrutiny: undefined, sent: false, outgoingSeen: true, want: undefined },
  { scrutiny: 'enforce', sent: false, outgoingSeen: false, want: '451 4.7.1' },
  { scrutiny: 'enforce', sent: 'unavailable', outgoingSeen: true, want: '451 4.7.1' },
  { scrutiny: 'enforce', sent: true, outgoingSeen: false, want: undefined },
] as const)('nothing is lost where it cannot be known: %o', ({ scrutiny, sent, outgoingSeen, want }) => {
  const facts = rcptFacts('b@example.com', { from: '', settings: someSettings({ outgoingSeen }) });
  expect(codesOf(bounceUnverified.check(facts, asked(scrutiny, sent)))).toBe(want);
});

test('a decision that only observes is recorded, and refuses nothing', () => {
  const facts = rcptFacts('b@example.com', { from: '', settings: certain });
  expect(evaluate('rcpt', facts, asked('observe', false))).toEqual({
    action: 'accept',
    observed: [{ rule: 'bounce.unverified', action: 'refuse' }],
  });
});
