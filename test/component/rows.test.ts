import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeDecision, decodeEvent, encodeEvent } from '../../events/codec.ts';
import { type DecisionEvent, decisionSchemas } from '../../events/decision.ts';
import { type EventByType, eventSchemas, type MailEvent } from '../../events/event.ts';
import { uuidV7 } from '../../lib/uuid-v7.ts';
import { type StoredStream, rowsOf as storedRowsOf, tableOf } from '../../store/batch.ts';
import { decisionColumns, decisionsOfRows } from '../../store/decision-rows.ts';
import { eventColumns, mailEventsOfRows } from '../../store/event-rows.ts';
import type { Table } from '../../store/history.ts';
import { aDecision } from '../support/decisions.ts';
import { aCommand, aMail, aProgress, everyEvent } from '../support/events.ts';
import { type Past, Pasts } from '../support/past.ts';
import { arbitraryOf, type Own } from '../support/schema-arbitrary.ts';

/** A line of the log goes into the history as it is; this is the way back. */

const pasts = new Pasts();
let past: Past;
beforeAll(async () => {
  past = await pasts.open();
});
afterAll(async () => {
  await past[Symbol.asyncDispose]();
  pasts[Symbol.dispose]();
});

let batches = 0;
/** Brings lines into the history, and reads them back in their order. */
async function throughHistory(stream: StoredStream, payloads: readonly string[]): Promise<Table> {
  batches += 1;
  const table = tableOf[stream];
  const emptied = await past.database.command(`TRUNCATE TABLE ${table}`);
  if (!emptied.ok) throw new Error(emptied.error.message);
  const records = payloads.map((payload, offset) => ({ offset, payload }));
  const batch = { stream, partition: 0, epoch: String(batches), first: 0, next: payloads.length };
  const inserted = await past.database.insert(table, storedRowsOf(batch, records), `batch ${batches}`);
  if (!inserted.ok) throw new Error(inserted.error.message);
  const columns = stream === 'postern.events' ? eventColumns : decisionColumns;
  const read = await past.history.ask(`SELECT ${columns} FROM (SELECT * FROM ${table} ORDER BY logOffset)`);
  if (!read.ok) throw new Error(read.error.text);
  return read.value;
}

const eventsBack = async (events: readonly MailEvent[]): Promise<readonly MailEvent[]> =>
  mailEventsOfRows(await throughHistory('postern.events', events.map(encodeEvent)));
const decisionsBack = async (decisions: readonly DecisionEvent[]): Promise<readonly DecisionEvent[]> =>
  decisionsOfRows(await throughHistory('postern.decisions', decisions.map(encodeEvent)));

const uint = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 });
const aTime = fc.oneof(fc.integer({ min: 0, max: 4_000_000_000_000 }), fc.constantFrom(0, 1, 999, 1_767_225_600_123));
const addresses = ['192.0.2.1', '0.0.0.0', '255.255.255.255', '::', '::1', '::102:304', '2001:db8::1', 'fe80::1:0:0:1'];
/** What the columns hold of numbers and ids. */
const own: Own = {
  at: aTime,
  fromAt: aTime,
  toAt: aTime,
  until: aTime,
  ip: fc.oneof(
    fc.constantFrom(...addresses),
    fc.ipV4(),
    fc.constantFrom('2001:db8:0:1:1:1:1:1', '1:0:0:2::3', '2001:db8:1:2:3:4:5:6'),
  ),
  sid: fc
    .tuple(uint(40), fc.uint8Array({ minLength: 10, maxLength: 10 }))
    .map(([wallMs, random]) => uuidV7(wallMs, random)),
  seq: uint(32),
  port: uint(16),
  transaction: uint(32),
  acceptedCount: uint(32),
  refusedCount: uint(32),
  commandCount: uint(32),
  errorCount: uint(32),
  scenarioVersion: uint(32),
  code: fc.integer({ min: 200, max: 599 }),
  replyCode: uint(16),
  level: uint(8),
  slotsUsed: fc.integer({ min: 0, max: 1000 }).map((part) => part / 1000),
};

/** A MAIL has a reverse-path, or the argument that could not be parsed. */
const withPath = (event: unknown): MailEvent => {
  const { verb, argument, reversePath, ...rest } = event as EventByType<'command'>;
  if (rest.type !== 'command' || verb !== 'MAIL') return event as MailEvent;
  return { ...rest, verb, ...(argument === undefined ? { reversePath: reversePath ?? '' } : { argument }) };
};

