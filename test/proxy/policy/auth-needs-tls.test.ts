import { expect, test } from 'vitest';
import { authNeedsTls } from '../../../proxy/policy/auth-needs-tls.ts';
import { authFacts, codesOf, someLists, someSettings } from './facts.ts';

test.each([
  { tls: false, listenerTls: 'starttls', want: '530 5.7.0' },
  { tls: false, listenerTls: 'none', want: '538 5.7.11' },
  { tls: true, listenerTls: 'starttls', want: undefined },
  { tls: true, listenerTls: 'implicit', want: undefined },
] as const)('tls $tls on a listener with $listenerTls: $want', ({ tls, listenerTls, want }) => {
  const settings = someSettings();
  const facts = { tls, settings: { ...settings, listener: { ...settings.listener, tls: listenerTls } } };
  expect(codesOf(authNeedsTls.check(authFacts('PLAIN', 0, facts), someLists()))).toBe(want);
});
