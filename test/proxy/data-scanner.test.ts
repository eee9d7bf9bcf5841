import { expect, test } from 'vitest';
import { DataScanner } from '../../proxy/data-scanner.ts';
import { HELD_OCTETS_MAX } from '../../proxy/decoder-limits.ts';
import { EndOfDataSearch } from '../../proxy/end-of-data-search.ts';
import { WINDOW_OCTETS } from '../../proxy/plain-lines.ts';
import { everyChunking, latin1Of, octetsOf, randomChunking, seededRandom } from '../support/chunking.ts';

interface Outcome {
  /** Octets before the one that stopped the scan. */
  readonly length: number;
  readonly stop: string;
  readonly written: string;
  readonly held: string;
}

/** The whole body at once, with regular expressions over a text: nothing in common with the scanner. */
function reference(body: string, allowNul: boolean): Outcome {
  const at = (pattern: RegExp, toOffence: (match: RegExpExecArray) => number): number => {
    const match = pattern.exec(body);
    return match === null ? Number.POSITIVE_INFINITY : toOffence(match);
  };
  const stops = [
    { stop: 'end', length: at(/(?:^|(?<=\r\n))\.\r\n/, (match) => match.index + 2) },
    { stop: 'bare-cr', length: at(/\r[^\n]/, (match) => match.index + 1) },
    { stop: 'bare-lf', length: at(/(?<!\r)\n/, (match) => match.index) },
    { stop: 'nul', length: allowNul ? Number.POSITIVE_INFINITY : at(/\0/, (match) => match.index) },
    { stop: 'more', length: body.length },
  ];
  const first = stops.reduce((best, next) => (next.length < best.length ? next : best));
  const held = heldAtEndOf(body.slice(0, first.length));
  return { ...first, written: body.slice(0, first.length - held.length), held };
}

/** What must be held behind a text without offence or end. */
function heldAtEndOf(text: string): string {
  const start = text.lastIndexOf('\r\n') + 1;
  const line = start === 0 ? text : text.slice(start + 1);
  if (!/^\.{0,64}\r?$/.test(line)) return line.endsWith('\r') ? '\r' : '';
  if (start === 0) return line;
  const before = text.slice(0, start - 1);
  const lineBefore = before.slice(before.lastIndexOf('\r\n') < 0 ? 0 : before.lastIndexOf('\r\n') + 2);
  return /^\.{2,64}$/.test(lineBefore) ? line : `\r\n${line}`;
}

function scan(chunks: readonly Uint8Array[], allowNul = false): Outcome {
  const scanner = new DataScanner();
  const written: Uint8Array[] = [];
  let length = 0;
  let stop = 'more';
  for (const chunk of chunks) {
    const part = scanner.read(chunk, allowNul);
    written.push(...part.chunks);
    length += part.length;
    if (part.stop !== undefined) {
      stop = part.stop;
      const again = scanner.read(chunk.subarray(part.length), allowNul);
      if (again.stop !== stop || again.length !== 0 || again.chunks.length !== 0) stop = `${stop}, but not again`;
      break;
    }
  }
  return { length, stop, written: latin1Of(...written), held: latin1Of(scanner.held()) };
}

