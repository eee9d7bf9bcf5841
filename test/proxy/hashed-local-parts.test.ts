import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EventByType, eventSchemas, FIELD_LENGTH_MAX, type MailEvent } from '../../events/event.ts';
import { withHashedLocalParts } from '../../proxy/hashed-local-parts.ts';

/** Tells what was hashed, without saying it: its letters moved on by one. */
const hashOf = (localPart: string): string =>
  [...localPart].map((char) => (/[a-y]/.test(char) ? String.fromCharCode(char.charCodeAt(0) + 1) : '_')).join('');

const base = {
  v: 1,
  at: 1,
  site: 's',
  gate: 'g',
  listener: 'mx',
  role: 'mx',
  ip: '192.0.2.1',
  sid: 'x',
  seq: 0,
} as const;
type Command = EventByType<'command'>;
const command = (fields: Partial<Command>): Command => ({
  ...base,
  type: 'command',
  verb: 'RCPT',
  verdict: { action: 'accept' },
  latencyUs: 1,
  ...fields,
});
const hashed = (fields: Partial<Command>): Partial<Command> => {
  const shown = withHashedLocalParts(command(fields), hashOf);
  return shown.type === 'command' ? shown : {};
};

test.each([
  ['', ''],
  ['postmaster', 'postmaster'],
  ['PostMaster@example.com', 'PostMaster@example.com'],
  ['alice@Example.com', 'h:bmjdf@Example.com'],
  ['ALICE@example.com', 'h:bmjdf@example.com'],
  ['"alice"@example.com', 'h:bmjdf@example.com'],
  ['"a@b"@example.com', 'h:b_c@example.com'],
  ['alice@[192.0.2.1]', 'h:bmjdf@[192.0.2.1]'],
  ['@a.example,@b.example:alice@example.com', '@a.example,@b.example:h:bmjdf@example.com'],
  ['alice%other.example@example.com', 'h:bmjdf_puifs_fybnqmf@example.com'],
  // What an event had to escape or to cut off is no path any more.
  ['al\\u200eice@example.com', 'h:bm_v___fjdf@example.com'],
  ['alice', 'h:bmjdf'],
])('the path %j stands as %j', (path, want) => {
  expect(hashed({ forwardPath: path })).toMatchObject({ forwardPath: want });
  expect(hashed({ verb: 'MAIL', reversePath: path })).toMatchObject({ reversePath: want });
});

test.each<[NonNullable<Command['parameters']>[number], NonNullable<Command['parameters']>[number]]>([
  [
    ['SIZE', '10'],
    ['SIZE', '10'],
  ],
  [['SMTPUTF8'], ['SMTPUTF8']],
  [
    ['orcpt', 'rfc822;alice@example.com'],
    ['orcpt', 'rfc822;h:bmjdf@example.com'],
  ],
  [
    ['ORCPT', 'rfc822;alice+40example.com'],
    ['ORCPT', 'rfc822;h:bmjdf@example.com'],
  ],
  [
    ['ORCPT', 'alice+zz'],
    ['ORCPT', 'h:bmjdf___'],
  ],
  [
    ['AUTH', '<>'],
    ['AUTH', '<>'],
  ],
  [
    ['AUTH', 'alice@example.com'],
    ['AUTH', 'h:bmjdf@example.com'],
  ],
  [
    ['AUTH', 'x@a+0Ab'],
    ['AUTH', 'h:y@a\\u000ab'],
  ],
  [
    ['ENVID', 'alice@example.com'],
    ['ENVID', 'h:bmjdf@example.com'],
  ],
])('the parameter %j stands as %j', (parameter, want) => {
  expect(hashed({ parameters: [parameter] })).toMatchObject({ parameters: [want] });
});

test.each([
  ['2.1.5 ok', '2.1.5 ok'],
  ['5.1.1 <alice@example.com>: Recipient address rejected', '5.1.1 <h:bmjdf@example.com>: Recipient address rejected'],
  ['no alice@example.com, no bob@example.com', 'no h:bmjdf@example.com, no h:cpc@example.com'],
  ['<"a \\"b"@example.com> unknown', '<h:b__c@example.com> unknown'],
  ['a" b"@example.com', 'ah:_c@example.com'],
  ['ask postmaster@example.com', 'ask postmaster@example.com'],
  ['@ @@ x@', '@ @@ h:y@'],
])('the reply text %j stands as %j', (text, want) => {
  const reply = { code: 550, text, from: 'upstream' } as const;
  expect(hashed({ reply })).toMatchObject({ reply: { ...reply, text: want } });
});

test.each([
  [' rcpt TO: alice', undefined],
  ['MAIL FROM:<john doe@example.com>', undefined],
  ['VRFY alice', undefined],
  ['HELLO alice@example.com', 'HELLO h:bmjdf@example.com'],
  ['GET / HTTP/1.1', 'GET / HTTP/1.1'],
])('of the line %j, which could not be parsed, stays %j', (argument, want) => {
  expect(hashed({ verb: '?', argument }).argument).toBe(want);
});

const mail: EventByType<'mail'> = {
  ...base,
  type: 'mail',
  transaction: 1,
  reversePath: 'alice@example.com',
  nullReversePath: false,
  acceptedCount: 1,
  refusedCount: 0,
  domains: ['example.com'],
  octets: 1,
  outcome: 'accepted',
  durationUs: 1,
};

test('a mail transaction is told likewise, with its reply or without', () => {
  expect(withHashedLocalParts(mail, hashOf)).toEqual({ ...mail, reversePath: 'h:bmjdf@example.com' });
  const reply = { code: 250, text: '<bob@example.com> saved', from: 'upstream' } as const;
  expect(withHashedLocalParts({ ...mail, reply }, hashOf)).toMatchObject({
    reply: { text: '<h:cpc@example.com> saved' },
  });
});

test('other events stay as they are', () => {
  const event: MailEvent = { ...base, type: 'auth-attempt', mechanism: 'PLAIN', account: 'a@b', outcome: 'refused' };
  expect(withHashedLocalParts(event, hashOf)).toBe(event);
});

test('every event stays one by its schema, and long fields are cut', () => {
  const long = (length: number) => fc.string({ unit: fc.constantFrom(...'ab@"\\<> :;+=\u00e9'), maxLength: length });
  fc.assert(
    fc.property(long(FIELD_LENGTH_MAX), long(FIELD_LENGTH_MAX), long(200), (path, value, text) => {
      const shown = withHashedLocalParts(
        command({
          forwardPath: path,
          reversePath: path,
          argument: value,
          parameters: [
            ['ORCPT', value],
            ['AUTH', value],
            ['X', value],
          ],
          reply: { code: 250, text, from: 'upstream' },
        }),
        () => '0123456789abcdef',
      );
      expect(eventSchemas.command.safeParse(shown).success).toBe(true);
    }),
  );
});
