import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVIDENCE_OCTETS_MAX } from '../../events/event.ts';
import { ProgramFault } from '../../lib/assert.ts';
import { ClientDecoder } from '../../proxy/client-decoder.ts';
import type { ClientMode, ClientUnit } from '../../proxy/client-unit.ts';
import {
  AUTH_LINE_OCTETS_MAX,
  COMMAND_LINE_OCTETS_MAX,
  OVERLONG_TAIL_OCTETS_MAX,
  SASL_LINE_OCTETS_MAX,
} from '../../proxy/decoder-limits.ts';
import { everyChunking, latin1Of, octetsOf, randomChunking, seededRandom } from '../support/chunking.ts';

const command: ClientMode = { kind: 'command' };
const sasl: ClientMode = { kind: 'sasl' };
const data: ClientMode = { kind: 'data', allowNul: false, normalise: false };
const discardData: ClientMode = { kind: 'discard-data' };

/** Units with their octets as text. Streamed ones are joined, so that the trace does not depend on the chunking. */
type Trace = (string | Record<string, unknown>)[];

function tell(unit: ClientUnit): Record<string, unknown> {
  switch (unit.kind) {
    case 'data':
      return { kind: 'data', octets: latin1Of(...unit.chunks), received: unit.receivedOctets };
    case 'bdat':
      return { kind: 'bdat', octets: latin1Of(unit.chunk), bare: unit.bareLineFeed };
    default:
      return Object.fromEntries(
        Object.entries(unit).map(([key, value]) => [key, value instanceof Uint8Array ? latin1Of(value) : value]),
      );
  }
}

function join(before: unknown, value: unknown): unknown {
  if (typeof before === 'number' && typeof value === 'number') return before + value;
  return typeof before === 'boolean' ? before || value : `${before}${value}`;
}

function note(trace: Trace, unit: ClientUnit): void {
  if (unit.kind === 'line') {
    trace.push(latin1Of(unit.line));
    return;
  }
  const told = tell(unit);
  const before = trace.at(-1);
  const streams = unit.kind === 'data' || unit.kind === 'bdat' || unit.kind === 'discarded';
  if (!streams || typeof before !== 'object' || before['kind'] !== unit.kind) trace.push(told);
  else for (const [key, value] of Object.entries(told)) if (key !== 'kind') before[key] = join(before[key], value);
}

/** Feeds the chunks; each unit that stops the decoder takes the next mode, and without one it stays stopped. */
function decode(chunks: readonly Uint8Array[], modes: readonly ClientMode[]): { trace: Trace; decoder: ClientDecoder } {
  const decoder = new ClientDecoder();
  const waiting = [...modes];
  const trace: Trace = [];
  const advance = (): void => {
    const mode = waiting.shift();
    if (mode !== undefined) decoder.setMode(mode);
  };
  advance();
  for (const chunk of [octetsOf(''), ...chunks]) {
    decoder.push(chunk);
    for (let unit = decoder.next(); unit !== undefined; unit = decoder.next()) {
      note(trace, unit);
      if (decoder.mode.kind === 'stopped') advance();
    }
  }
  return { trace, decoder };
}

function expectTrace(input: string, modes: readonly ClientMode[], want: Trace, left = 0): void {
  for (const chunks of everyChunking(octetsOf(input))) {
    const { trace, decoder } = decode(chunks, modes);
    expect(trace).toEqual(want);
    expect(decoder.bufferedOctets).toBe(left);
  }
}

const fault = (name: string, octets: string, authLine = false): Record<string, unknown> => ({
  kind: 'line-fault',
  fault: name,
  octets,
  authLine,
});

test.each([
  { id: 'plain', input: 'EHLO c.example\r\n', want: ['EHLO c.example'] },
  { id: 'LF-05', input: 'NOOP\r\nNOOP\r\n', want: ['NOOP', 'NOOP'] },
  { id: 'LF-15', input: '\r\n\r\n', want: ['', ''] },
  { id: 'LF-06', input: 'RCPT TO:<b\0c>\r\n', want: ['RCPT TO:<b\0c>'] },
  { id: 'LF-10', input: 'DATA\xa0\r\n', want: ['DATA\xa0'] },
  { id: 'LF-01', input: 'EHLO c\n', want: [fault('bare-lf', 'EHLO c\n')] },
  { id: 'LF-02', input: 'NOOP\r\nRSET\n', want: ['NOOP', fault('bare-lf', 'RSET\n')] },
  { id: 'LF first', input: '\n', want: [fault('bare-lf', '\n')] },
  { id: 'AUTH with LF', input: 'auth plain AGEAYg==\n', want: [fault('bare-lf', 'auth plain AGEAYg==\n', true)] },
])('$id: lines end with CRLF only', ({ input, want }) => {
  expectTrace(input, [command, command, command], want);
});

