import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProgramFault } from '../../lib/assert.ts';
import {
  type Command,
  HELO_NAME_OCTETS_MAX,
  hasNonAscii,
  parseCommand,
  type SyntaxFault,
  serialiseCommand,
} from '../../proxy/command.ts';

const octets = (line: string): Uint8Array => Buffer.from(line, 'latin1');
const parse = (line: string) => parseCommand(octets(line));

/** What the server behind gets for a line, one character an octet; the code of the refusal where it gets nothing. */
function sent(line: string): string {
  const parsed = parse(line);
  if (parsed.ok) return Buffer.from(serialiseCommand(parsed.value)).toString('latin1');
  const { code, enhanced } = parsed.error.reply;
  return `${code} ${enhanced}`;
}

function faultOf(line: string): SyntaxFault {
  const parsed = parse(line);
  expect(parsed.ok, line).toBe(false);
  if (parsed.ok) throw new Error('not a fault');
  return parsed.error;
}

function commandOf(line: string): Command {
  const parsed = parse(line);
  expect(parsed.ok, line).toBe(true);
  if (!parsed.ok) throw new Error('not a command');
  return parsed.value;
}

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

test.each([
  ['EHLO c.example.com', 'EHLO c.example.com\r\n'],
  ['helo  [192.0.2.1]\t', 'HELO [192.0.2.1]\r\n'],
  ['EHLO my pc', 'EHLO my pc\r\n'],
  // LF-14: the verb is ours, the address is the client's.
  ['mAiL fRoM:<A@Example.COM>', 'MAIL FROM:<A@Example.COM>\r\n'],
  ['MAIL FROM:<>', 'MAIL FROM:<>\r\n'],
  // LF-11.
  ['MAIL\tFROM:<a@example.com>', 'MAIL FROM:<a@example.com>\r\n'],
  // EN-03, R-83.
  ['MAIL FROM: <a@example.com>', 'MAIL FROM:<a@example.com>\r\n'],
  ['MAIL FROM:<a@example.com>  SIZE=1\tbody=8BITMIME  ', 'MAIL FROM:<a@example.com> SIZE=1 body=8BITMIME\r\n'],
  ['MAIL FROM:<a@example.com> FOO=', 'MAIL FROM:<a@example.com> FOO=\r\n'],
  ['rcpt to:<Postmaster>', 'RCPT TO:<Postmaster>\r\n'],
  ['RCPT TO:<b@[IPv6:2001:db8::1]>', 'RCPT TO:<b@[IPv6:2001:db8::1]>\r\n'],
  ['RCPT TO:<@r.example,@x.example:b@example.com>', 'RCPT TO:<@r.example,@x.example:b@example.com>\r\n'],
  // EN-04.
  [
    'RCPT TO:<"x@other.example> ORCPT=rfc822;admin@other.example"@example.com>',
    'RCPT TO:<"x@other.example> ORCPT=rfc822;admin@other.example"@example.com>\r\n',
  ],
  //
  [
    'RCPT TO:<b@example.com> ORCPT=rfc822;root NOTIFY=SUCCESS,FAILURE',
    'RCPT TO:<b@example.com> ORCPT=rfc822;root NOTIFY=SUCCESS,FAILURE\r\n',
  ],
  [
    utf8('MAIL FROM:<gr\u00fc\u00df@\u65e5\u672c.example> SMTPUTF8'),
    utf8('MAIL FROM:<gr\u00fc\u00df@\u65e5\u672c.example> SMTPUTF8\r\n'),
  ],
  [
    utf8('RCPT TO:<b@example.com> ORCPT=utf-8;\u00fc@example.com'),
    utf8('RCPT TO:<b@example.com> ORCPT=utf-8;\u00fc@example.com\r\n'),
  ],
  // LF-12, R-88.
  ['DATA ', 'DATA\r\n'],
  ['RSET  ', 'RSET\r\n'],
  ['QUIT \t', 'QUIT\r\n'],
  ['starttls', 'STARTTLS\r\n'],
  ['NOOP', 'NOOP\r\n'],
  ['NOOP anything \x01\xff', 'NOOP\r\n'],
  ['VRFY alice', 'VRFY\r\n'],
  ['EXPN staff', 'EXPN\r\n'],
  ['HELP MAIL', 'HELP\r\n'],
  ['bdat 13 last', 'BDAT 13 LAST\r\n'],
  ['BDAT\t0  LAST ', 'BDAT 0 LAST\r\n'],
  ['BDAT 007', 'BDAT 7\r\n'],
  ['BDAT 9007199254740991', 'BDAT 9007199254740991\r\n'],
  // AU-01, AU-04, LG-02.
  ['AUTH PLAIN AGEAYg==', 'AUTH PLAIN AGEAYg==\r\n'],
  ['auth plain AGEAYg==', 'AUTH PLAIN AGEAYg==\r\n'],
  ['AUTH\tPLAIN\tAGEAYg==', 'AUTH PLAIN AGEAYg==\r\n'],
  ['AUTH  PLAIN   AGEAYg== ', 'AUTH PLAIN AGEAYg==\r\n'],
  ['AUTH PLAIN =', 'AUTH PLAIN =\r\n'],
  ['AUTH LOGIN', 'AUTH LOGIN\r\n'],
  ['AUTH UNKNOWN c2VjcmV0', 'AUTH UNKNOWN c2VjcmV0\r\n'],
])('%j goes on as %j', (line, want) => {
  expect(sent(line)).toBe(want);
});

