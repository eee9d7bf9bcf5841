import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeDecision, decodeEvent, decodeEvidence, encodeEvent } from '../../events/codec.ts';
import { EVIDENCE_OCTETS_MAX, FIELD_LENGTH_MAX, type MailEvent, REPLY_TEXT_LENGTH_MAX } from '../../events/event.ts';
import { DEPTH_MAX, Forgetter } from '../../events/forgetter.ts';
import { jsonOf } from '../../lib/json.ts';
import { aDecision } from '../support/decisions.ts';
import { aCommand, aMail, everyEvent } from '../support/events.ts';
import { aForgetting } from '../support/forgetting.ts';

const WORD = 'qwertyuiopasdfgh';
const PSEUDONYM = `forgotten-${WORD}`;
const anna = new Forgetter(aForgetting());

test.each([
  ['alone', 'anna@example.com', `${PSEUDONYM}@example.com`],
  ['in brackets', '<anna@example.com>', `<${PSEUDONYM}@example.com>`],
  ['in a reply', '5.1.1 <anna@example.com>... User unknown', `5.1.1 <${PSEUDONYM}@example.com>... User unknown`],
  ['without brackets, and dots behind', 'anna@example.com...User', `${PSEUDONYM}@example.com...User`],
  ['at the end of a sentence', 'no anna@example.com.', `no ${PSEUDONYM}@example.com.`],
  ['in quotes', `user 'anna@example.com' unknown`, `user '${PSEUDONYM}@example.com' unknown`],
  ['with a quoted local part', '"anna"@example.com', `"${PSEUDONYM}"@example.com`],
  ['behind a source route', '@relay.example:anna@example.com', `@relay.example:${PSEUDONYM}@example.com`],
  ['behind a word and an equals sign', 'to=anna@example.com', `to=${PSEUDONYM}@example.com`],
  ['twice', 'anna@example.com,anna@example.com', `${PSEUDONYM}@example.com,${PSEUDONYM}@example.com`],
  ['behind an escape', '\\u0009anna@example.com\\u000d', `\\u0009${PSEUDONYM}@example.com\\u000d`],
  ['in typographic quotes', '“anna@example.com”', `“${PSEUDONYM}@example.com”`],
  ['in a URL', 'http://spf.example/?id=anna%40example.com;', `http://spf.example/?id=${PSEUDONYM}%40example.com;`],
  ['in xtext', 'rfc822;anna+40example.com', `rfc822;${PSEUDONYM}+40example.com`],
  ['through a route of per cent', 'anna%example.com@gate.example', `${PSEUDONYM}%example.com@gate.example`],
  ['through a route of bangs', 'gate!example.com!anna', `gate!example.com!${PSEUDONYM}`],
  ['before another at sign', 'anna@example.com@gate.example', `${PSEUDONYM}@example.com@gate.example`],
  ['with a BATV tag', 'prvs=1234abcdef=anna@example.com', `prvs=1234abcdef=${PSEUDONYM}@example.com`],
  ['in a VERP', 'list+anna=example.com@lists.example', `list+${PSEUDONYM}=example.com@lists.example`],
  ['by SRS', 'SRS0=Hash=TT=example.com=anna@fwd.example', `SRS0=Hash=TT=example.com=${PSEUDONYM}@fwd.example`],
  ['as a keyed hash', '<h:00112233445566aa@example.com>', '<h:ffeeddccbbaa9988@example.com>'],
  ['with another case of the domain', 'anna@Example.COM', `${PSEUDONYM}@Example.COM`],
])('an address %s is replaced', (_where, text, expected) => {
  expect(anna.text(text)).toBe(expected);
  expect(anna.text(expected)).toBe(expected);
});

test.each([
  ['joanna@example.com'],
  ['jo.anna@example.com'],
  ['jo-anna@example.com'],
  ['jo_anna@example.com'],
  [`d'anna@example.com`],
  ['änna@example.com'],
  ['éanna@example.com'],
  ['\\xe4anna@example.com'],
  ['anna.b@example.com'],
  ['annab@example.com'],
  ['"jo anna"@example.com'],
  ['anna@example.com.evil.test'],
  ['anna@example.community'],
  ['anna@example.com-x.test'],
  ['anna@sub.example.com'],
  ['anna@example'],
  ['anna at example.com'],
  ['bounces-anna=example.com@lists.example'],
  ['example.com!joanna'],
  ['example.com=annab@fwd.example'],
  ['h:00112233445566aa@example.net'],
  ['00112233445566aa@example.com'],
  ['anna'],
  ['@example.com'],
  [''],
])('%s is somebody else', (text) => {
  expect(anna.text(text)).toBe(text);
});