test.each([
  { id: 'LF-03', input: 'MAIL FROM:<a>\rR', octets: 'MAIL FROM:<a>\r' },
  { id: 'LF-04', input: 'NOOP\r\r', octets: 'NOOP\r' },
  { id: 'CR first', input: '\rx', octets: '\r' },
])('$id: a CR is bare once the octet behind it is known', ({ input, octets }) => {
  for (const chunks of everyChunking(octetsOf(input.slice(0, -1)))) {
    const { trace, decoder } = decode(chunks, [command]);
    expect(trace).toEqual([]);
    expect(decoder.hasPartialLine).toBe(true);
  }
  expectTrace(input, [command], [fault('bare-cr', octets)], 1);
});

test('LF-20: a TLS record is told by its first octet, at the start of a line only', () => {
  expectTrace('\x16\x03\x01', [command], [fault('tls-record', '\x16')], 2);
  expectTrace('NOOP\r\n\x16', [command, command], ['NOOP', fault('tls-record', '\x16')]);
  expectTrace('NOOP \x16\r\n', [command], ['NOOP \x16']);
});

test.each([
  { start: 'AUTH ', authLine: true },
  { start: 'aUtH\t', authLine: true },
  { start: 'AUTH=', authLine: true },
  { start: 'AUTH\0', authLine: true },
  { start: ' \tauth ', authLine: true },
  { start: 'AUTHOR', authLine: false },
  { start: 'AUT', authLine: false },
  { start: 'XAUTH ', authLine: false },
  { start: 'NOOP AUTH ', authLine: false },
])('a faulty line that begins with $start may hold a secret: $authLine', ({ start, authLine }) => {
  expectTrace(`${start}\n`, [command], [fault('bare-lf', `${start}\n`, authLine)]);
});

/** Chunkings of long inputs: whole, small pieces, and around the place where the limit bites. */
function* chunkingsOf(octets: Uint8Array): Generator<readonly Uint8Array[]> {
  yield [octets];
  yield randomChunking(octets, seededRandom(1), 1500);
  yield randomChunking(octets, seededRandom(2), 64);
  for (const cut of [1, 5, 2046, 2047, 2048, 2049, 65_535, 65_536, 65_537, octets.length - 2, octets.length - 1]) {
    yield [octets.subarray(0, cut), octets.subarray(cut)];
  }
}

function expectLongTrace(input: string, modes: readonly ClientMode[], want: Trace, left = 0): void {
  for (const chunks of chunkingsOf(octetsOf(input))) {
    const { trace, decoder } = decode(chunks, modes);
    expect(trace).toEqual(want);
    expect(decoder.bufferedOctets).toBe(left);
  }
}

/** A line of so many octets, its CRLF included. */
const lineOf = (octets: number, start = 'NOOP '): string => `${start}${'a'.repeat(octets - start.length - 2)}\r\n`;
const textOf = (line: string): string => line.slice(0, -2);
const headOf = (line: string): string => line.slice(0, EVIDENCE_OCTETS_MAX);

test('a command line of the greatest length is read, one octet more is overlong', () => {
  const longest = lineOf(COMMAND_LINE_OCTETS_MAX);
  const overlong = lineOf(COMMAND_LINE_OCTETS_MAX + 1);
  expectLongTrace(longest, [command], [textOf(longest)]);
  expectLongTrace(`${overlong}NOOP\r\n`, [command, command], [fault('overlong', headOf(overlong)), 'NOOP']);
});

test('the evidence of a faulty line is capped', () => {
  const line = `NOOP ${'a'.repeat(1000)}\n`;
  expectLongTrace(line, [command], [fault('bare-lf', headOf(line))]);
});

