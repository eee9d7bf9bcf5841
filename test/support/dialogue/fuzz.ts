import fc from 'fast-check';
import type { Answer, Dialogue, Setting, Step, Write } from './dialogue.ts';
import { fromLatin1, show } from './octets.ts';
import { parseDialogues } from './parse-dialogue.ts';

/** Pieces that hostile and clumsy clients send. */
const clientPieces: readonly string[] = [
  'EHLO c.example.com\r\n',
  'HELO c.example.com\r\n',
  'MAIL FROM:<a@example.com>\r\n',
  'MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n',
  'RCPT TO:<b@example.com>\r\n',
  'RCPT TO:<x@elsewhere.example>\r\n',
  'DATA\r\n',
  'BDAT 3\r\nabc',
  'BDAT 2 LAST\r\n.\r',
  'BDAT 0 LAST\r\n',
  'BDAT 9\r\nab',
  'BDAT x\r\n',
  'RSET\r\n',
  'NOOP\r\n',
  'QUIT\r\n',
  'VRFY x\r\n',
  'STARTTLS\r\n',
  'AUTH PLAIN AGEAYg==\r\n',
  'AUTH LOGIN\r\n',
  'YWxpY2U=\r\n',
  '*\r\n',
  '.\r\n',
  '\r\n.\r\n',
  '\n.\n',
  '\r.\r',
  '..\r\n',
  'text\r\n',
  'text',
  '\r',
  '\n',
  '\0',
  '\xff',
  ' ',
  'XCLIENT ADDR=127.0.0.1\r\n',
  'GET / HTTP/1.1\r\n',
  'PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n',
  '\x16\x03\x01\x00\x05',
  `${'x'.repeat(3000)}\r\n`,
];

/** What a broken or hostile server may say instead of its answer. */
const serverPieces: readonly string[] = [
  '220 go\r\n',
  '235 in\r\n',
  '250 ok\r\n',
  '250-a\r\n250 b\r\n',
  '250-half\r\n',
  '334 \r\n',
  '354 go\r\n',
  '421 bye\r\n',
  '451 later\r\n',
  '550 5.1.1 no\r\n',
  '250 ok\r\n250 again\r\n',
  '25',
  '999 x\r\n',
  'HTTP/1.1 200\r\n',
  '250 x\n',
  '550 \x1b[2J\0\r\n',
  `250 ${'y'.repeat(5000)}\r\n`,
];

/** Where a fuzzed script begins; the lines are of the dialogue language. */
const states: readonly (readonly [name: string, script: string])[] = [
  ['fresh', 'connect'],
  ['greeted', '@CONN'],
  ['hello', '@EHLO'],
  ['tls', '@TLS'],
  ['transaction', '@TX'],
  ['data', '@DATA'],
  ['chunks', '@TX\nC> "BDAT 3\\r\\nabc"'],
  ['mid-chunk', '@TX\nC> "BDAT 30\\r\\nabc"'],
  ['sasl', '@TLS\nC> "AUTH LOGIN\\r\\n"'],
  ['orphan', '@DATA\nC> "a\\nb\\r\\n.\\r\\n"'],
  ['refused greeting', 'server GREETING: "554 no\\r\\n"\nconnect'],
  ['tls port', 'set listener.tls implicit\n@EHLO'],
  ['balancer', 'set listener.proxyProtocol true\nconnect'],
  [
    'behind a balancer',
    'set listener.proxyProtocol true\nconnect\nC> "PROXY TCP4 192.0.2.107 192.0.2.1 4242 25\\r\\n"',
  ],
  ['held', 'set listener.greetingHoldMs 2000\nconnect'],
];

/** Settings a fuzzed session may have besides the default ones. */
const variants: readonly (readonly Omit<Setting, 'line'>[])[] = [
  [],
  [{ path: 'listener.lenientEhlo', value: true }],
  [{ path: 'upstream.tls', value: 'opportunistic' }],
  [{ path: 'upstream.clientAddress', value: 'xclient' }],
  [{ path: 'modes.message.nul', value: 'off' }],
  [{ path: 'limits.messageOctetsMax', value: 5 }],
  [{ path: 'modes.auth.needs-tls', value: 'off' }],
  [
    { path: 'modes.auth.needs-tls', value: 'off' },
    { path: 'lists.accountGuard', value: { alice: 'slow', a: 'slow' } },
  ],
  [
    { path: 'modes.auth.needs-tls', value: 'off' },
    { path: 'lists.accountGuard', value: { alice: 'defer', a: 'defer' } },
  ],
  [{ path: 'lists.bounceScrutiny', value: { 'example.com': 'enforce' } }],
  [{ path: 'listener.tlsRequired', value: true }],
  [{ path: 'listener.pipeliningAfterHelo', value: false }],
  [{ path: 'modes.greet.early-talker', value: 'observe' }],
  [
    { path: 'limits.errorsMax', value: 2 },
    { path: 'limits.junkMax', value: 2 },
    { path: 'limits.discardOctetsMax', value: 600 },
  ],
];

