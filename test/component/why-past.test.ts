import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Why } from '../../cli/format/why.ts';
import { noHistory } from '../../cli/store/history-server.ts';
import { modesOf } from '../../cli/watch/modes-in-use.ts';
import { EVENTS_OF_SESSION_MAX, EVIDENCE_SESSIONS_MAX, gatherWhy, SESSIONS_SHOWN_MAX } from '../../cli/why/gather.ts';
import type { Subject } from '../../cli/why/subject.ts';
import { type DecisionEvent, type DecisionMade, LEDGER_ENTRIES_MAX } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { PrefixSet, parseAddress, parsePrefix } from '../../lib/ip.ts';
import { uuidV7 } from '../../lib/uuid-v7.ts';
import type { EventLog, Offset } from '../../log/event-log.ts';
import { openMemoryLog } from '../../log/io/memory-log.ts';
import type { History, HistoryFault } from '../../store/history.ts';
import { DECISIONS_MAX } from '../../store/why-queries.ts';
import { aDecision, aRevocation } from '../support/decisions.ts';
import { aCommand, everyEvent } from '../support/events.ts';
import { cutLog, goneFrom, Pasts, recordOf } from '../support/past.ts';

const pasts = new Pasts();
// Many files take their time.
afterAll(() => pasts[Symbol.dispose](), 60_000);

const START_MS = 1_767_225_600_000;
const MINUTE_MS = 60_000;
const modes = modesOf('configuration', {});
const opened = everyEvent.find((event) => event.type === 'session-opened');
const closed = everyEvent.find((event) => event.type === 'session-closed');
if (opened === undefined || closed === undefined) throw new Error('every event is there');

const sidOf = (atMs: number, index: number): string => {
  const random = new Uint8Array(10);
  new DataView(random.buffer).setUint32(4, index);
  return uuidV7(atMs, random);
};

const sources = [
  '198.51.100.7',
  '198.51.100.8',
  '203.0.113.1',
  '2001:db8:1:2::1',
  '2001:db8:1:2::2',
  '2001:db8:1:3::1',
];
const values = [
  '198.51.100.7',
  '198.51.100.0/24',
  '203.0.113.1',
  '2001:db8:1:2::/64',
  '2001:db8:1::/48',
  'example.com',
];

const sessionItem = fc.record({
  kind: fc.constant('session' as const),
  ip: fc.constantFrom(...sources),
  commandCount: fc.integer({ min: 0, max: 4 }),
});
const decisionItem = fc.record({
  kind: fc.constant('decision' as const),
  value: fc.constantFrom(...values),
  scenario: fc.constantFrom('recipient-harvest', 'relay-probe'),
  evidence: fc.array(fc.record({ which: fc.nat(), seq: fc.nat(5) }), { maxLength: 3 }),
});
const revocationItem = fc.record({ kind: fc.constant('revocation' as const), which: fc.nat() });
const items = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: sessionItem },
    { weight: 3, arbitrary: decisionItem },
    { weight: 1, arbitrary: revocationItem },
  ),
  { minLength: 10, maxLength: 50 },
);
type Item = typeof items extends fc.Arbitrary<(infer T)[]> ? T : never;

/** A decision rests on what its source did. */
function isWithin(ip: string, value: string): boolean {
  const address = parseAddress(ip);
  const range = parsePrefix(value);
  return address !== undefined && range !== undefined && new PrefixSet([range]).contains(address);
}

interface Told {
  readonly lines: readonly (MailEvent | DecisionEvent)[];
  readonly subjects: readonly Subject[];
}