test.each(['AUTH PLAIN ', 'auth\tplain '])('a line that begins with %j may be longer', (start) => {
  const longest = lineOf(AUTH_LINE_OCTETS_MAX, start);
  const overlong = lineOf(AUTH_LINE_OCTETS_MAX + 1, start);
  expectLongTrace(longest, [command], [textOf(longest)]);
  expectLongTrace(`${overlong}NOOP\r\n`, [command, command], [fault('overlong', headOf(overlong), true), 'NOOP']);
});

test.each(['AUTHOR ', 'AUTH=', ' AUTH '])('a line that begins with %j may not', (start) => {
  const overlong = lineOf(COMMAND_LINE_OCTETS_MAX + 1, start);
  expectLongTrace(overlong, [command], [fault('overlong', headOf(overlong), start !== 'AUTHOR ')]);
});

test('LF-16: an overlong line is read to its CRLF within the bound, and given up one octet beyond it', () => {
  const longest = lineOf(COMMAND_LINE_OCTETS_MAX + OVERLONG_TAIL_OCTETS_MAX);
  expectLongTrace(`${longest}NOOP\r\n`, [command, command], [fault('overlong', headOf(longest)), 'NOOP']);
  const endless = `NOOP ${'a'.repeat(COMMAND_LINE_OCTETS_MAX + OVERLONG_TAIL_OCTETS_MAX - 4)}`;
  expectLongTrace(`${endless}b`, [command], [fault('overlong-endless', headOf(endless))], 1);
});

test('nothing of an endless line is read as a line, whatever mode follows', () => {
  const endless = `${'a'.repeat(COMMAND_LINE_OCTETS_MAX + OVERLONG_TAIL_OCTETS_MAX + 1)}`;
  const want = [fault('overlong-endless', headOf(endless)), 'NOOP'];
  expectLongTrace(`${endless}bc\r\nNOOP\r\n`, [command, command], want);
});

test('the tail of an overlong line is no line of its own, and no TLS record', () => {
  const { trace } = decode([octetsOf('a'.repeat(3000)), octetsOf('\x16\r\nNOOP\r\n')], [command, command]);
  expect(trace).toEqual([fault('overlong', headOf('a'.repeat(3000))), 'NOOP']);
});

test('an overlong line that TLS cut off has no tail inside it', () => {
  const decoder = new ClientDecoder();
  decoder.setMode(command);
  decoder.push(octetsOf('a'.repeat(3000)));
  decoder.next();
  decoder.setMode({ kind: 'tls' });
  decoder.setMode(command);
  expect(decoder.hasPartialLine).toBe(false);
  decoder.push(octetsOf('NOOP\r\n'));
  expect(decoder.next()).toEqual({ kind: 'line', line: octetsOf('NOOP') });
});

test.each([
  { kind: 'bare-lf', end: '\n', left: 0 },
  { kind: 'bare-cr', end: '\rx', left: 1 },
])('$kind in the tail of an overlong line is the fault of that line', ({ kind, end, left }) => {
  const overlong = `AUTH=${'a'.repeat(5000)}${end}`;
  expectLongTrace(overlong, [command], [fault(kind, headOf(overlong), true)], left);
});

test('an overlong line is dropped as it comes', () => {
  const decoder = new ClientDecoder();
  decoder.setMode(command);
  for (let count = 0; count < 40; count += 1) {
    decoder.push(octetsOf('a'.repeat(1000)));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.bufferedOctets).toBeLessThanOrEqual(COMMAND_LINE_OCTETS_MAX);
    expect(decoder.hasPartialLine).toBe(true);
  }
});

test.each([
  { input: 'YWxpY2U=\r\n', want: [{ kind: 'sasl-line', data: '[redacted 8]' }] },
  { input: '\r\n', want: [{ kind: 'sasl-line', data: '[redacted 0]' }] },
  { input: '*\r\n', want: [{ kind: 'sasl-cancel' }] },
  { input: 'alice secret\r\n', want: [{ kind: 'sasl-fault', fault: 'not-base64' }] },
  { input: 'YWxpY2U=\n', want: [{ kind: 'sasl-fault', fault: 'bare-lf' }] },
])('a SASL line $input', ({ input, want }) => {
  for (const chunks of everyChunking(octetsOf(input))) {
    const { trace } = decode(chunks, [sasl]);
    expect(JSON.parse(JSON.stringify(trace))).toEqual(want);
  }
});

test('a bare CR in a SASL line is a fault', () => {
  expectTrace('YWxp\rY', [sasl], [{ kind: 'sasl-fault', fault: 'bare-cr' }], 1);
});

