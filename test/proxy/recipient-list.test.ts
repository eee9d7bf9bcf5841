import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  NEAR_MISS_OCTETS_MAX,
  parseRecipientList,
  RECIPIENTS_MAX,
  type RecipientList,
  type RecipientListOptions,
} from '../../proxy/recipient-list.ts';

function listOf(text: string, options: RecipientListOptions = { delimiter: '+' }): RecipientList {
  const list = parseRecipientList(text, options);
  if (!list.ok) throw new Error(JSON.stringify(list.error));
  return list.value;
}

const list = listOf(`# who is here
Ann.Smith@Example.com
bob@example.com  # the builder
"two words"@example.com
a#b@example.com
jürgen@example.com
info@bücher.example
@catchall.example
known@catchall.example
plus+fixed@example.com
`);

test.each([
  { localPart: 'ann.smith', domain: 'example.com', known: true },
  { localPart: 'ANN.SMITH', domain: 'example.com', known: true },
  { localPart: 'bob', domain: 'example.com', known: true },
  { localPart: 'two words', domain: 'example.com', known: true },
  { localPart: 'a#b', domain: 'example.com', known: true },
  { localPart: 'JÜRGEN', domain: 'example.com', known: true },
  { localPart: 'ju\u0308rgen', domain: 'example.com', known: true },
  { localPart: 'info', domain: 'xn--bcher-kva.example', known: true },
  { localPart: 'bob+news', domain: 'example.com', known: true },
  { localPart: 'bob+a+b', domain: 'example.com', known: true },
  { localPart: 'bob+', domain: 'example.com', known: true },
  { localPart: 'plus+fixed', domain: 'example.com', known: true },
  { localPart: 'anybody', domain: 'catchall.example', known: true },
  { localPart: 'eve', domain: 'example.com', known: false },
  { localPart: 'bo', domain: 'example.com', known: false },
  { localPart: '', domain: 'example.com', known: false },
  { localPart: '+bob', domain: 'example.com', known: false },
  { localPart: 'eve+bob', domain: 'example.com', known: false },
  { localPart: 'plus', domain: 'example.com', known: false },
  { localPart: 'plus+other', domain: 'example.com', known: false },
  { localPart: 'bob', domain: 'xn--bcher-kva.example', known: false },
  { localPart: 'bob', domain: 'elsewhere.example', known: 'no-list' },
  { localPart: 'bob', domain: 'sub.example.com', known: 'no-list' },
  { localPart: 'x'.repeat(2_000), domain: 'example.com', known: false },
] as const)('$localPart at $domain: $known', ({ localPart, domain, known }) => {
  expect(list.isKnown(localPart, domain)).toBe(known);
});

test('the delimiter is a choice', () => {
  const text = 'bob@example.com\n';
  expect(listOf(text, { delimiter: undefined }).isKnown('bob+news', 'example.com')).toBe(false);
  expect(listOf(text, { delimiter: '-' }).isKnown('bob-news', 'example.com')).toBe(true);
  expect(listOf(text, { delimiter: '-' }).isKnown('bob+news', 'example.com')).toBe(false);
});

