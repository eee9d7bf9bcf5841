import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkParameters, declaredSize, type Parameter, parseParameters } from '../../proxy/parameters.ts';

const everything: ReadonlySet<string> = new Set([
  'SIZE',
  '8BITMIME',
  'BINARYMIME',
  'SMTPUTF8',
  'DSN',
  'AUTH',
  'REQUIRETLS',
]);

function parsed(text: string): readonly Parameter[] {
  const parameters = parseParameters(text);
  expect(parameters.ok).toBe(true);
  return parameters.ok ? parameters.value : [];
}

/** Code and enhanced code of the fault; `ok` where there is none. */
function judged(verb: 'MAIL' | 'RCPT', text: string, offered: ReadonlySet<string> = everything): string {
  const reply = checkParameters(verb, parsed(text), offered)?.reply;
  return reply === undefined ? 'ok' : `${reply.code} ${reply.enhanced}`;
}

test('parameters keep order, case and spelling', () => {
  expect(parsed(' size=10 \t Body=8bitmime  SMTPUTF8\tFOO= BAR=a=b ')).toEqual([
    { keyword: 'size', value: '10' },
    { keyword: 'Body', value: '8bitmime' },
    { keyword: 'SMTPUTF8', value: undefined },
    { keyword: 'FOO', value: '' },
    { keyword: 'BAR', value: 'a=b' },
  ]);
  expect(parsed('')).toEqual([]);
});

test.each(['=1', ' =', 'SIZE=1\x0b', 'A\x00B', 'X=\x7f', 'X=\x85', '\u017fIZE=1', '\u00e9'])(
  '%j cannot be taken apart',
  (text) => {
    expect(parseParameters(text)).toMatchObject({ ok: false, error: { reply: { code: 501, enhanced: '5.5.4' } } });
  },
);

test.each([
  ['', 'ok'],
  [`SIZE=1000 BODY=8BITMIME RET=HDRS ENVID=${'Q'.repeat(100)} AUTH=${'x'.repeat(400)}`, 'ok'],
  ['size=0', 'ok'],
  ['SIZE=9007199254740991', 'ok'],
  // EN-13.
  ['SIZE=9007199254740992', '552 5.3.4'],
  ['SIZE=abc', '501 5.5.4'],
  ['SIZE=-1', '501 5.5.4'],
  ['SIZE=', '501 5.5.4'],
  ['SIZE', '501 5.5.4'],
  ['BODY=7bit', 'ok'],
  ['BODY=BinaryMime', 'ok'],
  ['BODY=8BIT', '501 5.5.4'],
  ['BODY', '501 5.5.4'],
  ['BODY=B\u0131NARYMIME', '501 5.5.4'],
  ['SMTPUTF8', 'ok'],
  ['SMTPUTF8=', '501 5.5.4'],
  ['SMTPUTF8=yes', '501 5.5.4'],
  ['RET=full', 'ok'],
  ['RET=BODY', '501 5.5.4'],
  ['RET', '501 5.5.4'],
  // EN-12.
  ['ENVID=X400:+20[/x]', 'ok'],
  [`ENVID=${'e'.repeat(300)}`, 'ok'],
  // EN-11.
  ['ENVID=a+0D+0Ab', '501 5.5.4'],
  ['ENVID=a+09b', '501 5.5.4'],
  ['ENVID=a+E9b', '501 5.5.4'],
  ['ENVID=a+0', '501 5.5.4'],
  ['ENVID=', '501 5.5.4'],
  // AU-16.
  ['AUTH=<>', 'ok'],
  ['AUTH=e+3Dmc2@example.com', 'ok'],
  ['AUTH=a+0Ab', '501 5.5.4'],
  ['AUTH=a=b', '501 5.5.4'],
  ['AUTH=', '501 5.5.4'],
  ['AUTH', '501 5.5.4'],
  ['REQUIRETLS', 'ok'],
  ['REQUIRETLS=1', '501 5.5.4'],
  ['SIZE=1 SIZE=1', '501 5.5.4'],
  ['SIZE=1 size=2', '501 5.5.4'],
  ['FOO=1', '555 5.5.4'],
  ['NOTIFY=NEVER', '555 5.5.4'],
  ['PRDR', '555 5.5.4'],
  ['HOLDFOR=10', '555 5.5.4'],
  ['BY=120;R', '555 5.5.4'],
  ['MT-PRIORITY=3', '555 5.5.4'],
  ['__proto__=1', '555 5.5.4'],
  ['constructor', '555 5.5.4'],
])('MAIL with %j: %s', (text, want) => {
  expect(judged('MAIL', text)).toBe(want);
});