/** Sessions that go on while others begin, and decisions about them. */
function told(some: readonly Item[]): Told {
  const placed: { readonly at: number; readonly line: MailEvent | DecisionEvent }[] = [];
  const sids: { readonly sid: string; readonly ip: string }[] = [];
  const made: DecisionMade[] = [];
  const add = (line: MailEvent | DecisionEvent): void => void placed.push({ at: line.at, line });
  for (const [index, item] of some.entries()) {
    const at = START_MS + index * MINUTE_MS;
    if (item.kind === 'session') {
      const sid = sidOf(at, index);
      const { ip, commandCount } = item;
      sids.push({ sid, ip });
      add({ ...opened, at, sid, ip, seq: 0 } as MailEvent);
      for (let seq = 1; seq <= commandCount; seq += 1)
        add(aCommand({ at: at + seq * 3 * MINUTE_MS + 1, sid, ip, seq, forwardPath: `b${seq}@example.org` }));
      const last = commandCount + 1;
      add({ ...closed, at: at + last * 3 * MINUTE_MS + 1, sid, ip, seq: last } as MailEvent);
    } else if (item.kind === 'decision') {
      const { value, scenario } = item;
      const its = sids.filter(({ ip }) => isWithin(ip, value));
      const ledger = item.evidence.map(({ which, seq }) => {
        const sid = its[which % Math.max(1, its.length)]?.sid;
        return { ...(sid === undefined ? {} : { sid, seq }), at, weight: 7, what: 'w' };
      });
      const decision = aDecision({
        value,
        scenario,
        at: at + 2,
        until: at + 60 * MINUTE_MS,
        id: index.toString(16).padStart(16, '0'),
        ...(value === 'example.com' ? { scope: 'domain' as const } : {}),
        ...(ledger.length === 0 ? {} : { ledger }),
      });
      made.push(decision);
      add(decision);
    } else {
      const revoked = made[item.which % Math.max(1, made.length)];
      if (revoked !== undefined) add({ ...aRevocation(revoked), at: at + 3 });
    }
  }
  return {
    lines: placed.sort((a, b) => a.at - b.at).map(({ line }) => line),
    subjects: [
      ...sources.map((value) => ({ kind: 'source', value }) as const),
      { kind: 'source', value: '198.51.100.0/25' },
      { kind: 'source', value: '192.0.2.1' },
      ...sids.slice(0, 4).map(({ sid }) => ({ kind: 'session', sid }) as const),
      ...made.slice(0, 3).map(({ id }) => ({ kind: 'decision', id }) as const),
    ],
  };
}

async function logOf(lines: readonly (MailEvent | DecisionEvent)[]): Promise<EventLog> {
  const log = openMemoryLog();
  for (const line of lines) await log.append([recordOf(line)]);
  return log;
}

const whyOf = (log: EventLog, history: History, subject: Subject): Promise<Why> =>
  gatherWhy({ log, history }, subject, modes, START_MS + 1000 * MINUTE_MS);
const withoutCoverage = ({ coverage: _, ...why }: Why): object => why;

test('the log alone, the history alone, and both, wherever the log begins: the same answer', async () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  let sessionCount = 0;
  let evidenceCount = 0;
  await fc.assert(
    fc.asyncProperty(items, fc.array(share, { minLength: 8, maxLength: 8 }), async (some, cut) => {
      await using past = await pasts.open();
      const { lines, subjects } = told(some);
      await using log = await logOf(lines);
      await past.take(log);
      const firsts = new Map<string, Offset>();
      for (const stream of ['postern.events', 'postern.decisions'] as const)
        for (let partition = 0; partition < log.partitionCount; partition += 1) {
          const { next } = await log.bounds(stream, partition);
          firsts.set(`${stream} ${partition}`, Math.round(next * (cut[firsts.size] ?? 0)));
        }
      const logs = [
        await goneFrom(log),
        cutLog(log, (stream, partition) => firsts.get(`${stream} ${partition}`) ?? 0),
        log,
      ];
      for (const subject of subjects) {
        const expected = await whyOf(log, noHistory, subject);
        sessionCount += expected.sessions.length;
        evidenceCount += Object.keys(expected.evidence).length;
        for (const each of logs)
          expect(withoutCoverage(await whyOf(each, past.history, subject))).toEqual(withoutCoverage(expected));
      }
    }),
    { numRuns: 8, endOnFailure: true },
  );
  expect(Math.min(sessionCount, evidenceCount)).toBeGreaterThan(0);
}, 180_000);

/** Commands of one session. */
const commandsOf = (count: number, sid: string): readonly MailEvent[] =>
  Array.from({ length: count }, (_, seq) => aCommand({ at: START_MS + seq, sid, seq }));

test('of a long session the first events are shown, wherever they are', async () => {
  await using past = await pasts.open();
  const sid = sidOf(START_MS, 1);
  const log = await logOf(commandsOf(EVENTS_OF_SESSION_MAX + 20, sid));
  await past.take(log);
  const partition = (await partitionsWithRecords(log))[0] ?? 0;
  for (const first of [0, 1, EVENTS_OF_SESSION_MAX - 1, EVENTS_OF_SESSION_MAX + 10]) {
    const cut = cutLog(log, (_stream, which) => (which === partition ? first : 0));
    const { sessions } = await whyOf(cut, past.history, { kind: 'session', sid });
    expect(
      sessions[0]?.map((event) => ('seq' in event ? event.seq : -1)),
      String(first),
    ).toEqual(Array.from({ length: EVENTS_OF_SESSION_MAX }, (_, seq) => seq));
  }
});