test.each([
  { id: 'EOD-01', body: 'hi\r\n.\r\n', stop: 'end', written: 'hi', held: '\r\n.\r' },
  { id: 'EOD-02', body: 'a\n.\nMAIL FROM:<x@example.com>\r\n.\r\n', stop: 'bare-lf', written: 'a', held: '' },
  { id: 'EOD-03', body: 'a\n.\r\nMAIL FROM:<x@example.com>\r\n.\r\n', stop: 'bare-lf', written: 'a', held: '' },
  { id: 'EOD-04', body: 'a\r\n.\nMAIL FROM:<x@example.com>\r\n.\r\n', stop: 'bare-lf', written: 'a', held: '\r\n.' },
  { id: 'EOD-05', body: 'a\r.\rb\r\n.\r\n', stop: 'bare-cr', written: 'a', held: '\r' },
  { id: 'EOD-05', body: 'a\r\n.\rb\r\n.\r\n', stop: 'bare-cr', written: 'a', held: '\r\n.\r' },
  { id: 'EOD-05', body: 'a\r.\r\nb\r\n.\r\n', stop: 'bare-cr', written: 'a', held: '\r' },
  { id: 'EOD-05', body: 'a\n.\rb\r\n.\r\n', stop: 'bare-lf', written: 'a', held: '' },
  { id: 'LF-04', body: 'a\r\r\n.\r\n', stop: 'bare-cr', written: 'a', held: '\r' },
  { id: 'EOD-07', body: '.\r\n', stop: 'end', written: '', held: '.\r' },
  { id: 'EOD-08', body: '\r\n.\r\n', stop: 'end', written: '', held: '\r\n.\r' },
  { id: 'EOD-09', body: 'a\r\n..\r\nb\r\n.\r\n', stop: 'end', written: 'a\r\n..\r\nb', held: '\r\n.\r' },
  { id: 'R-18', body: '..\r\n..\r\n.\r\n', stop: 'end', written: '..\r\n..\r\n', held: '.\r' },
  { id: 'EOD-10', body: 'a sentence.\r\nmore\r\n.\r\n', stop: 'end', written: 'a sentence.\r\nmore', held: '\r\n.\r' },
  { id: 'EOD-11', body: 'a\r\n.b\r\n.\r\n', stop: 'end', written: 'a\r\n.b', held: '\r\n.\r' },
  { id: 'EOD-13', body: 'a\x8d\x8a\xae\x8d\x8aM\r\n', stop: 'more', written: 'a\x8d\x8a\xae\x8d\x8aM', held: '\r\n' },
  { id: 'EOD-14', body: 'caf\xc3\xa9 \xff\xfe\r\n', stop: 'more', written: 'caf\xc3\xa9 \xff\xfe', held: '\r\n' },
  { id: 'EOD-15', body: 'a\0b\r\n\0.\r\nc\r\n.\r\n', stop: 'nul', written: 'a', held: '' },
  { id: 'EOD-19', body: 'last line.\r\n', stop: 'more', written: 'last line.', held: '\r\n' },
  { id: 'tabs', body: '\ta\x0b\x01\r\n\tb\r\n \r\n', stop: 'more', written: '\ta\x0b\x01\r\n\tb\r\n ', held: '\r\n' },
])('$id: $body stops at $stop', ({ body, stop, written, held }) => {
  const want = { stop, written, held };
  expect(reference(body, false)).toMatchObject(want);
  for (const chunks of everyChunking(octetsOf(body))) expect(scan(chunks)).toMatchObject(want);
});

test('NUL is text where it is allowed, and no end of data hides behind it', () => {
  const body = 'a\0b\r\n\0.\r\nc\r\n.\r\n';
  for (const chunks of everyChunking(octetsOf(body))) {
    expect(scan(chunks, true)).toMatchObject({ stop: 'end', written: 'a\0b\r\n\0.\r\nc', held: '\r\n.\r' });
  }
});

test.each([
  { dots: 64, held: HELD_OCTETS_MAX, why: 'the longest run that is held, CRLF before and CR behind it' },
  { dots: 65, held: 1, why: 'one dot more leaves at once' },
])('a run of $dots dots holds $held octets: $why', ({ dots, held }) => {
  for (const chunks of everyChunking(octetsOf(`a\r\n${'.'.repeat(dots)}\r`))) {
    expect(scan(chunks)).toMatchObject({ stop: 'more', length: 4 + dots });
    expect(scan(chunks).held).toHaveLength(held);
  }
});

/** Seconds on an idle machine; a busy one gets more. */
const PROPERTY_TIMEOUT_MS = 60_000;

/** Pieces of bodies that lie near an offence or an end. */
const hostile = [
  '\r',
  '\n',
  '.',
  '\0',
  'a',
  '\r\n',
  '\r\n',
  '\r\n.',
  '\r\n..',
  '\r\n.\r\n',
  '.\r\n',
  'aaaa',
  '\x8d\x8a',
];
const rare = [`\r\n${'.'.repeat(63)}`, '.'.repeat(64), '\t', '\x0e'];

/** Text lines, some of them empty, that begin and end anywhere. */
function plainText(random: (below: number) => number): string {
  const lines = Array.from({ length: 1 + random(5) }, () => 'plain, text. '.repeat(9).slice(random(9), random(117)));
  return lines.map((line) => line.replace(/^\./, '')).join('\r\n');
}

/** Hostile pieces in a row, or between stretches of text that is long enough to be skipped. */
function hostileBody(random: (below: number) => number): string {
  const amongText = random(8) === 0;
  let body = '';
  for (let pieces = random(12); pieces >= 0; pieces -= 1) {
    const from = random(12) === 0 ? rare : hostile;
    if (amongText && random(2) === 0) body += plainText(random);
    else body += from[random(from.length)] ?? '';
  }
  return body;
}