test('AU-06, AU-07: a long SASL line passes; of an overlong one nothing becomes a command', () => {
  const longest = 'A'.repeat(SASL_LINE_OCTETS_MAX - 4);
  const { trace } = decode([octetsOf(`${longest}\r\n`)], [sasl]);
  expect(JSON.parse(JSON.stringify(trace))).toEqual([{ kind: 'sasl-line', data: `[redacted ${longest.length}]` }]);
  // Two octets more still fit the line, they are only no base64 any more.
  expectLongTrace(`${longest}AA\r\n`, [sasl], [{ kind: 'sasl-fault', fault: 'not-base64' }]);
  const overlong = { kind: 'sasl-fault', fault: 'overlong' };
  for (const more of [1, OVERLONG_TAIL_OCTETS_MAX, OVERLONG_TAIL_OCTETS_MAX + 1, 3 * OVERLONG_TAIL_OCTETS_MAX]) {
    const input = `${'A'.repeat(SASL_LINE_OCTETS_MAX - 2 + more)}\r\nMAIL FROM:<x@example.com>\r\n`;
    expectLongTrace(input, [sasl, command], [overlong, 'MAIL FROM:<x@example.com>']);
  }
});

test('a stopped decoder keeps everything and yields nothing', () => {
  for (const chunks of everyChunking(octetsOf('A\r\nB\r\nC\r\n'))) {
    const { trace, decoder } = decode(chunks, [command]);
    expect(trace).toEqual(['A']);
    expect(decoder.mode).toEqual({ kind: 'stopped' });
    expect(decoder.bufferedOctets).toBe(6);
    expect(decoder.hasPartialLine).toBe(false);
    decoder.setMode(command);
    expect(decoder.next()).toEqual({ kind: 'line', line: octetsOf('B') });
  }
});

test('a mode that is set again in the middle of a line reads it from its start', () => {
  const decoder = new ClientDecoder();
  decoder.setMode(command);
  decoder.push(octetsOf('NO'));
  expect(decoder.next()).toBeUndefined();
  decoder.setMode({ kind: 'stopped' });
  expect(decoder.hasPartialLine).toBe(false);
  decoder.setMode(command);
  decoder.push(octetsOf('OP\r\n'));
  expect(decoder.next()).toEqual({ kind: 'line', line: octetsOf('NOOP') });
});

test('silence is broken by the first octet, once, and it stays', () => {
  const decoder = new ClientDecoder();
  decoder.setMode({ kind: 'silent' });
  expect(decoder.next()).toBeUndefined();
  decoder.push(octetsOf('EH'));
  expect(decoder.next()).toEqual({ kind: 'unexpected-octets' });
  expect(decoder.next()).toBeUndefined();
  expect(decoder.bufferedOctets).toBe(2);
});

test('EOD-17: a body, its terminator, and the command behind it', () => {
  expectTrace(
    'hi\r\n..\r\n.x\r\n.\r\nMAIL FROM:<c@example.com>\r\n',
    [data, command],
    [
      { kind: 'data', octets: 'hi\r\n..\r\n.x', received: 12 },
      { kind: 'data-end', terminator: '\r\n.\r\n' },
      'MAIL FROM:<c@example.com>',
    ],
  );
});

test('EOD-07: an empty body has a terminator and no data', () => {
  expectTrace('.\r\n', [data], [{ kind: 'data-end', terminator: '.\r\n' }]);
});

test.each([
  { fault: 'bare-lf', body: 'ab\r\n.\n', octets: '\r\n.\n', released: 'ab', received: 4 },
  { fault: 'bare-lf', body: '\n', octets: '\n', released: undefined, received: 0 },
  { fault: 'bare-cr', body: 'ab\r.', octets: '\r.', released: 'ab', received: 3 },
  { fault: 'nul', body: 'ab\0', octets: '\0', released: 'ab', received: 2 },
])('$fault: what came before is released, then the violation, and $body is discarded to its end', (row) => {
  const before = row.released === undefined ? [] : [{ kind: 'data', octets: row.released, received: row.received }];
  const rest = 'MAIL FROM:<x@example.com>\r\n.\r\n';
  expectTrace(
    `${row.body}${rest}NOOP\r\n`,
    [data, discardData, command],
    [
      ...before,
      { kind: 'data-violation', fault: row.fault, octets: row.octets },
      // The octet at fault is discarded, the last LF goes with the end.
      { kind: 'discarded', octets: 1 + rest.length - 1 },
      { kind: 'discard-end' },
      'NOOP',
    ],
  );
});