test('spellings stay different, each the same pseudonym for whoever does not mind case', () => {
  const spellings = ['anna', 'Anna', 'ANNA', 'aNNa'].map((local) => anna.text(`${local}@example.com`));
  expect(new Set(spellings).size).toBe(4);
  expect(new Set(spellings.map((text) => text.toLowerCase()))).toEqual(new Set([`${PSEUDONYM}@example.com`]));
});

test('details of a subaddress go, and stay different', () => {
  const [bank, shop, again] = ['anna+bank', 'anna+shop', 'anna+bank'].map((local) => anna.text(`${local}@example.com`));
  expect(bank).toMatch(/^forgotten-qwertyuiopasdfgh\.[a-z]{8}@example\.com$/);
  expect(bank).not.toBe(shop);
  expect(again).toBe(bank);
  expect(anna.text('rfc822;anna+2Bbank@example.com')).not.toMatch(/anna|bank/);
});

test('another key gives other spellings of another word', () => {
  const other = new Forgetter(aForgetting({ word: 'zxcvbnmasdfghjkl', key: { first: 3, second: 4 } }));
  expect(other.text('anna@example.com')).toBe('forgotten-zxcvbnmasdfghjkl@example.com');
});

test.each([
  ['jürgen@example.com', 'jürgen', 'example.com'],
  ['JÜRGEN@example.com', 'jürgen', 'example.com'],
  ['ju\u0308rgen@example.com', 'jürgen', 'example.com'],
  ['anna@bücher.example', 'anna', 'xn--bcher-kva.example'],
  ['anna@xn--BCHER-kva.example', 'anna', 'xn--bcher-kva.example'],
  ['anna@[192.0.2.1]', 'anna', '[192.0.2.1]'],
  ['"an\\na"@example.com', 'anna', 'example.com'],
  ['"anna smith"@example.com', 'anna smith', 'example.com'],
])('%s is %s at %s', (text, local, domain) => {
  const forgetter = new Forgetter(aForgetting({ local, domain, localHash: undefined }));
  const expected = new RegExp(`^"?forgotten-${WORD}"?@`, 'i');
  expect(forgetter.text(text)).toMatch(expected);
  expect(jsonOf(forgetter.line(encodeEvent(aCommand({ forwardPath: text }))))).toMatchObject({
    forwardPath: expect.stringMatching(expected),
  });
});

test('octets are looked at as text', () => {
  const hex = (text: string): string => Buffer.from(text).toString('hex');
  expect(anna.hex(hex('GET /?ANNA@example.com\r\n'))).not.toBe(hex('GET /?ANNA@example.com\r\n'));
  expect(anna.hex(hex('<anna@example.com>\u0000'))).toBe(hex(`<${PSEUDONYM}@example.com>\u0000`));
  expect(anna.hex(`ff${hex('<anna@example.com>')}`)).toBe(`ff${hex(`<${PSEUDONYM}@example.com>`)}`);
  expect(anna.hex(hex('<joanna@example.com>'))).toBe(hex('<joanna@example.com>'));
});

test('what was cut off at its longest is known by its beginning; elsewhere it is not', () => {
  const text = `${'x'.repeat(REPLY_TEXT_LENGTH_MAX - 13)} <anna@examp`;
  const event = aCommand({ reply: { code: 550, text, from: 'upstream' } });
  expect(text).toHaveLength(REPLY_TEXT_LENGTH_MAX - 1);
  const changed = decodeEvent(anna.line(encodeEvent(event)));
  expect(JSON.stringify(changed)).not.toContain('anna');
  expect(changed).toMatchObject({ ok: true });
  expect(anna.text('<anna@examp', REPLY_TEXT_LENGTH_MAX)).toBe('<anna@examp');
  const octets = Buffer.from('anna@exa'.padStart(EVIDENCE_OCTETS_MAX)).toString('hex');
  expect(anna.hex(octets)).not.toContain(Buffer.from('anna').toString('hex'));
});

