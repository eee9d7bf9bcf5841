import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearestWord } from '../../cli/nearest.ts';

const known = ['listeners', 'upstreams', 'domains', 'helo.own-name', 'sessionsMax'];

test.each([
  ['listener', 'listeners'],
  ['lisetners', 'listeners'],
  ['Domains', 'domains'],
  ['helo.ownname', 'helo.own-name'],
  ['sessions_max', 'sessionsMax'],
  ['xyz', undefined],
  ['', undefined],
  ['x'.repeat(10_000), undefined],
])('%s means %s', (word, want) => {
  expect(nearestWord(word, known)).toBe(want);
});

test('a known word is its own nearest', () => {
  fc.assert(fc.property(fc.constantFrom(...known), (word) => nearestWord(word, known) === word));
});
