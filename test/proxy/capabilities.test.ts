import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type CapabilityFacts,
  effectiveCapabilities,
  keywordsOf,
  startTlsOffered,
  xclientAttributes,
} from '../../proxy/capabilities.ts';

const facts: CapabilityFacts = {
  clientTls: false,
  startTlsHere: false,
  authInClear: false,
  authenticated: false,
  bothLegsVerifiedTls: false,
  messageOctetsMax: 10_485_760,
  forwardPathsMax: 100,
  authMechanisms: undefined,
};
const overTls: CapabilityFacts = { ...facts, clientTls: true };

const reply = (...lines: string[]) => ({ code: 250, lines: ['up.example.com at your service', ...lines] });
/** The lines offered, without the greeting line and our own PIPELINING. */
const offered = (lines: readonly string[], given: CapabilityFacts = facts): readonly string[] =>
  effectiveCapabilities(reply(...lines), given)
    .lines.slice(1)
    .filter((line) => line !== 'PIPELINING');

test('the greeting line is kept, and PIPELINING is our own', () => {
  expect(effectiveCapabilities(reply(), facts).lines).toEqual(['up.example.com at your service', 'PIPELINING']);
  expect(effectiveCapabilities({ code: 250, lines: [] }, facts).lines).toEqual(['', 'PIPELINING']);
});

test('what is offered by both sides is offered, once, in the order of the server behind', () => {
  const lines = ['SMTPUTF8', 'pipelining', '8BITMIME', 'Chunking', 'BINARYMIME', 'DSN', 'ENHANCEDSTATUSCODES', 'DSN'];
  const capabilities = effectiveCapabilities(reply(...lines), facts);
  const want = ['SMTPUTF8', 'PIPELINING', '8BITMIME', 'CHUNKING', 'BINARYMIME', 'DSN', 'ENHANCEDSTATUSCODES'];
  expect(capabilities.lines.slice(1)).toEqual(want);
  expect([...capabilities.keywords]).toEqual(want);
  expect(capabilities.keywords.has('8BITMIME')).toBe(true);
});

test.each([
  // CA-01, CA-12.
  'XCLIENT NAME ADDR LOGIN',
  'XFORWARD NAME ADDR',
  'ETRN',
  'ATRN',
  'TURN',
  'BURL imap',
  'PRDR',
  'PIPECONNECT',
  'X-EXPS GSSAPI NTLM',
  'X-EXPS=LOGIN',
  'X-ANONYMOUSTLS',
  'X-LINK2STATE',
  'XEXCH50',
  'VERP',
  'NEWTHING 1',
  'FUTURERELEASE 1 2',
  'DELIVERBY 240',
  'MT-PRIORITY MIXER',
  'SUBMITTER',
  'HELP',
  'VRFY',
  'EXPN',
  // CA-13: theirs is not ours.
  'STARTTLS',
  // No keyword at all.
  '',
  '-SIZE 1',
  '8BIT\u00ccMIME',
  'D\u017fN',
  '__proto__',
  'constructor',
])('%j is not offered', (line) => {
  expect(offered([line], overTls)).toEqual([]);
  expect(offered([line, '8BITMIME'])).toEqual(['8BITMIME']);
});

test('BINARYMIME needs CHUNKING', () => {
  expect(offered(['BINARYMIME'])).toEqual([]);
  expect(offered(['BINARYMIME', 'CHUNKING'])).toEqual(['BINARYMIME', 'CHUNKING']);
});

test.each([
  // CA-03, R-77, R-78.
  { lines: ['SIZE 20971520'], size: 10_485_760 },
  { lines: ['SIZE 1000'], size: 1000 },
  { lines: ['SIZE'], size: 10_485_760 },
  { lines: ['SIZE 0'], size: 10_485_760 },
  { lines: ['SIZE 2000', 'SIZE 1000'], size: 1000 },
  { lines: ['SIZE 0', 'SIZE 1000'], size: 1000 },
  { lines: ['SIZE 1e3'], size: 10_485_760 },
  { lines: ['SIZE 99999999999999999999'], size: 10_485_760 },
  { lines: ['SIZE -1'], size: 10_485_760 },
])('$lines is offered as SIZE $size, once', ({ lines, size }) => {
  expect(offered(lines)).toEqual([`SIZE ${size}`]);
  expect(effectiveCapabilities(reply(...lines), facts).sizeOctets).toBe(size);
});

test('SIZE is not offered where the server behind has none, and the own limit holds', () => {
  const capabilities = effectiveCapabilities(reply('DSN'), facts);
  expect(capabilities.keywords.has('SIZE')).toBe(false);
  expect(capabilities.sizeOctets).toBe(10_485_760);
});

test.each([
  { given: { ...facts, startTlsHere: true }, want: true },
  { given: { ...facts, startTlsHere: true, clientTls: true }, want: false },
  { given: { ...facts, startTlsHere: true, authenticated: true }, want: false },
  { given: facts, want: false },
])('STARTTLS is offered where it would be answered: $want', ({ given, want }) => {
  expect(effectiveCapabilities(reply(), given).keywords.has('STARTTLS')).toBe(want);
  expect(effectiveCapabilities(reply('STARTTLS'), given).keywords.has('STARTTLS')).toBe(want);
});