test('a body that is given up in its middle is discarded to its own end, and the next one begins anew', () => {
  const body = octetsOf('ab\r\n..\r\n.c\r\n.\r\n');
  for (let cut = 0; cut < body.length; cut += 1) {
    const decoder = new ClientDecoder();
    decoder.setMode(data);
    decoder.push(body.subarray(0, cut));
    while (decoder.next() !== undefined);
    decoder.setMode({ kind: 'stopped' });
    decoder.setMode(discardData);
    decoder.push(body.subarray(cut));
    decoder.push(octetsOf('.\r\n'));
    let unit = decoder.next();
    while (unit?.kind === 'discarded') unit = decoder.next();
    expect(unit).toEqual({ kind: 'discard-end' });
    decoder.setMode(data);
    expect(decoder.next()).toEqual({ kind: 'data-end', terminator: octetsOf('.\r\n') });
  }
});

test('a body that is paused goes on where it was', () => {
  const decoder = new ClientDecoder();
  decoder.setMode(data);
  decoder.push(octetsOf('a\r\n.'));
  expect(decoder.next()).toMatchObject({ kind: 'data', receivedOctets: 3 });
  decoder.setMode({ kind: 'stopped' });
  decoder.push(octetsOf('\r\n'));
  expect(decoder.next()).toBeUndefined();
  decoder.setMode(data);
  expect(decoder.next()).toEqual({ kind: 'data-end', terminator: octetsOf('\r\n.\r\n') });
});

const violation = { kind: 'data-violation', fault: 'too-large', octets: '' };

test.each([
  { what: 'just as long', octetsMax: 6, body: '..ab\r\n.\r\n', want: [['..ab', 6], '\r\n.\r\n'] },
  { what: 'longer by an octet', octetsMax: 5, body: '..ab\r\n.\r\n', want: [['..ab', 5], violation] },
  { what: 'longer by a dot line that is none', octetsMax: 3, body: 'a\r\n.b\r\n.\r\n', want: [['a', 3], violation] },
  { what: 'longer by a line of dots', octetsMax: 3, body: 'a\r\n..\r\n.\r\n', want: [['a', 3], violation] },
  { what: 'longer by a dot and a bare CR', octetsMax: 3, body: 'a\r\n.\rb\r\n.\r\n', want: [['a', 3], violation] },
  { what: 'with a dot as its last octet', octetsMax: 4, body: 'a\r\n.\r\n', want: [['a', 3], '\r\n.\r\n'] },
  { what: 'empty', octetsMax: 0, body: '.\r\n', want: ['.\r\n'] },
  { what: 'not empty', octetsMax: 0, body: 'a\r\n.\r\n', want: [violation] },
])('EOD-18: a body that is $what, where $octetsMax octets are allowed', ({ octetsMax, body, want }) => {
  const wanted = want.map((unit) => {
    if (typeof unit === 'string') return { kind: 'data-end', terminator: unit };
    return Array.isArray(unit) ? { kind: 'data', octets: unit[0], received: unit[1] } : unit;
  });
  for (const normalise of [false, true]) {
    for (const chunks of everyChunking(octetsOf(body))) {
      const { trace } = decode(chunks, [{ ...data, normalise, octetsMax }]);
      expect(trace).toEqual(wanted);
    }
    if (wanted.at(-1) !== violation) continue;
    const { trace } = decode([octetsOf(`${body}NOOP\r\n`)], [{ ...data, normalise, octetsMax }, discardData, command]);
    expect(trace.at(-1)).toBe('NOOP');
  }
});

test('a body begins anew behind the end of another', () => {
  const end = { kind: 'data-end', terminator: '.\r\n' };
  expectTrace('.\r\n.\r\n', [data, data], [end, end]);
  // With the whole of its limit.
  const limited = { ...data, octetsMax: 3 };
  const whole = [
    { kind: 'data', octets: 'a', received: 3 },
    { kind: 'data-end', terminator: '\r\n.\r\n' },
  ];
  expectTrace('a\r\n.\r\na\r\n.\r\n', [limited, limited], [...whole, ...whole]);
});

