import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventsOfRows } from '../../console/session-events.ts';

const table = (row: Record<string, unknown>) => ({
  columns: Object.keys(row).map((name) => ({ name, type: 'String' })),
  rows: [Object.values(row)],
  isCut: false,
});

test('a row is an event again: what it did not have is gone', () => {
  const row = {
    v: 1,
    type: 'command',
    at: 1_767_225_600_000,
    sid: '01890a5d-ac96-774b-bcce-b302099a8057',
    seq: 0,
    ip: '192.0.2.1',
    heloName: '<script>',
    tls: false,
    octets: 0,
    account: '',
    credentialFingerprint: null,
    observed: [],
    counts: {},
    fromAt: '1970-01-01T00:00:00.000Z',
    verdict: { action: 'refuse', rule: 'relay.denied' },
    reply: { code: 554, enhanced: '', text: 'no', from: 'gate' },
  };
  expect(eventsOfRows(table(row))).toEqual([
    {
      v: 1,
      type: 'command',
      at: 1_767_225_600_000,
      sid: row.sid,
      seq: 0,
      ip: '192.0.2.1',
      heloName: '<script>',
      verdict: row.verdict,
      reply: { code: 554, text: 'no', from: 'gate' },
    },
  ]);
  expect(eventsOfRows(table({ type: 'x', ip: '::', reply: { code: 0, text: '' } }))).toEqual([{ type: 'x' }]);
});

test('no value throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (value, name) => {
      expect(eventsOfRows(table({ seq: 0, [name]: value }))).toHaveLength(1);
    }),
  );
});