test('a longer pseudonym leaves no field longer than it may be', () => {
  const full = `${'anna@example.com '.repeat(40)}`;
  const hex = Buffer.from(full.slice(0, EVIDENCE_OCTETS_MAX)).toString('hex');
  const before: readonly MailEvent[] = [
    aCommand({
      argument: full.slice(0, FIELD_LENGTH_MAX),
      reply: { code: 550, text: full.slice(0, REPLY_TEXT_LENGTH_MAX), from: 'gate' },
    }),
    ...everyEvent.map((event) => (event.type === 'anomaly' ? { ...event, octetsHex: hex, truncated: false } : event)),
  ];
  for (const event of before) {
    const line = anna.line(encodeEvent(event));
    expect(decodeEvent(line)).toMatchObject({ ok: true });
    if (event.type === 'anomaly') expect(decodeEvent(line)).toMatchObject({ value: { truncated: true } });
  }
});

const hashes = { from: 'a'.repeat(32), to: 'b'.repeat(32) };
const byName = new Forgetter(aForgetting({ accounts: [hashes, { from: 'anna', to: 'forgotten-account' }] }));

test('accounts are replaced where a field names one, and nowhere else', () => {
  const attempt = { ...aCommand(), type: 'auth-attempt', mechanism: 'PLAIN', outcome: 'refused' } as const;
  for (const [account, expected] of [
    ['anna', 'forgotten-account'],
    [hashes.from, hashes.to],
    ['anna@example.com', `${PSEUDONYM}@example.com`],
    ['joanna', 'joanna'],
  ] as const)
    expect(jsonOf(byName.line(JSON.stringify({ ...attempt, account })))).toMatchObject({ account: expected });
  expect(byName.line(encodeEvent(aCommand({ heloName: 'anna', argument: 'anna' })))).toContain('"heloName":"anna"');
  const decided = (fields: Parameters<typeof aDecision>[0]): unknown =>
    jsonOf(byName.line(encodeEvent(aDecision(fields))));
  expect(decided({ scope: 'account', value: hashes.from })).toMatchObject({ value: hashes.to });
  expect(decided({ scope: 'domain', value: 'anna' })).toMatchObject({ value: 'anna' });
});

test('objects of evidence follow the forward-paths that they are hashes of', () => {
  const told: string[] = [];
  const forgetter = new Forgetter(aForgetting(), {
    onObject: (before, after) => void told.push(before, after),
    objects: new Map([['1111111111111111', '2222222222222222']]),
  });
  forgetter.line(encodeEvent(aCommand({ forwardPath: 'Anna@example.com' })));
  forgetter.line(encodeEvent(aCommand({ forwardPath: 'bert@example.com' })));
  expect(told).toEqual(['Anna@example.com', expect.stringMatching(/^forgotten-/)]);
  const evidence = {
    v: 1,
    at: 1,
    site: 'site',
    partition: 0,
    offset: 1,
    part: 0,
    source: '192.0.2.1',
    role: 'mx',
    standing: 'stranger',
    type: 'recipient-seen',
    domain: 'example.com',
    known: false,
    object: '1111111111111111',
  };
  const line = forgetter.line(JSON.stringify(evidence));
  expect(decodeEvidence(line)).toEqual({ ok: true, value: { ...evidence, object: '2222222222222222' } });
});

test.each(['', 'null', '7', '"anna@example.com', '{"x":"anna@example.com"', '\\', '{"type":1}'])(
  'a line that is no event passes: %s',
  (line) => {
    expect(anna.line(line)).toBe(line);
  },
);