test('a body that was given up is not forwarded again', () => {
  const decoder = new ClientDecoder();
  decoder.setMode(discardData);
  decoder.push(octetsOf('a'));
  decoder.next();
  decoder.setMode(data);
  expect(() => decoder.next()).toThrow(ProgramFault);
});

test('a refused DATA whose body comes all the same is discarded from its start', () => {
  expectTrace(
    '.\r\nNOOP\r\n',
    [discardData, command],
    [{ kind: 'discarded', octets: 2 }, { kind: 'discard-end' }, 'NOOP'],
  );
});

test('EOD-06: the normaliser changes the body and nothing else', () => {
  expectTrace(
    'a\n.\r\nQUIT\r\n.\r\nNOOP\r\n',
    [{ kind: 'data', allowNul: false, normalise: true }, command],
    [{ kind: 'data', octets: 'a\r\n..\r\nQUIT', received: 11 }, { kind: 'data-end', terminator: '\r\n.\r\n' }, 'NOOP'],
  );
  expectTrace(
    'a\n\0b\r\n.\r\nNOOP\r\n',
    [{ kind: 'data', allowNul: false, normalise: true }, discardData, command],
    [
      { kind: 'data', octets: 'a', received: 2 },
      { kind: 'data-violation', fault: 'nul', octets: '\r\n\0' },
      { kind: 'discarded', octets: 6 },
      { kind: 'discard-end' },
      'NOOP',
    ],
  );
});

test('BD-01, BD-02: a chunk is counted, not read', () => {
  expectTrace(
    'a\r\n.\r\n..b\r\nxxQUIT\r\n',
    [{ kind: 'bdat', octets: 13 }, command],
    [{ kind: 'bdat', octets: 'a\r\n.\r\n..b\r\nxx', bare: false }, { kind: 'bdat-end' }, 'QUIT'],
  );
});

test('BD-04: a chunk of no octets ends at once', () => {
  const decoder = new ClientDecoder();
  decoder.setMode({ kind: 'bdat', octets: 0 });
  expect(decoder.next()).toEqual({ kind: 'bdat-end' });
  decoder.setMode({ kind: 'discard-bdat', octets: 0 });
  expect(decoder.next()).toEqual({ kind: 'discard-end' });
});

test.each([
  { chunk: 'a\nb', bare: true },
  { chunk: '\nab', bare: true },
  { chunk: 'a\rb', bare: true },
  { chunk: 'a\r\r\n', bare: true },
  { chunk: 'plain text of some length\r\n\tand\x0b more\nplain text', bare: true },
  { chunk: 'plain text of some length\r\n\tand\x0b more\r\nplain text', bare: false },
  { chunk: 'a\r', bare: false },
])('BD-14: $chunk holds a bare CR or LF: $bare', ({ chunk, bare }) => {
  expectTrace(
    chunk,
    [{ kind: 'bdat', octets: chunk.length }],
    [{ kind: 'bdat', octets: chunk, bare }, { kind: 'bdat-end' }],
  );
});

test.each([
  { first: 'a\r', second: '\nb', bares: [false, false] },
  { first: 'a\r', second: 'b\n', bares: [false, true] },
  { first: '\n\r', second: '\nb', bares: [true, false] },
  { first: '\ra', second: 'bb', bares: [true, false] },
])('a CRLF may be split between two chunks: $first, then $second', ({ first, second, bares: [firstBare, bare] }) => {
  expectTrace(
    `${first}${second}`,
    [
      { kind: 'bdat', octets: 2 },
      { kind: 'bdat', octets: 2 },
    ],
    [
      { kind: 'bdat', octets: first, bare: firstBare },
      { kind: 'bdat-end' },
      { kind: 'bdat', octets: second, bare },
      { kind: 'bdat-end' },
    ],
  );
});

test('BD-03: a refused chunk owns its octets', () => {
  expectTrace(
    'MAIL FROMNOOP\r\n',
    [{ kind: 'discard-bdat', octets: 9 }, command],
    [{ kind: 'discarded', octets: 9 }, { kind: 'discard-end' }, 'NOOP'],
  );
});

test('a closing session consumes everything', () => {
  expectTrace('NOOP\r\nMAIL\n', [command, { kind: 'drain' }], ['NOOP', { kind: 'discarded', octets: 5 }]);
});

