import { expect, test } from 'vitest';
import { sourceClasses } from '../../../proxy/policy/rule.ts';
import { everyone, sourceClassOf, unauthenticated, untrusted } from '../../../proxy/policy/source-class.ts';

const nothing = {
  authenticated: false,
  trustedNetwork: false,
  neverListed: false,
  provider: false,
  withHistory: false,
};
/** What makes a source of each class, weakest first. */
const marks = [
  ['stranger', {}],
  ['with-history', { withHistory: true }],
  ['provider', { provider: true }],
  ['never-listed', { neverListed: true }],
  ['trusted-network', { trustedNetwork: true }],
  ['certificate', { certificate: true }],
  ['authenticated', { authenticated: true }],
] as const;

test('the strongest mark decides, whatever weaker ones there are', () => {
  expect(marks.map(([name]) => name)).toEqual(sourceClasses);
  let standing = nothing;
  for (const [name, mark] of marks) {
    expect(sourceClassOf({ ...nothing, ...mark })).toBe(name);
    standing = { ...standing, ...mark };
    expect(sourceClassOf(standing)).toBe(name);
  }
});

test('the groups hold what they say', () => {
  expect(everyone).toEqual(sourceClasses);
  expect(unauthenticated).toEqual(sourceClasses.slice(0, 5));
  expect(untrusted).toEqual(sourceClasses.slice(0, 4));
});