test('long parameters and long tokens go on whole', () => {
  const mail = `MAIL FROM:<a@example.com> SIZE=1000 BODY=8BITMIME RET=HDRS ENVID=${'Q'.repeat(100)} AUTH=${'x'.repeat(400)}`;
  expect(sent(mail)).toBe(`${mail}\r\n`);
  const rcpt = `RCPT TO:<${'l'.repeat(300)}@example.com> ORCPT=rfc822;${'r'.repeat(500)}`;
  expect(sent(rcpt)).toBe(`${rcpt}\r\n`);
  const auth = `AUTH XOAUTH2 ${'QUJD'.repeat(1000)}`;
  expect(sent(auth)).toBe(`${auth}\r\n`);
});

test.each([
  ['', '500 5.5.2'],
  [' ', '500 5.5.2'],
  [' NOOP', '500 5.5.2'],
  ['FOO bar', '500 5.5.2'],
  ['NOOPS', '500 5.5.2'],
  ['STARTTLSx', '500 5.5.2'],
  ['XADR b@example.com', '500 5.5.2'],
  // LF-09: compared as octets.
  [utf8('\u017fTARTTLS'), '500 5.5.2'],
  [utf8('\u212aELO x'), '500 5.5.2'],
  // LF-10, LF-11.
  ['DATA\xa0', '500 5.5.2'],
  ['\ufeffDATA', '500 5.5.2'],
  ['DATA\x0b', '500 5.5.2'],
  ['MAIL\x0bFROM:<a@example.com>', '500 5.5.2'],
  ['MAIL\x0cFROM:<a@example.com>', '500 5.5.2'],
  ['MAIL\xa0FROM:<a@example.com>', '500 5.5.2'],
  // ND-03.
  ['constructor', '500 5.5.2'],
  ['__proto__ x', '500 5.5.2'],
  ['toString', '500 5.5.2'],
  // LF-13.
  ['DATA x', '501 5.5.4'],
  ['RSET foo', '501 5.5.4'],
  ['QUIT now', '501 5.5.4'],
  ['STARTTLS x', '501 5.5.4'],
  ['DATA \x0b', '501 5.5.4'],
  // LF-06.
  ['RCPT TO:<b@example.com\0.example.net>', '501 5.5.2'],
  ['\0', '501 5.5.2'],
  ['NOOP \0', '501 5.5.2'],
  ['EHLO', '501 5.5.4'],
  ['HELO  ', '501 5.5.4'],
  ['EHLO a\x1b[2Jb\x0bc', '501 5.5.4'],
  ['EHLO a\tb', '501 5.5.4'],
  ['EHLO \xc3\xa9.example', '501 5.5.4'],
  ['EHLO x\xa0', '501 5.5.4'],
  ['MAIL', '501 5.5.4'],
  ['MAIL FROM', '501 5.5.4'],
  ['MAIL FROM:', '501 5.5.4'],
  ['MAIL TO:<a@example.com>', '501 5.5.4'],
  ['MAIL FROM :<a@example.com>', '501 5.5.4'],
  ['MAIL FROM:a@example.com', '501 5.5.4'],
  ['MAIL FROM:<a@example.com>SIZE=1', '501 5.5.4'],
  ['MAIL FROM:<a@example.com> =1', '501 5.5.4'],
  ['MAIL FROM:<root>', '501 5.1.7'],
  ['MAIL FROM:<a@>', '501 5.1.7'],
  ['MAIL FROM:<"a\x07b"@example.com>', '501 5.1.7'],
  ['RCPT TO:b@example.com', '501 5.5.4'],
  ['RCPT TO:<>', '501 5.1.3'],
  ['RCPT TO:<root>', '501 5.1.3'],
  ['RCPT TO:<"victim%other.example">', '501 5.1.3'],
  // EN-07, EN-09.
  ['RCPT TO:<x@example.com@>', '501 5.1.3'],
  ['RCPT TO:<x@>', '501 5.1.3'],
  ['RCPT TO:<@example.com>', '501 5.1.3'],
  ['RCPT TO:<x@exa mple.com>', '501 5.1.3'],
  ['RCPT TO:<x@.example.com>', '501 5.1.3'],
  ['RCPT TO:<x@example..com>', '501 5.1.3'],
  ['RCPT TO:<b@[192.0.2.999]>', '501 5.1.3'],
  ['RCPT TO:<b@[IPv6:zz]>', '501 5.1.3'],
  // LF-08.
  ['MAIL FROM:<\xff\xfe@example.com> SMTPUTF8', '501 5.5.2'],
  ['RCPT TO:<\xc0\xaf@example.com>', '501 5.5.2'],
  ['RCPT TO:<\xed\xa0\x80@example.com>', '501 5.5.2'],
  ['AUTH', '501 5.5.4'],
  ['AUTH =', '501 5.5.4'],
  ['AUTH PLAIN AGEAYg== x', '501 5.5.4'],
  [`AUTH ${'A'.repeat(21)}`, '501 5.5.4'],
  ['AUTH PLAIN alice', '501 5.5.2'],
  ['AUTH PLAIN *', '501 5.5.2'],
  ['AUTH PLAIN \xc3\xa9==', '501 5.5.2'],
  // EN-16, PV-06.
  ['SEND FROM:<a@example.com>', '502 5.5.1'],
  ['SOML FROM:<a@example.com>', '502 5.5.1'],
  ['saml FROM:<a@example.com>', '502 5.5.1'],
  ['TURN', '502 5.5.1'],
  ['ATRN example.com', '502 5.5.1'],
  ['ETRN example.com', '502 5.5.1'],
])('%j gets %s', (line, want) => {
  expect(sent(line)).toBe(want);
  expect(faultOf(line).close).toBe(false);
});

