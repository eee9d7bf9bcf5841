import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVIDENCE_OCTETS_MAX } from '../../events/event.ts';
import { ProgramFault } from '../../lib/assert.ts';
import { REPLY_LINE_OCTETS_MAX, REPLY_LINES_MAX, REPLY_OCTETS_MAX } from '../../proxy/decoder-limits.ts';
import type { UpstreamUnit } from '../../proxy/input.ts';
import { UpstreamDecoder } from '../../proxy/upstream-decoder.ts';
import { everyChunking, latin1Of, octetsOf, randomChunking, seededRandom } from '../support/chunking.ts';

const strict = { lenientLineEnds: false };
const lenient = { lenientLineEnds: true };

function decode(chunks: readonly Uint8Array[], settings = strict): UpstreamUnit[] {
  const decoder = new UpstreamDecoder(settings);
  const units: UpstreamUnit[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let unit = decoder.next(); unit !== undefined; unit = decoder.next()) units.push(unit);
  }
  return units;
}

/** The units without what depends on when the octets came. */
const told = (units: readonly UpstreamUnit[]): unknown[] =>
  units.map((unit) => (unit.kind === 'reply' ? unit.reply : { reason: unit.reason, octets: latin1Of(unit.octets) }));

const reply = (code: number, ...lines: string[]): unknown => ({ code, lines });

test.each([
  { id: 'one line', input: '250 2.1.0 ok\r\n', want: [reply(250, '2.1.0 ok')] },
  {
    id: 'UR-01',
    input: '220-up.example.com\r\n220-no UBE\r\n220 ready\r\n',
    want: [reply(220, 'up.example.com', 'no UBE', 'ready')],
  },
  { id: 'UR-02', input: '250\r\n', want: [reply(250, '')] },
  { id: 'UR-02', input: '250 \r\n', want: [reply(250, '')] },
  { id: 'UR-02', input: '250-\r\n250\r\n', want: [reply(250, '', '')] },
  { id: 'AU-05', input: '334\r\n334 \r\n', want: [reply(334, ''), reply(334, '')] },
  { id: 'UR-11', input: '250 ok\r\n250 2.0.0 id=1\r\n', want: [reply(250, 'ok'), reply(250, '2.0.0 id=1')] },
  { id: 'bounds', input: '200 a\r\n599 b\r\n', want: [reply(200, 'a'), reply(599, 'b')] },
  { id: 'hyphen in text', input: '250 -\r\n', want: [reply(250, '-')] },
])('$id: $input is read however it is split', ({ input, want }) => {
  for (const chunks of everyChunking(octetsOf(input))) expect(told(decode(chunks))).toEqual(want);
});

test.each([
  { id: 'UR-09', input: 'HTTP/1.1 400\r\n', reason: 'not-a-reply' },
  { id: 'UR-09', input: 'SSH-2.0-x\r\n', reason: 'not-a-reply' },
  { id: 'UR-09', input: '2500 x\r\n', reason: 'not-a-reply' },
  { id: 'UR-09', input: '99 x\r\n', reason: 'not-a-reply' },
  { id: 'UR-09', input: '650 x\r\n', reason: 'not-a-reply' },
  { id: 'UR-09', input: '199 x\r\n', reason: 'not-a-reply' },
  { id: 'UR-09', input: '4.7.0 x\r\n', reason: 'not-a-reply' },
  { id: 'UR-09', input: '25O ok\r\n', reason: 'not-a-reply' },
  { id: 'empty', input: '\r\n', reason: 'not-a-reply' },
  { id: 'tab', input: '250\tok\r\n', reason: 'not-a-reply' },
  { id: 'codes', input: '250-a\r\n251 b\r\n', reason: 'code-changed' },
  { id: 'UR-03', input: '250 ok\n', reason: 'bare-lf' },
  { id: 'bare CR', input: '250 a\rb\r\n', reason: 'bare-cr' },
  { id: 'CR CR LF', input: '250 a\r\r\n', reason: 'bare-cr' },
])('$id: $input is a fault, and nothing comes behind it', ({ input, reason }) => {
  for (const chunks of everyChunking(octetsOf(`220 hi\r\n${input}250 ok\r\n`))) {
    expect(told(decode(chunks))).toMatchObject([{ code: 220 }, { reason }]);
  }
});