const EVENTS_OF_TYPE = 40;

test.each(Object.entries(eventSchemas))('%s: what was written is what is read', async (_type, schema) => {
  const event = arbitraryOf(schema, { ...own, verb: fc.constantFrom('MAIL', 'RCPT', '?', 'EHLO') }).map(withPath);
  const events = fc.array(event, { minLength: EVENTS_OF_TYPE, maxLength: EVENTS_OF_TYPE });
  await fc.assert(
    fc.asyncProperty(events, async (some) => {
      for (const each of some) expect(decodeEvent(encodeEvent(each))).toEqual({ ok: true, value: each });
      expect(await eventsBack(some)).toEqual(some);
    }),
    { numRuns: 2, endOnFailure: true },
  );
});

test.each(Object.entries(decisionSchemas))('%s: what was written is what is read', async (_type, schema) => {
  const decision = arbitraryOf(schema, { ...own, sid: fc.constantFrom('s', 'a b', "'") }).map(withPlaces);
  const decisions = fc.array(decision, { minLength: EVENTS_OF_TYPE, maxLength: EVENTS_OF_TYPE });
  await fc.assert(
    fc.asyncProperty(decisions, async (some) => {
      for (const each of some) expect(decodeDecision(encodeEvent(each))).toEqual({ ok: true, value: each });
      expect(await decisionsBack(some)).toEqual(some);
    }),
    { numRuns: 2, endOnFailure: true },
  );
});

/** A contribution has both a session and a place in it, or neither. */
function withPlaces(decision: unknown): DecisionEvent {
  const made = decision as DecisionEvent;
  if (made.type !== 'decision-made') return made;
  const placed = (entries: typeof made.ledger) =>
    entries?.map(({ sid, seq, ...rest }) => (sid === undefined ? rest : { ...rest, sid, seq: seq ?? 0 }));
  const { ledger, counter } = made;
  return {
    ...made,
    ...(ledger === undefined ? {} : { ledger: placed(ledger) }),
    ...(counter === undefined ? {} : { counter: placed(counter) }),
  };
}

test('one of every type, and a decision', async () => {
  const kept = everyEvent.map((event) => ({ ...event, site: 'x' }));
  expect(await eventsBack(kept)).toEqual(kept);
  const decision = aDecision({ facts: { none: 0 }, ledger: [{ at: 5, weight: -3, what: 'w' }] });
  expect(await decisionsBack([decision])).toEqual([decision]);
});

test('what the columns do not keep: a field that may be absent and is empty, 0 or false', async () => {
  const { heloName: _, ...bare } = aCommand();
  const written = [
    aCommand({ heloName: '', octets: 0, argument: '', parameters: [], observed: [], nearMiss: false }),
    aCommand({ verdict: { action: 'refuse', rule: '' } }),
    // By configuration nothing is kept of a line that could not be parsed: it looks like the null reverse-path.
    { ...bare, verb: 'MAIL', forwardPath: '' },
    aMail({ bodySha256: '' }),
    // Of a share seven digits are kept.
    aProgress({ slotsUsed: 1 / 3 }),
  ];
  const { forwardPath: __, ...pathless } = bare;
  expect(await eventsBack(written)).toEqual([
    aCommand(),
    aCommand({ verdict: { action: 'refuse' } }),
    { ...pathless, verb: 'MAIL', reversePath: '' },
    aMail(),
    aProgress({ slotsUsed: 0.333_333_34 }),
  ]);
  const decision = aDecision();
  const empty = { score: 0, threshold: 0, scenarioVersion: 0, standing: '', held: '', by: '', configHash: '' };
  const emptied = aDecision({ ...empty, forgotten: false, ledger: [], counter: [], facts: {} });
  expect(await decisionsBack([emptied])).toEqual([decision]);
});

test('rows that are nothing of this release are left out', async () => {
  const lines = ['{"v":1,"type":"of a later release","at":5}', '{"v":9,"type":"gate-stopped","at":5}'];
  expect(mailEventsOfRows(await throughHistory('postern.events', lines))).toEqual([]);
  expect(decisionsOfRows(await throughHistory('postern.decisions', lines))).toEqual([]);
});