test('the name in EHLO is kept up to its limit', () => {
  expect(commandOf(`EHLO ${'n'.repeat(HELO_NAME_OCTETS_MAX)}`)).toMatchObject({ verb: 'EHLO' });
  expect(sent(`EHLO ${'n'.repeat(HELO_NAME_OCTETS_MAX + 1)}`)).toBe('501 5.5.4');
});

test.each([
  'BDAT',
  'BDAT  ',
  'BDAT -1',
  'BDAT +5',
  'BDAT 0x10 LAST',
  'BDAT 1e3',
  'BDAT 5 X',
  'BDAT 5 LAST Z',
  'BDAT 5 LASTX',
  'BDAT 5LAST',
  'BDAT LAST',
  'BDAT 12abc',
  'BDAT 1.0',
  'BDAT 9007199254740992',
  'BDAT 18446744073709551617 LAST',
  'BDAT 5\x0bLAST',
  `BDAT 5 LA${utf8('\u017f')}T`,
])('a chunk of unknown size ends the session: %j', (line) => {
  expect(faultOf(line)).toMatchObject({
    verb: 'BDAT',
    rule: 'protocol.bdat-framing',
    reply: { code: 501, enhanced: '5.5.4' },
    close: true,
    anomaly: 'bdat-framing',
  });
});