test('UR-03: a lenient decoder takes LF for a line end, and still no bare CR', () => {
  for (const chunks of everyChunking(octetsOf('250-a\n250-b\r\n250 c\n250 d\re\n'))) {
    expect(told(decode(chunks, lenient))).toEqual([
      reply(250, 'a', 'b', 'c'),
      { reason: 'bare-cr', octets: '250 d\r' },
    ]);
  }
});

test.each([
  { id: 'UR-04', text: '<\x1b[31mx\0\xe9> unknown', want: '<?[31mx??> unknown' },
  { id: 'UTF-8', text: 'bo\xc3\xaete pleine \xe2\x82\xac', want: 'boîte pleine €' },
  { id: 'C1 in UTF-8', text: 'a\xc2\x85b\xc3\xa9', want: 'a??b??' },
  { id: 'DEL', text: 'a\x7fb', want: 'a?b' },
  { id: 'a tab is text (RFC 5321 section 4.2)', text: 'a\tb', want: 'a b' },
  { id: 'overlong UTF-8 of LF', text: 'a\xc0\x8ab', want: 'a??b' },
  { id: 'surrogate', text: '\xed\xa0\x80', want: '???' },
])('$id: text is made safe', ({ text, want }) => {
  for (const chunks of everyChunking(octetsOf(`550 ${text}\r\n`)))
    expect(told(decode(chunks))).toEqual([reply(550, want)]);
});

test('text never holds a control character, whatever the server sends', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (text) => {
      const line = text.filter((octet) => octet !== 0x0d && octet !== 0x0a);
      const [unit] = decode([octetsOf('250 '), line, octetsOf('\r\n')]);
      expect(unit).toMatchObject({ kind: 'reply' });
      expect(JSON.stringify(unit)).not.toMatch(/\\u00|[\x7f-\x9f]/);
    }),
  );
});

test('arbitrary octets give the same units however they are split, and never an exception', () => {
  const piece = fc.oneof(
    fc.constantFrom('250 ok\r\n', '250-a\r\n', '250', '\r', '\n', ' ', '-', '\r\n', '5', '\0', '\xff'),
    fc.string({ unit: 'binary-ascii' }),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.boolean(), fc.nat(), (pieces, lenientLineEnds, seed) => {
      const octets = octetsOf(pieces.join(''));
      const split = decode(randomChunking(octets, seededRandom(seed)), { lenientLineEnds });
      expect(told(split)).toEqual(told(decode([octets], { lenientLineEnds })));
    }),
    { numRuns: 1000 },
  );
});

const line = (octets: number, separator = ' '): string => `250${separator}${'x'.repeat(octets - 6)}\r\n`;

test.each([
  { what: 'the longest line', input: line(REPLY_LINE_OCTETS_MAX), want: { code: 250 } },
  { what: 'a line that is too long', input: line(REPLY_LINE_OCTETS_MAX + 1), want: { reason: 'line-too-long' } },
  { what: 'an endless line', input: `250 ${'x'.repeat(REPLY_LINE_OCTETS_MAX)}`, want: { reason: 'line-too-long' } },
  { what: 'the most lines', input: `${'250-x\r\n'.repeat(REPLY_LINES_MAX - 1)}250 x\r\n`, want: { code: 250 } },
  {
    what: 'too many lines',
    input: `${'250-x\r\n'.repeat(REPLY_LINES_MAX)}250 x\r\n`,
    want: { reason: 'too-many-lines' },
  },
  { what: 'the longest reply', input: `${line(4096, '-').repeat(15)}${line(4096)}`, want: { code: 250 } },
  {
    what: 'a reply that is too long',
    input: `${line(4096, '-').repeat(16)}250 x\r\n`,
    want: { reason: 'reply-too-long' },
  },
])('UR-10: $what', ({ input, want }) => {
  const octets = octetsOf(input);
  expect(REPLY_OCTETS_MAX).toBe(16 * 4096);
  for (const chunks of [[octets], randomChunking(octets, seededRandom(1), 700)]) {
    expect(told(decode(chunks))).toMatchObject([want]);
  }
});

