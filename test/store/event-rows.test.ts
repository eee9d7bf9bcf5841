import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventsOfRows } from '../../store/event-rows.ts';

const table = (row: Record<string, unknown>) => ({
  columns: Object.keys(row).map((name) => ({ name, type: name === 'verified' ? 'Nullable(Bool)' : 'String' })),
  rows: [Object.values(row)],
  isCut: false,
});
/** What every row has. */
const base = {
  v: 1,
  at: 1_767_225_600_000,
  site: 'main',
  gate: 'gate-1',
  listener: 'mx',
  role: 'mx',
  ip: '192.0.2.1',
  sid: '01890a5d-ac96-774b-bcce-b302099a8057',
  seq: 0,
};
const command = {
  ...base,
  type: 'command',
  verb: 'EHLO',
  heloName: '<script>',
  reversePath: '',
  argument: '',
  parameters: [],
  octets: 0,
  verdict: { action: 'accept', rule: '' },
  observed: [],
  nearMiss: false,
  reply: { code: 0, enhanced: '', text: '', from: '' },
  latencyUs: 0,
  // Of other types.
  tls: false,
  counts: {},
  fromAt: '1970-01-01T00:00:00.000Z',
};

test('a row is its event again: what it did not have is gone, what every event of the type has is there', () => {
  expect(eventsOfRows(table(command))).toEqual([
    { ...base, type: 'command', verb: 'EHLO', heloName: '<script>', verdict: { action: 'accept' }, latencyUs: 0 },
  ]);
});

test('null reverse-path, parameters without a value, replies without text', () => {
  const mail = {
    ...command,
    verb: 'MAIL',
    heloName: '',
    parameters: [
      ['SMTPUTF8', null],
      ['SIZE', '5'],
    ],
    reply: { code: 250, enhanced: '', text: '', from: 'upstream' },
  };
  expect(eventsOfRows(table(mail))).toEqual([
    {
      ...base,
      type: 'command',
      verb: 'MAIL',
      reversePath: '',
      parameters: [['SMTPUTF8'], ['SIZE', '5']],
      verdict: { action: 'accept' },
      reply: { code: 250, text: '', from: 'upstream' },
      latencyUs: 0,
    },
  ]);
  expect(eventsOfRows(table({ ...mail, argument: 'FROM: x' }))[0]).not.toHaveProperty('reversePath');
});

test('false is something where absent is NULL', () => {
  const started = { ...base, type: 'tls-started', leg: 'upstream', version: 'TLSv1.3', cipher: 'x', sni: '', alpn: '' };
  expect(eventsOfRows(table({ ...started, verified: false }))[0]).toHaveProperty('verified', false);
  expect(eventsOfRows(table({ ...started, verified: null }))[0]).not.toHaveProperty('verified');
});

test('no value throws, of a type that is known or not', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), fc.constantFrom('mail', 'x', '__proto__'), (value, name, type) => {
      expect(eventsOfRows(table({ type, [name]: value, reply: value, domains: value }))).toHaveLength(1);
    }),
  );
});