test('every fault is told with its line', () => {
  const text = [
    'ann@example.com',
    'ann',
    'postmaster',
    'ann@',
    'ann@192.0.2.1',
    'ann@[192.0.2.1]',
    '@',
    '@exa mple.com',
    '@hop.example:ann@example.com',
    'ann@example.com OK',
    'two words@example.com',
    '<ann@example.com>',
    'ann@example..com',
    `${'a'.repeat(1_000)}@example.com`,
    'bob@example.com',
  ].join('\n');
  const faulty = parseRecipientList(text, { delimiter: '+' });
  expect(faulty.ok ? [] : faulty.error.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
});

test.each(['', '# nobody\n'])('an empty list is a fault: %j', (text) => {
  expect(parseRecipientList(text, { delimiter: '+' })).toEqual({
    ok: false,
    error: [{ line: 0, reason: 'no address in the list' }],
  });
});

test('its bound', () => {
  const text = 'a@example.com\nb@example.com\n@example.net\n';
  expect(listOf(text, { delimiter: '+', recipientsMax: 3 }).size).toBe(3);
  expect(parseRecipientList(text, { delimiter: '+', recipientsMax: 2 })).toEqual({
    ok: false,
    error: [{ line: 3, reason: 'more than 2 addresses' }],
  });
  expect(RECIPIENTS_MAX).toBe(2_000_000);
});

test.each([
  { localPart: 'bo', near: true, why: 'one less at the end' },
  { localPart: 'ob', near: true, why: 'one less at the start' },
  { localPart: 'bb', near: true, why: 'one less inside' },
  { localPart: 'bobb', near: true, why: 'one more at the end' },
  { localPart: 'xbob', near: true, why: 'one more at the start' },
  { localPart: 'bo7b', near: true, why: 'one more inside' },
  { localPart: 'rob', near: true, why: 'another one at the start' },
  { localPart: 'bo-', near: true, why: 'another one at the end' },
  { localPart: 'obb', near: true, why: 'two changed about at the start' },
  { localPart: 'bbo', near: true, why: 'two changed about at the end' },
  { localPart: 'ann_smith', near: true, why: 'a dot for an underscore' },
  { localPart: 'ANNSMITH', near: true, why: 'case does not count' },
  { localPart: 'rob+news', near: true, why: 'the tag does not count' },
  { localPart: '+bob', near: true, why: 'a delimiter at the start begins no tag' },
  { localPart: 'bxbx', near: false, why: 'two edits' },
  { localPart: 'info', near: false, why: 'near in another domain only' },
  { localPart: 'jurgen', near: false, why: 'characters beyond ASCII are not tried' },
  { localPart: 'bö', near: false, why: 'characters beyond ASCII are not tried' },
  { localPart: 'eve', near: false, why: 'far from everybody' },
  { localPart: '', near: false, why: 'nothing' },
])('$localPart is near somebody: $near ($why)', ({ localPart, near }) => {
  expect(list.isNearMiss(localPart, 'example.com')).toBe(near);
});

test('in a domain without a list nothing is near', () => {
  expect(list.isNearMiss('rob', 'elsewhere.example')).toBe(false);
});

test('the work on near misses is bounded', () => {
  const longest = 'a'.repeat(NEAR_MISS_OCTETS_MAX);
  const long = listOf(`${longest}b@example.com\n${longest}bc@example.com\n`);
  expect(long.isNearMiss(longest, 'example.com')).toBe(true);
  expect(long.isNearMiss(`${longest}x`, 'example.com')).toBe(false);
});

/** Damerau-Levenshtein distance of at most one, by trying every cut. */
function isOneEdit(a: string, b: string): boolean {
  for (let at = 0; at <= a.length; at += 1) {
    const [head, tail] = [a.slice(0, at), a.slice(at)];
    if (b === head + tail.slice(1)) return true;
    if (b.length === a.length + 1 && b.startsWith(head) && b.endsWith(tail)) return true;
    if (b.length === a.length && b.startsWith(head) && b.slice(at + 1) === tail.slice(1)) return true;
    if (tail.length > 1 && b === `${head}${tail[1]}${tail[0]}${tail.slice(2)}`) return true;
  }
  return false;
}

test('near misses are what an edit distance of one says', () => {
  const name = fc.stringMatching(/^[ab1.]{1,5}$/);
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 4 }), name, (names, localPart) => {
      fc.pre(!names.includes(localPart));
      const near = listOf(names.map((each) => `${each}@example.com`).join('\n')).isNearMiss(localPart, 'example.com');
      expect(near).toBe(names.some((each) => isOneEdit(localPart, each)));
    }),
    { numRuns: 1_000 },
  );
});