test.each([
  { line: 'POST / HTTP/1.1', rule: 'protocol.http', code: 554, close: true, anomaly: 'http-on-smtp' },
  { line: 'get / HTTP/1.0', rule: 'protocol.http', code: 554, close: true, anomaly: 'http-on-smtp' },
  {
    line: 'CONNECT mx.example.com:25 HTTP/1.1',
    rule: 'protocol.http',
    code: 554,
    close: true,
    anomaly: 'http-on-smtp',
  },
  { line: 'OPTIONS * HTTP/1.1', rule: 'protocol.http', code: 554, close: true, anomaly: 'http-on-smtp' },
  { line: 'PRI * HTTP/2.0', rule: 'protocol.http', code: 554, close: true, anomaly: 'http-on-smtp' },
  { line: 'Host: mx.example.com', rule: 'protocol.desync', code: 554, close: true, anomaly: 'desync-suspected' },
  { line: 'Subject: hello', rule: 'protocol.desync', code: 554, close: true, anomaly: 'desync-suspected' },
  { line: 'X-Spam:yes', rule: 'protocol.desync', code: 554, close: true, anomaly: 'desync-suspected' },
  { line: 'FROM:<a@example.com>', rule: 'protocol.desync', code: 554, close: true, anomaly: 'desync-suspected' },
  {
    line: 'PROXY TCP4 192.0.2.209 192.0.2.1 1 25',
    rule: 'protocol.proxy-header',
    code: 554,
    close: true,
    anomaly: 'proxy-repeat',
  },
  {
    line: 'XCLIENT ADDR=127.0.0.1 LOGIN=admin',
    rule: 'protocol.private-verb',
    code: 502,
    close: false,
    anomaly: 'xclient-from-client',
  },
  {
    line: 'xforward ADDR=192.0.2.9',
    rule: 'protocol.private-verb',
    code: 502,
    close: false,
    anomaly: 'xclient-from-client',
  },
  { line: 'XEXCH50 12 2', rule: 'protocol.private-verb', code: 500, close: false, anomaly: 'private-verb' },
  { line: 'X-EXPS NTLM', rule: 'protocol.private-verb', code: 500, close: false, anomaly: 'private-verb' },
  { line: 'X-ANONYMOUSTLS', rule: 'protocol.private-verb', code: 500, close: false, anomaly: 'private-verb' },
  { line: 'X-LINK2STATE FIRST CHUNK', rule: 'protocol.private-verb', code: 500, close: false, anomaly: 'private-verb' },
  { line: 'BURL imap://x LAST', rule: 'protocol.private-verb', code: 500, close: false, anomaly: 'private-verb' },
  { line: 'NOOP \0', rule: 'protocol.syntax', code: 501, close: false, anomaly: 'nul' },
  { line: 'MAIL FROM:<\xff@example.com>', rule: 'protocol.syntax', code: 501, close: false, anomaly: 'malformed-utf8' },
  { line: 'FOO bar', rule: 'protocol.unknown-verb', code: 500, close: false, anomaly: undefined },
  { line: ': x', rule: 'protocol.unknown-verb', code: 500, close: false, anomaly: undefined },
  { line: 'caf\xe9: x', rule: 'protocol.unknown-verb', code: 500, close: false, anomaly: undefined },
  { line: 'TURN', rule: 'protocol.not-available', code: 502, close: false, anomaly: undefined },
  { line: 'MAIL FROM:<a@example.com> =1', rule: 'protocol.parameter', code: 501, close: false, anomaly: undefined },
])('$line is $rule', ({ line, rule, code, close, anomaly }) => {
  const fault = faultOf(line);
  expect(fault).toMatchObject({ rule, close, reply: { code } });
  expect(fault.anomaly).toBe(anomaly);
});

