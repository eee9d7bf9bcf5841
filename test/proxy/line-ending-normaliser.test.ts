import { expect, test } from 'vitest';
import { EndOfDataSearch } from '../../proxy/end-of-data-search.ts';
import { LineEndingNormaliser } from '../../proxy/line-ending-normaliser.ts';
import { everyChunking, latin1Of, octetsOf, randomChunking, seededRandom } from '../support/chunking.ts';

/** The whole body at once: find the end, un-stuff, normalise, stuff. undefined: no end in it. */
function reference(body: string): { written: string; bodyOctets: number } | undefined {
  const end = `\r\n${body}`.indexOf('\r\n.\r\n');
  if (end < 0) return undefined;
  const content = body.slice(0, end);
  const written = content
    .replace(/(?<=^|\r\n)\./g, '')
    .replace(/\r\n|\r|\n/g, '\r\n')
    .replace(/(?<=^|\r\n)\./g, '..');
  return { written: `${written}.\r\n`, bodyOctets: content.length };
}

function normalise(chunks: readonly Uint8Array[]): { written: string; bodyOctets: number; stop: string } {
  const normaliser = new LineEndingNormaliser();
  let written = '';
  let bodyOctets = 0;
  for (const chunk of chunks) {
    const part = normaliser.read(chunk, true);
    written += latin1Of(...part.chunks);
    bodyOctets += part.bodyOctets;
    if (/\r$|(?:^|\r\n)\.{1,64}$/.test(written))
      return { written, bodyOctets, stop: 'a write ends in the wrong place' };
    if (part.stop === 'end') return { written: written + latin1Of(normaliser.terminator()), bodyOctets, stop: 'end' };
  }
  return { written, bodyOctets, stop: 'more' };
}

test.each([
  { id: 'EOD-06', body: 'a\n.\r\nQUIT\r\n.\r\n', written: 'a\r\n..\r\nQUIT\r\n.\r\n' },
  { id: 'EOD-02', body: 'a\n.\nMAIL\r\n.\r\n', written: 'a\r\n..\r\nMAIL\r\n.\r\n' },
  { id: 'EOD-04', body: 'a\r\n.\nb\r\n.\r\n', written: 'a\r\n\r\nb\r\n.\r\n' },
  { id: 'EOD-05', body: 'a\r\n.\rb\r\n.\r\n', written: 'a\r\n\r\nb\r\n.\r\n' },
  { id: 'CR CR LF', body: 'a\r\r\n.\r\n', written: 'a\r\n\r\n.\r\n' },
  { id: 'stuffed', body: '..a\r\n...\r\n.\r\n', written: '..a\r\n...\r\n.\r\n' },
  { id: 'stuffing that was not needed', body: '.a\r\n.\r\n', written: 'a\r\n.\r\n' },
  { id: 'EOD-07', body: '.\r\n', written: '.\r\n' },
  { id: 'EOD-08', body: '\r\n.\r\n', written: '\r\n.\r\n' },
  { id: 'high-bit octets', body: '\x8d\x8a\xae\xff\r\n.\r\n', written: '\x8d\x8a\xae\xff\r\n.\r\n' },
])('$id: $body becomes $written', ({ body, written }) => {
  expect(reference(body)?.written).toBe(written);
  for (const chunks of everyChunking(octetsOf(`${body}QUIT\r\n`))) {
    expect(normalise(chunks)).toMatchObject({ written, stop: 'end' });
  }
});

test('50,000 hostile bodies become what the whole-buffer reference makes of them, with one end each', {
  timeout: 60_000,
}, () => {
  const random = seededRandom(3);
  const pieces = [
    '\r',
    '\n',
    '.',
    '\0',
    'a',
    '\r\n',
    '\r\n.',
    '\n.',
    '\r.',
    '..',
    '.\r\n',
    '\r\n.\r\n',
    '.'.repeat(70),
  ];
  for (let run = 0; run < 50_000; run += 1) {
    let body = '';
    for (let count = random(12); count > 0; count -= 1) body += pieces[random(pieces.length)] ?? '';
    const want = reference(body);
    const got = normalise(randomChunking(octetsOf(body), random, 1 + random(20)));
    const ends = `\r\n${got.written}`.split('\r\n.\r\n').length - 1;
    const right =
      want === undefined
        ? got.stop === 'more' && ends === 0
        : got.stop === 'end' && got.written === want.written && got.bodyOctets === want.bodyOctets && ends === 1;
    if (!right) expect({ body, got, ends }).toEqual({ body, got: want, ends: want === undefined ? 0 : 1 });
  }
});

test('NUL stops the body unless it is allowed', () => {
  for (const chunks of everyChunking(octetsOf('a\n\0b\r\n.\r\n'))) {
    const normaliser = new LineEndingNormaliser();
    let length = 0;
    let stop: string | undefined;
    for (const chunk of chunks) {
      const part = normaliser.read(chunk, false);
      length += part.length;
      stop = part.stop;
      if (stop !== undefined) break;
    }
    expect({ length, stop }).toEqual({ length: 2, stop: 'nul' });
  }
});

test('a body that is given up half-way is discarded to its own end', () => {
  const body = octetsOf('a\r\n.x\n.\r\nb\r\n.\r\nQUIT\r\n');
  const end = latin1Of(body).indexOf('QUIT') - 1;
  for (let givenUpAt = 0; givenUpAt < end; givenUpAt += 1) {
    const normaliser = new LineEndingNormaliser();
    normaliser.read(body.subarray(0, givenUpAt), false);
    const search = new EndOfDataSearch(normaliser.matchedEndOctets);
    expect(search.search(body.subarray(givenUpAt))).toEqual({ length: end - givenUpAt, ended: true });
  }
});