test('UR-10: an endless reply holds no more than its limits, and nothing after the fault', () => {
  const decoder = new UpstreamDecoder(strict);
  const chunk = octetsOf('250-x\r\n'.repeat(100));
  let faults = 0;
  for (let count = 0; count < 1000; count += 1) {
    decoder.push(chunk);
    if (decoder.next()?.kind === 'fault') faults += 1;
    expect(decoder.bufferedOctets).toBeLessThanOrEqual(REPLY_OCTETS_MAX);
  }
  expect(faults).toBe(1);
  expect(decoder.bufferedOctets).toBe(0);
});

test('the evidence of a fault is capped', () => {
  const [unit] = decode([octetsOf(`${'x'.repeat(1000)}\r\n`)]);
  expect(unit).toEqual({ kind: 'fault', reason: 'not-a-reply', octets: octetsOf('x'.repeat(EVIDENCE_OCTETS_MAX)) });
});

test('UR-05: a reply is early when its first octet came before it was due', () => {
  const decoder = new UpstreamDecoder(strict);
  const early = (): boolean | undefined => {
    const unit = decoder.next();
    return unit?.kind === 'reply' ? unit.early : undefined;
  };
  decoder.expect();
  decoder.push(octetsOf('220 hi\r\n'));
  expect(early()).toBe(false);
  // Nothing is due.
  decoder.push(octetsOf('250 surprise\r\n'));
  expect(early()).toBe(true);
  // It waits unread while the command is written.
  decoder.push(octetsOf('250 surprise\r\n'));
  decoder.expect();
  expect(early()).toBe(true);
  // Its first octet came before.
  decoder.push(octetsOf('250-sur'));
  expect(early()).toBeUndefined();
  decoder.expect();
  decoder.push(octetsOf('prise\r\n250 end\r\n'));
  expect(early()).toBe(true);
  decoder.expect();
  decoder.push(octetsOf('250 ok\r\n'));
  expect(early()).toBe(false);
});

test('one reply is due at a time', () => {
  const decoder = new UpstreamDecoder(strict);
  decoder.expect();
  expect(() => decoder.expect()).toThrow(ProgramFault);
});

test.each([
  { input: '220 go\r\n', trailing: 0 },
  { input: '220 go\r\n2', trailing: 1 },
  { input: '220 go\r\n250-evil\r\n250-AUT', trailing: 17 },
])('TL-09: $trailing octets lie behind the reply in $input', ({ input, trailing }) => {
  const decoder = new UpstreamDecoder(strict);
  decoder.push(octetsOf(input));
  expect(decoder.next()).toMatchObject({ reply: { code: 220 }, trailingOctets: trailing });
  expect(decoder.bufferedOctets).toBe(trailing);
});

test('TL-09: what was half read before TLS is gone after it', () => {
  const decoder = new UpstreamDecoder(strict);
  decoder.expect();
  decoder.push(octetsOf('250-evil\r\n250-AUTH PLA'));
  expect(decoder.next()).toBeUndefined();
  expect(decoder.bufferedOctets).toBe(22);
  decoder.reset();
  expect(decoder.bufferedOctets).toBe(0);
  decoder.expect();
  decoder.push(octetsOf('250 good\r\n'));
  expect(decoder.next()).toEqual({ kind: 'reply', reply: reply(250, 'good'), early: false, trailingOctets: 0 });
});