/** Longest chunk of a split: TCP segments of any size. */
const anyChunkOctets = (random: (below: number) => number): number => [1, 7, 40, 1000][random(4)] ?? 1;

const same = (left: Outcome, right: Outcome): boolean =>
  left.stop === right.stop &&
  left.length === right.length &&
  left.written === right.written &&
  left.held === right.held;

test('the scanner agrees with the whole-buffer reference on 100,000 hostile bodies', {
  timeout: PROPERTY_TIMEOUT_MS,
}, () => {
  const random = seededRandom(20_260_101);
  for (let run = 0; run < 100_000; run += 1) {
    const body = hostileBody(random);
    const allowNul = random(2) === 0;
    const want = reference(body, allowNul);
    const chunks = randomChunking(octetsOf(body), random, anyChunkOctets(random));
    const got = scan(chunks, allowNul);
    if (!same(got, want)) expect({ body, allowNul, chunks: chunks.map((chunk) => latin1Of(chunk)), got }).toEqual(want);
    if (got.held.length > HELD_OCTETS_MAX) expect({ body, held: got.held }).toBe('no more than the limit');
  }
});

test.each(['\n', '\r', '\0', '\n.', '\r\n.', '\r\n..', '\r\n.\r\n', '\r\n\r\n', '.', '\t'])(
  'nothing is missed around the places where a long piece is looked at in parts: %j',
  (offence) => {
    const text = `${'some text of a line'.repeat(4)}\r\n`.repeat(900);
    for (let at = WINDOW_OCTETS - 40; at < WINDOW_OCTETS + 40; at += 1) {
      const body = `${text.slice(0, at)}${offence}${text.slice(at)}`;
      const got = scan([octetsOf(body)]);
      const want = reference(body, false);
      if (!same(got, want)) expect({ at, stop: got.stop, length: got.length }).toEqual({ at, ...want });
    }
  },
);

test('no write ends inside a line end or behind dots at a line start', { timeout: PROPERTY_TIMEOUT_MS }, () => {
  const random = seededRandom(7);
  for (let run = 0; run < 20_000; run += 1) {
    const body = hostileBody(random);
    const scanner = new DataScanner();
    let written = '';
    for (const chunk of randomChunking(octetsOf(body), random, anyChunkOctets(random))) {
      const part = scanner.read(chunk, true);
      written += latin1Of(...part.chunks);
      if (/\r$|(?:^|\r\n)\.{1,64}$/.test(written)) expect({ body, written }).toBe('a write that ends elsewhere');
      if (part.stop !== undefined) break;
    }
  }
});

test('body octets add up to the body without its dot line, however it is split', () => {
  for (const chunks of everyChunking(octetsOf('..a\r\n.b\r\n\r\n..\r\n.\r\n'))) {
    const scanner = new DataScanner();
    const bodyOctets = chunks.map((chunk) => scanner.read(chunk, false).bodyOctets);
    expect(bodyOctets.reduce((sum, count) => sum + count, 0)).toBe('..a\r\n.b\r\n\r\n..\r\n'.length);
    expect(latin1Of(scanner.terminator())).toBe('.\r\n');
  }
});

test('a discarded body ends at the first CRLF.CRLF and nowhere else', { timeout: PROPERTY_TIMEOUT_MS }, () => {
  const random = seededRandom(11);
  for (let run = 0; run < 50_000; run += 1) {
    const body = `${hostileBody(random)}\r\n.\r\n${hostileBody(random)}`;
    const end = `\r\n${body}`.indexOf('\r\n.\r\n') + 2;
    const scanner = new DataScanner();
    const kept = octetsOf(body).subarray(0, random(end + 1));
    const read = scanner.read(kept, random(2) === 0).length;
    const search = new EndOfDataSearch(scanner.matchedEndOctets);
    let length = read;
    let ended = false;
    for (const chunk of randomChunking(octetsOf(body).subarray(read), random, 1 + random(20))) {
      const part = search.search(chunk);
      length += part.length;
      ended = part.ended;
      if (ended) break;
    }
    if (!ended || length !== end) expect({ body, read, length, ended }).toMatchObject({ length: end, ended: true });
  }
});

test('the views are of the octets pushed, not copies', () => {
  const chunk = octetsOf(`${'plain text, '.repeat(20)}\r\nand more`);
  const [view] = new DataScanner().read(chunk, false).chunks;
  expect(view?.buffer).toBe(chunk.buffer);
});
