import { expect, test } from 'vitest';
import { BLOCK_OCTETS, octetwisePlainLines, vectorPlainLines, WINDOW_OCTETS } from '../../proxy/plain-lines.ts';
import { octetsOf, seededRandom } from '../support/chunking.ts';

const octetwise = octetwisePlainLines();

function find(lines: typeof octetwise, text: string, from = 0): number {
  lines.window.set(octetsOf(text));
  return lines.find(from, text.length);
}

test.each([
  { what: 'CRLF and text', text: 'a\r\n\r\n\tb.\x0e\xff\r\n', found: 16 },
  { what: 'a bare LF', text: 'abcdefgh\n', found: 0 },
  { what: 'a bare CR', text: 'abcdefgh\ra', found: 0 },
  { what: 'a bare LF that the next step begins with', text: 'abcdefghijklmnop\n', found: 0 },
  { what: 'a CRLF between two steps', text: 'abcdefghijklmno\r\n', found: 16 },
  { what: 'a NUL', text: 'abcdefghi\0', found: 0 },
  { what: 'a dot at line start', text: 'abcdefgh\r\n.', found: 0 },
])('the search goes over $what as far as $found', ({ text, found }) => {
  const padded = text.padEnd(BLOCK_OCTETS + 15, 'x');
  expect(find(octetwise, padded)).toBe(found);
});

test('the search stops where fewer octets are left than it judges at once', () => {
  expect(find(octetwise, 'x'.repeat(BLOCK_OCTETS - 1))).toBe(0);
  expect(find(octetwise, 'x'.repeat(BLOCK_OCTETS))).toBe(16);
  expect(find(octetwise, 'x'.repeat(WINDOW_OCTETS), 5)).toBe(WINDOW_OCTETS - 27 + 16);
});

test('the vector search is the same search', () => {
  const vector = vectorPlainLines();
  // Every machine that runs these tests has 128-bit instructions; without them the octetwise search does the work.
  if (vector === undefined) return expect(typeof Reflect.get(globalThis, 'WebAssembly')).toBe('undefined');
  const random = seededRandom(5);
  const pieces = [
    '\r\n',
    '\r\n',
    'a',
    'bc',
    'text of a line',
    '.',
    '\r',
    '\n',
    '\0',
    '\r\n.',
    '\x8a',
    '\x2f',
    '\x0c',
    '\xae',
  ];
  for (let run = 0; run < 20_000; run += 1) {
    const mild = random(2) === 0 ? 6 : pieces.length;
    let text = '';
    for (let count = random(30); count > 0; count -= 1) text += pieces[random(mild)] ?? '';
    const from = random(text.length + 1);
    const got = find(vector, text, from);
    const want = find(octetwise, text, from);
    if (got !== want) expect({ text, from, got }).toEqual({ text, from, got: want });
  }
  expect(find(vector, 'x'.repeat(WINDOW_OCTETS))).toBe(WINDOW_OCTETS - 16);
});