test.each([
  ['RCPT TO:<b@example.com', 'RCPT'],
  ['rcpt \0', 'RCPT'],
  ['DATA x', 'DATA'],
  ['FOO', '?'],
  ['\0', '?'],
])('the verb of %j is %s', (line, verb) => {
  expect(faultOf(line).verb).toBe(verb);
});

test.each([
  'AUTH',
  'auth plain alice secret',
  'AUTH\tPLAIN\talice',
  'AUTH PLAIN s3cr3t',
  'AUTH=PLAIN AGEAYg==',
  'Auth:PLAIN AGEAYg==',
  ' AUTH PLAIN AGEAYg==',
  'AUTH\x0bPLAIN AGEAYg==',
  'AUTH\xa0PLAIN AGEAYg==',
  'AUTH PLAIN\0AGEAYg==',
  'AUTH\0PLAIN AGEAYg==',
  'AUTHINFO PASS s3cr3t',
  'X-EXPS LOGIN YWxpY2U=',
  'PASS s3cr3t',
  // The responses of a client that did not wait for the reply to AUTH LOGIN.
  'YWxpY2U=',
  'czNjcjN0',
])('nothing of %j may be recorded', (line) => {
  expect(faultOf(line).secret).toBe(true);
});

test.each(['FOO bar', 'MAIL FROM:<a@example.com', 'PASSENGER x', 'Subject: auth', 'EHLO', '', 'YWxpY2U'])(
  '%j is no secret',
  (line) => {
    expect(faultOf(line).secret).toBe(false);
  },
);

test('an AUTH command shows nothing of its response', () => {
  const command = commandOf('AUTH PLAIN AGFsaWNlAHMzY3IzdA==');
  expect(JSON.stringify(command)).toBe('{"verb":"AUTH","mechanism":"PLAIN","initialResponse":"[redacted 20]"}');
});

test('a path tells whether it needs SMTPUTF8', () => {
  const pathOf = (line: string): boolean => {
    const command = commandOf(line);
    if (command.verb === 'MAIL') return hasNonAscii(command.reversePath);
    return command.verb === 'RCPT' && hasNonAscii(command.forwardPath);
  };
  expect(pathOf(utf8('MAIL FROM:<\u00e9@example.com>'))).toBe(true);
  expect(pathOf(utf8('RCPT TO:<a@\u00e9.example>'))).toBe(true);
  expect(pathOf('MAIL FROM:<>')).toBe(false);
  expect(pathOf('RCPT TO:<postmaster>')).toBe(false);
  expect(pathOf(utf8('RCPT TO:<b@example.com> ORCPT=utf-8;\u00fc'))).toBe(false);
});

test('a byte order mark is a character like any other', () => {
  const line = utf8('MAIL FROM:<\ufeffa@example.com>');
  expect(sent(line)).toBe(`${line}\r\n`);
  expect(sent(utf8('MAIL \ufeffFROM:<a@example.com>'))).toBe('501 5.5.4');
});

test('a line end in a line, or in a command, is a fault of the program', () => {
  expect(() => parse('NOOP\r')).toThrow(ProgramFault);
  expect(() => parse('NOOP\nRSET')).toThrow(ProgramFault);
  expect(() => serialiseCommand({ verb: 'EHLO', name: 'a\r\nRSET' })).toThrow(ProgramFault);
  expect(() => serialiseCommand({ verb: 'AUTH', mechanism: 'PLAIN\r\nRSET', initialResponse: undefined })).toThrow(
    ProgramFault,
  );
});

