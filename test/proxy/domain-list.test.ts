import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DOMAINS_MAX, type DomainList, parseDomainList } from '../../proxy/domain-list.ts';
import { LIST_LINE_LENGTH_MAX } from '../../proxy/list-lines.ts';

function listOf(text: string): DomainList {
  const list = parseDomainList(text);
  if (!list.ok) throw new Error(JSON.stringify(list.error));
  return list.value;
}

const list = listOf(`\uFEFF# ours
Example.COM
Bücher.Example   # an umlaut
xn--mller-kva.example
*.hosted.example
.old.example
trailing.example.
corp
`);

test.each([
  'example.com',
  'xn--bcher-kva.example',
  'xn--mller-kva.example',
  'a.hosted.example',
  'b.a.hosted.example',
  'a.old.example',
  'trailing.example',
  'corp',
])('%s is ours', (domain) => expect(list.contains(domain)).toBe(true));

test.each([
  'sub.example.com',
  'hosted.example',
  'old.example',
  'xhosted.example',
  'com',
  'example',
  'example.com.net',
  '',
  'a.corp',
  `${'a'.repeat(64)}.hosted.example`,
  `${'a.'.repeat(2_000)}hosted.example`,
])('%s is not', (domain) => expect(list.contains(domain)).toBe(false));

test('it counts its domains', () => expect(list.size).toBe(7));

test('every fault is told with its line, and one is enough', () => {
  const text = [
    'example.com',
    'user@example.com',
    '@example.com',
    '192.0.2.1',
    'two words.example',
    '*',
    '*.',
    '.',
    '*.com',
    '.com',
    '**.example.com',
    'a.*.example.com',
    'a..example.com',
    'http://example.com/',
    '-a.example.com',
    `${'a.'.repeat(LIST_LINE_LENGTH_MAX)}example`,
    'example.net',
    '<html>',
  ].join('\n');
  const faulty = parseDomainList(text);
  expect(faulty.ok).toBe(false);
  expect(faulty.ok ? [] : faulty.error.map(({ line }) => line)).toEqual([
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18,
  ]);
});

test.each(['', '\n\n', '# nothing but words\n', '\uFEFF'])('an empty list is a fault: %j', (text) => {
  expect(parseDomainList(text)).toEqual({ ok: false, error: [{ line: 0, reason: 'no domain in the list' }] });
});

test('the page of an HTTP error is a fault', () => {
  const page = '<!DOCTYPE html>\n<html><body>\n<h1>503 Service Unavailable</h1>\n</body></html>\n';
  expect(parseDomainList(page)).toMatchObject({ ok: false });
});

test('its bound', () => {
  expect(parseDomainList('a.example\nb.example\na.example\n*.c.example\n', 3)).toMatchObject({ ok: true });
  expect(parseDomainList('a.example\nb.example\n\n*.c.example\nd.example', 3)).toEqual({
    ok: false,
    error: [{ line: 5, reason: 'more than 3 domains' }],
  });
  expect(DOMAINS_MAX).toBe(1_000_000);
});

test('it answers as a plain search does', () => {
  const label = fc.constantFrom('a', 'b', 'c');
  const name = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), name), { minLength: 1, maxLength: 5 }), name, (entries, domain) => {
      const text = entries.map(([below, each]) => (below ? `*.${each}` : each)).join('\n');
      const want = entries.some(([below, each]) => (below ? domain.endsWith(`.${each}`) : domain === each));
      expect(listOf(text).contains(domain)).toBe(want);
    }),
  );
});