const line = 0;
const write = (text: string, ending?: Write['ending']): Write => ({
  segments: text === '' ? [] : [fromLatin1(text)],
  ending,
});
const pieces = (from: readonly string[], most: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...from), { minLength: 1, maxLength: most }).map((parts) => parts.join(''));

const clientWrites: fc.Arbitrary<Step> = pieces(clientPieces, 6).map((text) => ({
  kind: 'client-writes',
  line,
  write: write(text),
}));
const clientEnds: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom('', 'text', 'NOOP\r\n'), fc.constantFrom('FIN', 'RST', 'TLS', 'TLS-FAIL' as const))
  .map(([text, ending]) => ({
    kind: 'client-writes',
    line,
    write: write(ending === 'FIN' ? text : '', ending as 'FIN'),
  }));
const serverWrites: fc.Arbitrary<Step> = pieces(serverPieces, 2).map((text) => ({
  kind: 'upstream-writes',
  line,
  write: write(text),
}));
const serverEnds: fc.Arbitrary<Step> = fc.constantFrom('FIN' as const, 'RST' as const).map((ending) => ({
  kind: 'upstream-writes',
  line,
  write: write('', ending),
}));
const answer: fc.Arbitrary<Answer> = fc.constantFrom(...serverPieces).map((text) => ({
  afterMs: 0,
  action: { kind: 'write', write: write(text) },
}));
const scripted: fc.Arbitrary<Step> = fc
  .tuple(
    fc.constantFrom('MAIL', 'RCPT', 'DATA', 'DOT', 'LAST', 'BDAT', 'AUTH', 'SASL', 'EHLO', 'RSET', 'QUIT', 'STARTTLS'),
    answer,
  )
  .map(([event, what]) => ({ kind: 'server', line, event, always: false, answers: [what] }));
const waits: fc.Arbitrary<Step> = fc
  .constantFrom(1_000, 30_000, 61_000, 181_000, 301_000, 631_000)
  .map((forMs) => ({ kind: 'wait', line, forMs }));
const others: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  { kind: 'upstream-silent', line },
  { kind: 'shutdown', line, now: false },
  { kind: 'shutdown', line, now: true },
  ...(['slow', 'defer', 'nothing'] as const).flatMap((action): Step[] => [
    { kind: 'restrained', line, action, byOperator: false },
    { kind: 'restrained', line, action, byOperator: true },
  ]),
  { kind: 'flow', line, leg: 'client', blocked: true },
  { kind: 'flow', line, leg: 'client', blocked: false },
  { kind: 'flow', line, leg: 'upstream', blocked: true },
  { kind: 'flow', line, leg: 'upstream', blocked: false },
);

function dialogueOf(state: string, settings: readonly Omit<Setting, 'line'>[], steps: readonly Step[]): Dialogue {
  const parsed = parseDialogues(`title: fuzz\n${states.find(([name]) => name === state)?.[1] ?? ''}`);
  if (!parsed.ok || parsed.value[0] === undefined) throw new Error(`state ${state} cannot be read`);
  const opening = parsed.value[0].steps.filter(({ kind }) => !kind.endsWith('reads'));
  return {
    title: state,
    settings: [...parsed.value[0].settings, ...settings.map((setting) => ({ ...setting, line }))],
    secrets: [],
    exceptions: new Map(),
    steps: [...opening, ...steps],
  };
}

const anySettings = fc.constantFrom(...variants);
const anyState = fc.constantFrom(...states.map(([name]) => name));

/** A client that sends anything, and a server in good health. */
export const clientScript: fc.Arbitrary<Dialogue> = fc
  .tuple(
    anyState,
    anySettings,
    fc.array(fc.oneof({ weight: 6, arbitrary: clientWrites }, clientEnds), { maxLength: 6 }),
  )
  .map(([state, settings, steps]) => dialogueOf(state, settings, steps));