async function partitionsWithRecords(log: EventLog): Promise<readonly number[]> {
  const found: number[] = [];
  for (let partition = 0; partition < log.partitionCount; partition += 1)
    if ((await log.bounds('postern.events', partition)).next > 0) found.push(partition);
  return found;
}

test('no more decisions and sessions are taken from the history than so many: the last ones', async () => {
  await using past = await pasts.open();
  const sids = Array.from({ length: EVIDENCE_SESSIONS_MAX + 5 }, (_, index) => sidOf(START_MS + index, index));
  const ip = '198.51.100.7';
  const sessions = sids.map(
    (sid, index): MailEvent => ({ ...opened, at: START_MS + index, sid, ip, seq: 0 }) as MailEvent,
  );
  const ledgers = Array.from({ length: Math.ceil(sids.length / LEDGER_ENTRIES_MAX) }, (_, index) =>
    sids
      .slice(index * LEDGER_ENTRIES_MAX, (index + 1) * LEDGER_ENTRIES_MAX)
      .map((sid) => ({ sid, seq: 0, at: START_MS, weight: 1, what: 'w' })),
  );
  const decisions = Array.from({ length: DECISIONS_MAX + 5 }, (_, index) => {
    // The last ones have evidence.
    const ledger = ledgers[index - (DECISIONS_MAX + 5 - ledgers.length)];
    return aDecision({ at: START_MS + index, id: `d${index}`, value: ip, ...(ledger === undefined ? {} : { ledger }) });
  });
  const log = await logOf([...sessions, ...decisions]);
  await past.take(log);
  const why = await whyOf(await goneFrom(log), past.history, { kind: 'source', value: ip });
  expect(why.decisions.map(({ decision }) => decision.id)).toEqual(decisions.slice(5).map(({ id }) => id));
  expect(Object.keys(why.evidence).sort()).toEqual(sids.slice(5).sort());
  expect(why.sessions.map(([first]) => first)).toEqual(sessions.slice(-SESSIONS_SHOWN_MAX));
});

test.each([
  { kind: 'none', isTrimmed: false, isNoted: false },
  { kind: 'none', isTrimmed: true, isNoted: true },
  { kind: 'away', isTrimmed: false, isNoted: true },
] as const)('a history that is $kind is asked once; noted: $isNoted', async ({ kind, isTrimmed, isNoted }) => {
  let askedCount = 0;
  const history: History = {
    isThere: async () => false,
    ask: async () => {
      askedCount += 1;
      return { ok: false, error: { kind, text: 'Nobody.' } satisfies HistoryFault };
    },
  };
  const sid = sidOf(START_MS, 1);
  const log = await logOf([
    ...commandsOf(3, sid),
    aDecision({ value: '192.0.2.1', ledger: [{ sid: sidOf(START_MS, 2), seq: 0, at: 1, weight: 1, what: 'w' }] }),
  ]);
  const partition = (await partitionsWithRecords(log))[0] ?? 0;
  const cut = cutLog(log, (stream, which) => (isTrimmed && stream === 'postern.events' && which === partition ? 1 : 0));
  const why = await whyOf(cut, history, { kind: 'session', sid });
  expect([why.sessions[0]?.length, why.decisions.length]).toEqual([isTrimmed ? 2 : 3, 1]);
  expect(why.coverage).toEqual({
    fromMs: START_MS + (isTrimmed ? 1 : 0),
    source: 'log',
    ...(isNoted ? { note: 'Nothing older is in the log. Nobody.' } : {}),
  });
  // And once more to see how far back it reaches.
  expect(askedCount).toBeLessThanOrEqual(2);
});

test('a reference that nobody knows has no session', async () => {
  await using past = await pasts.open();
  const why = await whyOf(openMemoryLog(), past.history, { kind: 'session', sid: sidOf(START_MS, 9) });
  expect([why.sessions, why.decisions, why.coverage.source]).toEqual([[], [], 'log-and-history']);
});