test('values of another release are looked at, down to a bound', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}"anna@example.com"${']'.repeat(depth)}`;
  expect(anna.line(`{"v":99,"new":${nested(DEPTH_MAX - 1)}}`)).not.toContain('anna');
  expect(anna.line(`{"v":99,"new":${nested(DEPTH_MAX)}}`)).toContain('anna');
  expect(anna.line(`{"v":99,"new":${nested(100_000)}}`)).toContain('anna');
});

/** Texts that name her. */
const naming = fc
  .tuple(
    fc.constantFrom('', '<', ' ', '"', 'to=', 'mailto:', ';', '@relay.example:', '\\u0000'),
    fc.constantFrom('anna', 'Anna', 'ANNA', 'anna+x', '"anna"', '"Anna"'),
    fc.constantFrom('@', '%40', '+40'),
    fc.constantFrom('example.com', 'EXAMPLE.com', 'example.com.'),
    fc.constantFrom('', '>', ' ', ',', '"', ': unknown', '\\u000d', '@x.example'),
  )
  .map((parts) => parts.join(''));
const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ maxLength: 30 }));
const stillThere = /anna(?:\+x)?"?(?:@|%40|\+40)example\.com/i;

/** Fields of events that hold text from elsewhere. */
const textFields: readonly ((text: string) => MailEvent)[] = [
  (text) => aCommand({ forwardPath: text.slice(0, FIELD_LENGTH_MAX) }),
  (text) => aCommand({ argument: text.slice(0, FIELD_LENGTH_MAX), heloName: text.slice(0, FIELD_LENGTH_MAX) }),
  (text) => aCommand({ parameters: [['ORCPT', text.slice(0, FIELD_LENGTH_MAX)], ['X']] }),
  (text) => aCommand({ reply: { code: 550, text: text.slice(0, REPLY_TEXT_LENGTH_MAX), from: 'upstream' } }),
  (text) => aMail({ reversePath: text.slice(0, FIELD_LENGTH_MAX) }),
  ...everyEvent.flatMap((event) => {
    if (event.type === 'anomaly')
      return [
        (text: string): MailEvent => ({
          ...event,
          note: text.slice(0, FIELD_LENGTH_MAX),
          octetsHex: Buffer.from(text).subarray(0, EVIDENCE_OCTETS_MAX).toString('hex'),
        }),
      ];
    if (event.type === 'config-changed')
      return [(text: string): MailEvent => ({ ...event, faults: ['x', text.slice(0, FIELD_LENGTH_MAX)] })];
    return event.type === 'operator-acted'
      ? [(text: string): MailEvent => ({ ...event, reason: text.slice(0, FIELD_LENGTH_MAX) })]
      : [];
  }),
];

test('nothing of the address is left in any event, which is still one', () => {
  const anyNaming = fc
    .array(fc.oneof(anyText, naming), { minLength: 1, maxLength: 40 })
    .map((parts) => parts.join(' '));
  fc.assert(
    fc.property(anyNaming, fc.constantFrom(...textFields), (text, make) => {
      const before = make(text);
      const line = anna.line(encodeEvent(before));
      const after = decodeEvent(line);
      expect(after).toMatchObject({ ok: true, value: { type: before.type, at: before.at } });
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      if (!after.ok) return;
      expect(JSON.stringify(after.value)).not.toMatch(stillThere);
      const hex = after.value.type === 'anomaly' ? (after.value.octetsHex ?? '') : '';
      expect(Buffer.from(hex, 'hex').toString('latin1')).not.toMatch(stillThere);
      expect(anna.line(line)).toBe(line);
    }),
  );
});

test('a line that does not name her is the same, octet by octet', () => {
  const others = fc.tuple(
    fc.constantFrom('jo', 'x.', 'x-', 'x_', 'x+', '0', 'ä'),
    fc.constantFrom('anna@example.com', 'anna@example.net', 'anna', 'ANNA@example.com'),
    anyText,
  );
  const anyOther = others.map(([before, name, text]) => `${text.replaceAll(/[@%=!]/g, '')} ${before}${name}`);
  fc.assert(
    fc.property(anyOther, fc.constantFrom(...textFields), (text, make) => {
      const line = encodeEvent(make(text));
      expect(anna.line(line)).toBe(line);
    }),
  );
});

test('what the coarse search passes over names nobody', () => {
  const coarse = new RegExp(anna.coarsePattern, 'i');
  fc.assert(
    fc.property(fc.oneof(naming, anyText), (text) => {
      if (!coarse.test(text)) expect(anna.text(text)).toBe(text);
      if (anna.text(text) !== text) expect(text).toMatch(coarse);
    }),
  );
});

test('texts that differ stay different, and the same stay the same', () => {
  fc.assert(
    fc.property(naming, naming, (one, other) => {
      expect(anna.text(one) === anna.text(other)).toBe(one === other);
    }),
  );
});

test('decisions and evidence are still what they were', () => {
  const decision = aDecision({ reason: 'anna@example.com asked', by: 'anna@example.com' });
  const line = anna.line(encodeEvent(decision));
  expect(decodeDecision(line)).toMatchObject({ ok: true, value: { id: decision.id, by: `${PSEUDONYM}@example.com` } });
});
