import { expect, test } from 'vitest';
import { authRequired } from '../../../proxy/policy/auth-required.ts';
import { codesOf, mailFacts, someLists, someSettings } from './facts.ts';

test.each([
  { required: true, authenticated: false, want: '530 5.7.0' },
  { required: true, authenticated: true, want: undefined },
  { required: false, authenticated: false, want: undefined },
])('required $required, authenticated $authenticated: $want', ({ required, authenticated, want }) => {
  const settings = someSettings();
  const listener = { ...settings.listener, authRequired: required };
  const facts = mailFacts(undefined, { authenticated, settings: { ...settings, listener } });
  expect(codesOf(authRequired.check(facts, someLists()))).toBe(want);
});