/** A client and a server that do anything, at any time. */
export const hostileScript: fc.Arbitrary<Dialogue> = fc
  .tuple(
    anyState,
    anySettings,
    fc.array(
      fc.oneof(
        { weight: 8, arbitrary: clientWrites },
        { weight: 4, arbitrary: serverWrites },
        { weight: 3, arbitrary: scripted },
        { weight: 2, arbitrary: waits },
        { weight: 2, arbitrary: others },
        clientEnds,
        serverEnds,
      ),
      { maxLength: 10 },
    ),
  )
  .map(([state, settings, steps]) => dialogueOf(state, settings, steps));

/** Spellings of AUTH, all with the same secret; whole lines, so that it stands where a credential would. */
const credentialLine: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('AUTH', 'auth', 'Auth'),
    fc.constantFrom(' ', '\t', '  ', ' \t', '='),
    fc.constantFrom('PLAIN', 'plain', 'UNKNOWN', 'LOGIN', 'X-Y', '', '\xff', '*'),
    fc.constantFrom(' ', '\t', '   ', ' x '),
    fc.constantFrom(
      'c2VjcmV0',
      'c2VjcmV0\0',
      'c2VjcmV0 c2VjcmV0',
      'secret',
      '=c2VjcmV0',
      `c2VjcmV0${'A'.repeat(70_000)}`,
    ),
    fc.constantFrom('\r\n', '\r\n', '\n', '\r\r\n', '\rx\r\n'),
  )
  .map((parts) => parts.join(''));
const wholeLines = clientPieces.filter((piece) => /^[A-Z][^\r\n]*\r\n$/.test(piece) && !piece.startsWith('BDAT'));
const credentialWrites: fc.Arbitrary<Step> = fc
  .tuple(
    fc.array(fc.constantFrom(...wholeLines), { maxLength: 2 }),
    credentialLine,
    fc.array(fc.constantFrom(...wholeLines), { maxLength: 2 }),
  )
  .map(([before, credential, after]) => ({
    kind: 'client-writes',
    line,
    write: write(`${before.join('')}${credential}${after.join('')}`),
  }));

/** A client that says its credential in every spelling, wherever it can. */
export const credentialScript: fc.Arbitrary<Dialogue> = fc
  .tuple(
    // In the middle of a chunk lines would be cut where its count ends.
    anyState.filter((state) => state !== 'mid-chunk'),
    anySettings,
    fc.array(credentialWrites, { minLength: 1, maxLength: 3 }),
  )
  .map(([state, settings, steps]) => ({ ...dialogueOf(state, settings, steps), secrets: [fromLatin1('secret')] }));

const asWrite = ({ segments, ending }: Write): string =>
  [segments.map((segment) => show(segment, Number.POSITIVE_INFINITY)).join(' | '), ending ? `<${ending}>` : '']
    .filter((part) => part !== '')
    .join(' ');

function asLine(step: Step): string | undefined {
  switch (step.kind) {
    case 'connect':
      return 'connect';
    case 'client-writes':
      return `C> ${asWrite(step.write)}`;
    case 'upstream-writes':
      return `U< ${asWrite(step.write)}`;
    case 'upstream-silent':
      return 'U< silent';
    case 'wait':
      return `wait ${step.forMs}ms`;
    case 'restrained':
      return `restrained ${step.action}${step.byOperator ? ' by an operator' : ''}`;
    case 'shutdown':
      return step.now ? 'shutdown now' : 'shutdown';
    case 'flow':
      return `${step.leg} ${step.blocked ? 'stalls' : 'flows'}`;
    case 'server': {
      const answers = step.answers.map(({ action }) => (action.kind === 'write' ? asWrite(action.write) : action.kind));
      return `server ${step.event}: ${answers.join(', ')}`;
    }
    default:
      return undefined;
  }
}

/** A script as a file of test/corpus, to be kept. */
export function asDialogueFile({ title, settings, secrets, steps }: Dialogue): string {
  const head = settings.map(({ path, value }) => `set ${path} ${JSON.stringify(value)}`);
  const body = steps.map(asLine).filter((text) => text !== undefined);
  const hidden = secrets.map((secret) => `secret ${show(secret)}`);
  return [`title: ${title}`, ...head, ...hidden, ...body, ''].join('\n');
}