test.each([
  ['NOTIFY=NEVER', 'ok'],
  ['notify=never', 'ok'],
  ['NOTIFY=SUCCESS,FAILURE', 'ok'],
  ['NOTIFY=SUCCESS,DELAY,FAILURE', 'ok'],
  ['NOTIFY=NEVER,DELAY', '501 5.5.4'],
  ['NOTIFY=SUCCESS,', '501 5.5.4'],
  ['NOTIFY=ALWAYS', '501 5.5.4'],
  ['NOTIFY=', '501 5.5.4'],
  ['NOTIFY', '501 5.5.4'],
  ['ORCPT=rfc822;root', 'ok'],
  [`ORCPT=rfc822;${'r'.repeat(500)}@example.com`, 'ok'],
  ['ORCPT=RFC822;b+2Bc@example.com', 'ok'],
  ['ORCPT=x400;/c=+20', '501 5.5.4'],
  ['ORCPT=utf-8;b\u00fccher@example.com', 'ok'],
  ['ORCPT=utf-8;b\\x{FC}cher@example.com', 'ok'],
  ['ORCPT=rfc822;b\u00fccher@example.com', '501 5.5.4'],
  ['ORCPT=rfc822;b+0D+0ARSET@example.com', '501 5.5.4'],
  ['ORCPT=rfc822;b+0d+0aRSET@example.com', '501 5.5.4'],
  ['ORCPT=rfc822;b+7F@example.com', '501 5.5.4'],
  ['ORCPT=utf-8;b+0D+0ARSET@example.com', '501 5.5.4'],
  ['ORCPT=UTF-8;b\\x{D}\\x{a}RSET@example.com', '501 5.5.4'],
  ['ORCPT=root', '501 5.5.4'],
  ['ORCPT=rfc822;', '501 5.5.4'],
  ['ORCPT=;root', '501 5.5.4'],
  ['ORCPT', '501 5.5.4'],
  ['SIZE=1', '555 5.5.4'],
  ['FOO=bar', '555 5.5.4'],
  ['__proto__=1', '555 5.5.4'],
])('RCPT with %j: %s', (text, want) => {
  expect(judged('RCPT', text)).toBe(want);
});

test.each([
  { verb: 'MAIL', text: 'SIZE=1', offers: 'SIZE' },
  { verb: 'MAIL', text: 'BODY=8BITMIME', offers: '8BITMIME' },
  { verb: 'MAIL', text: 'BODY=7BIT', offers: '8BITMIME' },
  { verb: 'MAIL', text: 'BODY=BINARYMIME', offers: 'BINARYMIME' },
  { verb: 'MAIL', text: 'SMTPUTF8', offers: 'SMTPUTF8' },
  { verb: 'MAIL', text: 'RET=FULL', offers: 'DSN' },
  { verb: 'MAIL', text: 'ENVID=x', offers: 'DSN' },
  { verb: 'MAIL', text: 'AUTH=<>', offers: 'AUTH' },
  { verb: 'MAIL', text: 'REQUIRETLS', offers: 'REQUIRETLS' },
  { verb: 'RCPT', text: 'NOTIFY=NEVER', offers: 'DSN' },
  { verb: 'RCPT', text: 'ORCPT=rfc822;x', offers: 'DSN' },
] as const)('$verb $text is only good where $offers was offered', ({ verb, text, offers }) => {
  expect(judged(verb, text, new Set([offers]))).toBe('ok');
  // CA-04, CA-08: an extension that was not offered, HELO.
  expect(judged(verb, text, new Set())).toBe('555 5.5.4');
});

test('each body type needs its own extension', () => {
  expect(judged('MAIL', 'BODY=BINARYMIME', new Set(['8BITMIME']))).toBe('555 5.5.4');
  expect(judged('MAIL', 'BODY=8BITMIME', new Set(['BINARYMIME']))).toBe('555 5.5.4');
});

test('a non-ASCII original recipient needs SMTPUTF8', () => {
  expect(judged('RCPT', 'ORCPT=utf-8;b\u00fccher@example.com', new Set(['DSN']))).toBe('501 5.5.4');
});

test('an own property of every object is no keyword', () => {
  for (const name of Object.getOwnPropertyNames(Object.prototype)) expect(judged('MAIL', name)).toBe('555 5.5.4');
});

test.each([
  ['SIZE=1000', 1000],
  ['BODY=7BIT size=5', 5],
  ['SIZE=abc', undefined],
  ['SIZE=9007199254740992', undefined],
  ['SIZE', undefined],
  ['', undefined],
])('%j declares %j octets', (text, want) => {
  expect(declaredSize(parsed(text))).toBe(want);
});

test('whatever is taken apart can be put together', () => {
  const word = fc.string({ unit: fc.constantFrom(...'aZ0-=+;<>\u00e9"\\_'), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      const parameters = parseParameters(words.join(' '));
      if (!parameters.ok) return;
      const joined = parameters.value.map(({ keyword, value }) =>
        value === undefined ? keyword : `${keyword}=${value}`,
      );
      expect(joined).toEqual(words);
      checkParameters('MAIL', parameters.value, everything);
      checkParameters('RCPT', parameters.value, everything);
    }),
  );
});