test('ID-06: exactly the PROXY header is consumed, the rest is for TLS', () => {
  const header = 'PROXY TCP4 192.0.2.107 192.0.2.1 4242 465\r\n';
  for (const chunks of everyChunking(octetsOf(`${header}\x16\x03\x01`))) {
    const { trace, decoder } = decode(chunks, [{ kind: 'proxy-header' }]);
    expect(trace).toMatchObject([{ kind: 'proxy-header', header: { sourceAddress: '192.0.2.107', sourcePort: 4242 } }]);
    decoder.setMode({ kind: 'tls' });
    decoder.push(octetsOf('dropped'));
    expect(latin1Of(decoder.takeBuffered())).toBe('\x16\x03\x01');
    expect(decoder.bufferedOctets).toBe(0);
  }
});

test.each([
  { id: 'ID-02', input: 'E', octets: 'E' },
  { id: 'ID-05', input: `PROXY TCP4 ${'1'.repeat(96)}`, octets: `PROXY TCP4 ${'1'.repeat(96)}` },
])('$id: a fault shows as soon as it can', ({ input, octets }) => {
  for (const chunks of everyChunking(octetsOf(input.slice(0, -1)))) {
    expect(decode(chunks, [{ kind: 'proxy-header' }]).trace).toEqual([]);
  }
  expectTrace(input, [{ kind: 'proxy-header' }], [{ kind: 'proxy-header-fault', octets }]);
});

test('TL-01: plaintext that waits when TLS begins is never read inside it', () => {
  const decoder = new ClientDecoder();
  decoder.setMode(command);
  decoder.push(octetsOf('STARTTLS\r\nEHLO evil\r\n'));
  decoder.next();
  decoder.setMode({ kind: 'tls' });
  decoder.setMode(command);
  expect(decoder.bufferedOctets).toBe(0);
  expect(decoder.next()).toBeUndefined();
  decoder.push(octetsOf('EHLO good\r\n'));
  expect(decoder.next()).toEqual({ kind: 'line', line: octetsOf('EHLO good') });
});

test('a closed decoder keeps nothing', () => {
  const decoder = new ClientDecoder();
  decoder.push(octetsOf('NOOP'));
  decoder.setMode({ kind: 'closed' });
  decoder.push(octetsOf('NOOP'));
  expect(decoder.bufferedOctets).toBe(0);
  expect(decoder.next()).toBeUndefined();
});

const anyMode: fc.Arbitrary<ClientMode> = fc.oneof(
  fc.constantFrom<ClientMode>(
    { kind: 'stopped' },
    { kind: 'silent' },
    { kind: 'proxy-header' },
    command,
    sasl,
    discardData,
    { kind: 'drain' },
  ),
  fc.record({
    kind: fc.constant('data' as const),
    allowNul: fc.boolean(),
    normalise: fc.boolean(),
    octetsMax: fc.nat(300),
  }),
  fc.record({ kind: fc.constantFrom('bdat' as const, 'discard-bdat' as const), octets: fc.nat(150) }),
);
const anyInput = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '.',
        '\0',
        'a',
        '\r\n',
        '\r\n.\r\n',
        'AUTH ',
        'PROXY ',
        '*',
        '\x16',
        'QQ==',
        'a\rb',
        'plain\r\n'.repeat(15),
      ),
      fc.string({ unit: 'binary-ascii' }),
    ),
  )
  .map((pieces) => octetsOf(pieces.join('')));

test('in any order of modes, the units do not depend on how arbitrary octets were split', () => {
  fc.assert(
    fc.property(anyInput, fc.array(anyMode, { minLength: 1 }), fc.nat(), (input, modes, seed) => {
      const whole = decode([input], modes);
      const split = decode(randomChunking(input, seededRandom(seed)), modes);
      expect(split.trace).toEqual(whole.trace);
      expect(split.decoder.bufferedOctets).toBe(whole.decoder.bufferedOctets);
    }),
    { numRuns: 1500 },
  );
});

test('tiny pieces that wait cost no buffer each, and come out as they went in', () => {
  const decoder = new ClientDecoder();
  const line = `AUTH PLAIN ${'QUJD'.repeat(10_000)}`;
  for (const octet of octetsOf(`${line}\r\n`)) decoder.push(Uint8Array.of(octet));
  decoder.setMode(command);
  expect(decoder.next()).toEqual({ kind: 'line', line: octetsOf(line) });
});
