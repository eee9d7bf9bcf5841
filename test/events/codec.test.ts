import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeDecision,
  decodeEvent,
  decodeEventWith,
  encodeEvent,
  partitionKeyOf,
  typeOfLine,
  type Upcasts,
} from '../../events/codec.ts';
import { EVENT_VERSION, eventSchemas, TIME_MS_MAX } from '../../events/event.ts';
import { aDecision } from '../support/decisions.ts';
import { aCommand, aGateStart, everyEvent } from '../support/events.ts';

test('there is a sample of every type', () => {
  expect(everyEvent.map(({ type }) => type).sort()).toEqual(Object.keys(eventSchemas).sort());
});

test.each(everyEvent.map((event) => [event.type, event] as const))(
  '%s is decoded as it was encoded',
  (_type, event) => {
    expect(decodeEvent(encodeEvent(event))).toEqual({ ok: true, value: event });
  },
);

test('any text survives, in one line of printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (heloName) => {
      const event = aCommand({ heloName });
      const line = encodeEvent(event);
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeEvent(line)).toEqual({ ok: true, value: event });
    }),
  );
});

test.each([
  ['DEL', '\u007f', '\\u007f'],
  ['next line', '\u0085', '\\u0085'],
  ['line separator', '\u2028', '\\u2028'],
  ['paragraph separator', '\u2029', '\\u2029'],
  ['right-to-left override', '\u202e', '\\u202e'],
  ['line feed', '\n', '\\n'],
  ['a lone surrogate', '\ud800', '\\ud800'],
  ['a pair', '\u{1f4e7}', '\\ud83d\\udce7'],
])('%s is escaped', (_name, text, escaped) => {
  expect(encodeEvent(aCommand({ heloName: text }))).toContain(`"heloName":"${escaped}"`);
});

test.each([
  ['', { kind: 'not-json' }],
  ['{"v":1,"type":"mail"', { kind: 'not-json' }],
  ['null', { kind: 'not-an-event' }],
  ['[1]', { kind: 'not-an-event' }],
  ['{"v":1}', { kind: 'not-an-event' }],
  ['{"type":"mail"}', { kind: 'not-an-event' }],
  ['{"v":0,"type":"mail"}', { kind: 'not-an-event' }],
  ['{"v":1.5,"type":"mail"}', { kind: 'not-an-event' }],
  [`{"v":${EVENT_VERSION + 1},"type":"mail"}`, { kind: 'unknown-version', version: EVENT_VERSION + 1 }],
  ['{"v":1,"type":"letter"}', { kind: 'unknown-type', type: 'letter' }],
  ['{"v":1,"type":"__proto__"}', { kind: 'unknown-type', type: '__proto__' }],
  ['{"v":1,"type":"constructor"}', { kind: 'unknown-type', type: 'constructor' }],
])('%s is no event', (line, error) => {
  expect(decodeEvent(line)).toEqual({ ok: false, error });
});

test('the first field at fault is named', () => {
  const line = encodeEvent(aCommand()).replace('"code":250', '"code":20');
  expect(decodeEvent(line)).toMatchObject({ ok: false, error: { kind: 'invalid', field: 'reply.code' } });
});

test('fields that are not known are ignored', () => {
  const event = aGateStart();
  expect(decodeEvent(JSON.stringify({ ...event, colour: 'red' }))).toEqual({ ok: true, value: event });
});

test('no input throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.json({ depthSize: 'large' })), (line) => {
      expect(typeof decodeEvent(line).ok).toBe('boolean');
      expect(typeof typeOfLine(line)).toBe('string');
    }),
  );
});

/** Version 0 never existed: what an old version looks like to the mechanism. */
const fromVersion = (version: number): Upcasts =>
  new Map([
    ['gate-begun', new Map([[version, (fields) => ({ ...fields, type: 'gate-started', listeners: fields['ports'] })]])],
  ]);

test('an older version is lifted step by step before it is validated', () => {
  const { type: _type, listeners, ...rest } = aGateStart();
  const old = JSON.stringify({ ...rest, v: 1, type: 'gate-begun', ports: listeners });
  const current = 3;
  const upcasts: Upcasts = new Map([
    ...fromVersion(1),
    ['gate-started', new Map([[2, (fields) => ({ ...fields, version: `${String(fields['version'])}!` })]])],
  ]);
  expect(decodeEventWith({ upcasts, current }, old)).toEqual({
    ok: true,
    value: aGateStart({ version: '0.1.0!' }),
  });
});

test('a version without an upcast of its own is lifted as it is', () => {
  const line = JSON.stringify({ ...aGateStart(), v: 1 });
  const table = { upcasts: new Map(), current: 2 };
  expect(decodeEventWith(table, line)).toEqual({ ok: true, value: aGateStart() });
});

test('the key is the neighbourhood of the address; a control event has none', () => {
  expect(partitionKeyOf(aCommand({ ip: '192.0.2.77' }))).toBe('192.0.2.0/24');
  expect(partitionKeyOf(aCommand({ ip: '2001:db8:1:2::3' }))).toBe('2001:db8:1::/48');
  expect(partitionKeyOf(aGateStart())).toBeUndefined();
});

test.each([
  [encodeEvent(aCommand()), 'command'],
  ['{"v":1}', 'unknown'],
  ['rubbish', 'unknown'],
])('the type that %.20s claims is %s', (line, type) => {
  expect(typeOfLine(line)).toBe(type);
});

test('a time that no program can write as a date is no event, and no decision', () => {
  const late = TIME_MS_MAX + 1;
  expect(decodeEvent(encodeEvent(aCommand({ at: TIME_MS_MAX }))).ok).toBe(true);
  expect(decodeEvent(encodeEvent(aCommand({ at: late }))).ok).toBe(false);
  expect(decodeDecision(encodeEvent(aDecision({ until: TIME_MS_MAX }))).ok).toBe(true);
  expect(decodeDecision(encodeEvent(aDecision({ until: late }))).ok).toBe(false);
  expect(decodeDecision(encodeEvent(aDecision({ at: late }))).ok).toBe(false);
});