const anyOctets = fc.uint8Array({ maxLength: 120 }).map((each) => each.filter((octet) => octet !== 13 && octet !== 10));
const pieces = fc.constantFrom(
  ...[
    'MAIL',
    'FROM:',
    'RCPT',
    'TO:',
    'EHLO',
    'BDAT',
    'AUTH',
    'PLAIN',
    'LAST',
    'DATA',
    ' ',
    ' ',
    ' ',
    '\t',
    '<',
    '>',
    '@',
    '.',
  ],
  ...[
    '"',
    '\\',
    'a',
    'example.com',
    '[192.0.2.1]',
    '[IPv6:::1]',
    ',',
    ':',
    '=',
    'SIZE',
    '12',
    'YQ==',
    '\0',
    '\x0b',
    '\xc3\xa9',
  ],
);
const almostCommands = fc
  .oneof(
    fc.array(pieces, { maxLength: 14 }).map((each) => each.join('')),
    fc.array(pieces, { maxLength: 8 }).map((each) => `MAIL FROM:<${each.join('')}> SIZE=1`),
    fc.array(pieces, { maxLength: 8 }).map((each) => `RCPT TO:<${each.join('')}@example.com>`),
  )
  .map(octets);

test('any line is a command or a whole fault, and what goes on is one line that reads the same', () => {
  fc.assert(
    fc.property(fc.oneof(anyOctets, almostCommands), (line) => {
      const parsed = parseCommand(line);
      if (!parsed.ok) {
        expect(parsed.error.reply.code).toBeGreaterThanOrEqual(500);
        expect(parsed.error.reply.enhanced).toMatch(/^5\.\d\.\d$/);
        return;
      }
      const whole = serialiseCommand(parsed.value);
      const text = Buffer.from(whole).toString('latin1');
      expect(text).toMatch(/^[A-Z]+[^\r\n\0]*\r\n$/);
      const again = parseCommand(whole.subarray(0, -2));
      expect(again).toEqual(parsed);
      expect(again.ok && serialiseCommand(again.value)).toEqual(whole);
    }),
    { numRuns: 5000 },
  );
});

const adversarial: readonly [string, string][] = [
  ['atoms and at signs', `RCPT TO:<${'a.'.repeat(1000)}${'@'.repeat(20)}`],
  ['quoted pairs', `MAIL FROM:<${'"\\'.repeat(500)}`],
  ['quotes', `MAIL FROM:<${'"'.repeat(2000)}>`],
  ['dots', `RCPT TO:<a@${'.'.repeat(2000)}>`],
  ['labels', `RCPT TO:<a@${'a-'.repeat(1000)}>`],
  ['a route', `RCPT TO:<${'@a,'.repeat(650)}:b@example.com>`],
  ['literals', `RCPT TO:<a@[IPv6:${':'.repeat(1900)}]>`],
  ['groups', `RCPT TO:<a@[IPv6:${'0:'.repeat(950)}]>`],
  ['blanks', `MAIL FROM:<a@example.com>${' '.repeat(2000)}x`],
  ['trailing blanks', `NOOP${' '.repeat(2000)}`],
  ['parameters', `MAIL FROM:<a@example.com>${' A=='.repeat(500)}`],
  ['xtext', `RCPT TO:<a@example.com> ORCPT=utf-8;${'\\x{'.repeat(600)}`],
  ['non-ASCII labels', utf8(`RCPT TO:<a@${'\u00e9.'.repeat(600)}example>`)],
  ['one non-ASCII label', utf8(`RCPT TO:<a@${'\u00e9'.repeat(950)}>`)],
  ['digits', `BDAT ${'9'.repeat(2000)}`],
  ['base64', `AUTH PLAIN ${'A'.repeat(2000)}!`],
  ['colons', ':'.repeat(2000)],
];

test.each(adversarial)('DO-08: %s cost no time', (_, line) => {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const startedMs = performance.now();
    parseCommand(octets(line));
    times.push(performance.now() - startedMs);
  }
  expect(Math.min(...times)).toBeLessThan(5);
});