test.each([
  { lines: ['AUTH PLAIN LOGIN'], given: overTls, want: ['AUTH PLAIN LOGIN'] },
  // TL-06.
  { lines: ['AUTH PLAIN LOGIN'], given: facts, want: [] },
  { lines: ['AUTH PLAIN LOGIN'], given: { ...facts, authInClear: true }, want: ['AUTH PLAIN LOGIN'] },
  // AU-11.
  {
    lines: ['AUTH PLAIN SCRAM-SHA-256-PLUS EXTERNAL DIGEST-MD5 GSSAPI NTLM'],
    given: overTls,
    want: ['AUTH PLAIN GSSAPI NTLM'],
  },
  { lines: ['AUTH PLAIN GSSAPI GSS-SPNEGO NTLM'], given: { ...facts, authInClear: true }, want: ['AUTH PLAIN'] },
  // AU-12: the whole family goes, lest a client takes the missing one for an attack.
  {
    lines: ['AUTH SCRAM-SHA-1 SCRAM-SHA-256', 'AUTH SCRAM-SHA-256-PLUS PLAIN'],
    given: overTls,
    want: ['AUTH PLAIN'],
  },
  { lines: ['AUTH SCRAM-SHA-1 SCRAM-SHA-256'], given: overTls, want: ['AUTH SCRAM-SHA-1 SCRAM-SHA-256'] },
  // AU-13.
  {
    lines: ['AUTH XOAUTH2 PLAIN', 'AUTH=XOAUTH2 PLAIN', '8BITMIME'],
    given: overTls,
    want: ['AUTH XOAUTH2 PLAIN', '8BITMIME'],
  },
  { lines: ['AUTH=LOGIN plain'], given: overTls, want: ['AUTH LOGIN PLAIN'] },
  { lines: ['auth=login'], given: overTls, want: ['AUTH LOGIN'] },
  { lines: ['AUTH EXTERNAL'], given: overTls, want: [] },
  { lines: ['AUTH'], given: overTls, want: [] },
  { lines: ['AUTH PLAIN PL@IN P\u013fAIN'], given: overTls, want: ['AUTH PLAIN'] },
  { lines: ['AUTH PLAIN LOGIN'], given: { ...overTls, authMechanisms: ['LOGIN', 'EXTERNAL'] }, want: ['AUTH LOGIN'] },
  { lines: ['AUTH EXTERNAL'], given: { ...overTls, authMechanisms: ['EXTERNAL'] }, want: [] },
])('$lines is offered as $want', ({ lines, given, want }) => {
  expect(offered(lines, given)).toEqual(want);
  const { keywords, mechanisms } = effectiveCapabilities(reply(...lines), given);
  expect(keywords.has('AUTH')).toBe(mechanisms.size > 0);
});

test.each([
  // CA-10.
  { line: 'LIMITS RCPTMAX=500 MAILMAX=20', want: ['LIMITS RCPTMAX=100 MAILMAX=20'] },
  { line: 'LIMITS rcptmax=50', want: ['LIMITS RCPTMAX=50'] },
  { line: 'LIMITS RCPTMAX=50 RCPTMAX=40', want: ['LIMITS RCPTMAX=40'] },
  { line: 'LIMITS RCPTDOMAINMAX=1 NEWMAX=3', want: ['LIMITS RCPTDOMAINMAX=1'] },
  { line: 'LIMITS RCPTMAX=0', want: [] },
  { line: 'LIMITS RCPTMAX=x MAILMAX', want: [] },
  { line: 'LIMITS', want: [] },
])('$line is offered as $want', ({ line, want }) => {
  expect(offered([line])).toEqual(want);
});

test('REQUIRETLS needs TLS on both legs and a verified server', () => {
  expect(offered(['REQUIRETLS'], overTls)).toEqual([]);
  expect(offered(['REQUIRETLS'], { ...overTls, bothLegsVerifiedTls: true })).toEqual(['REQUIRETLS']);
});

test('keywords are read as the server behind lists them', () => {
  const keywords = keywordsOf(reply('XCLIENT name  ADDR\tPORT', 'starttls', 'SIZE 10', 'SIZE 20', 'AUTH=PLAIN'));
  expect([...keywords]).toEqual([
    ['XCLIENT', 'name ADDR PORT'],
    ['STARTTLS', ''],
    ['SIZE', '10 20'],
    ['AUTH', 'PLAIN'],
  ]);
  expect(startTlsOffered(keywords)).toBe(true);
  expect([...xclientAttributes(keywords)]).toEqual(['NAME', 'ADDR', 'PORT']);
  expect(startTlsOffered(keywordsOf(reply()))).toBe(false);
  expect(xclientAttributes(keywordsOf(reply())).size).toBe(0);
});

test('the greeting line is no extension', () => {
  expect(keywordsOf({ code: 250, lines: ['STARTTLS'] }).size).toBe(0);
});

test('whatever a server lists, only what is known is offered', () => {
  const known = [
    'SIZE',
    '8BITMIME',
    'SMTPUTF8',
    'DSN',
    'ENHANCEDSTATUSCODES',
    'CHUNKING',
    'BINARYMIME',
    'AUTH',
    'LIMITS',
  ];
  const word = fc.oneof(
    fc.constantFrom(...known, 'PLAIN', '5', 'RCPTMAX=7', 'AUTH=LOGIN', '='),
    fc.string({ unit: 'binary' }),
  );
  const line = fc.array(word, { maxLength: 4 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const capabilities = effectiveCapabilities(reply(...lines), overTls);
      for (const keyword of capabilities.keywords) expect([...known, 'PIPELINING']).toContain(keyword);
      expect(capabilities.lines).toHaveLength(capabilities.keywords.size + 1);
      for (const each of capabilities.lines.slice(1)) expect(each).toMatch(/^[A-Z0-9]+( [A-Z0-9_=-]+)*$/);
    }),
  );
});
