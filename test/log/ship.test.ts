import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeDecision, encodeEvent, partitionKeyOf } from '../../events/codec.ts';
import { decisionKey } from '../../events/decision.ts';
import { decodeOrigin, encodeOrigin } from '../../log/origin.ts';
import { mirroredOf, type SpoolPlace, shippedOf } from '../../log/ship.ts';
import { aDecision } from '../support/decisions.ts';
import { everyEvent } from '../support/events.ts';

const events = (partition: number): SpoolPlace => ({ log: 'spool', stream: 'postern.events', partition });
const decisions: SpoolPlace = { log: 'spool', stream: 'postern.decisions', partition: 2 };

test.each(everyEvent)('$type goes on under its key, or into every partition once', (event) => {
  const payload = encodeEvent(event);
  const key = partitionKeyOf(event);
  const origin = { log: 'spool', partition: 0, offset: 7 };
  expect(shippedOf(events(0), { offset: 7, payload })).toEqual({
    stream: 'postern.events',
    key: key ?? '',
    payload,
    origin,
    ...(key === undefined ? { everyPartition: true } : {}),
  });
  const elsewhere = shippedOf(events(3), { offset: 7, payload });
  if (key === undefined) expect(elsewhere).toBeUndefined();
  else expect(elsewhere?.origin).toEqual({ ...origin, partition: 3 });
});

test('a decision goes on under its key; one that came from the common log does not go back', () => {
  const decision = aDecision({ until: 2000 });
  const record = { offset: 5, payload: encodeEvent(decision) };
  expect(shippedOf(decisions, record)).toMatchObject({ key: decisionKey(decision), payload: record.payload });
  const mirrored = mirroredOf(record, 1999);
  expect(mirrored).toMatchObject({ stream: 'postern.decisions', key: decisionKey(decision) });
  const payload = mirrored?.payload ?? '';
  expect(decodeDecision(payload)).toEqual({ ok: true, value: decision });
  expect(shippedOf(decisions, { offset: 9, payload })).toBeUndefined();
  // What is over is nothing to a gate that comes now.
  expect(mirroredOf(record, 2000)).toBeUndefined();
});

test.each(['', '{', 'null', '[]', '"text"', '{"ip":"nowhere"}', '{"ip":7}'])('%j goes along as it is', (payload) => {
  expect(shippedOf(events(0), { offset: 0, payload })).toMatchObject({ key: '', payload });
  expect(shippedOf(decisions, { offset: 0, payload })).toMatchObject({ key: '', payload });
});

test('whatever a line holds, it is sent on or left out, and never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((text) => `${text.slice(0, -1)},"mirrored":true}`),
      ),
      (payload) => {
        shippedOf(events(1), { offset: 0, payload });
        shippedOf(decisions, { offset: 0, payload });
        mirroredOf({ offset: 0, payload }, 0);
      },
    ),
  );
});

test('an origin is read as it was written, and nothing else is one', () => {
  const origin = { log: '0b2f6f0e-5d1c-4c5e-9c8b-0a1b2c3d4e5f', partition: 3, offset: 123_456_789_012 };
  expect(decodeOrigin(encodeOrigin(origin))).toEqual(origin);
  for (const text of ['', 'a/1', 'a/1/2/3', 'a b/1/2', 'a/-1/2', 'a/1/x', `${'a'.repeat(65)}/1/2`, '/1/2'])
    expect(decodeOrigin(text)).toBeUndefined();
});
