import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type CoveredSummary, gatherReport } from '../../cli/report/gather.ts';
import { STEPS_MAX, stepsOf } from '../../cli/report/history-sums.ts';
import { noHistory } from '../../cli/store/history-server.ts';
import { modesOf } from '../../cli/watch/modes-in-use.ts';
import type { DecisionEvent, DecisionMade } from '../../events/decision.ts';
import { type MailEvent, roles } from '../../events/event.ts';
import type { EventLog, Offset, Stream } from '../../log/event-log.ts';
import { openMemoryLog } from '../../log/io/memory-log.ts';
import type { History } from '../../store/history.ts';
import { DECISIONS_PAGE, heldQuery } from '../../store/report-queries.ts';
import { aDecision, aRevocation } from '../support/decisions.ts';
import { aCommand, aGateStart, aMail, everyEvent } from '../support/events.ts';
import { cutLog, goneFrom, Pasts, recordOf } from '../support/past.ts';

const pasts = new Pasts();
// Many files take their time.
afterAll(() => pasts[Symbol.dispose](), 60_000);

const START_MS = 1_767_225_600_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Sessions are told of each by its number. */
const sidOf = (index: number): string => `01890a5d-ac96-774b-bcce-${index.toString(16).padStart(12, '0')}`;

const addresses = [
  ...['198.51.100.7', '198.51.100.7', '198.51.100.7', '198.51.100.8', '203.0.113.1'],
  ...['2001:db8:1:2::1', '2001:db8:1:2::1', '2001:db8:1:2:3::4', '2001:db8:1:3::1', '::102:304'],
];
const values = [
  ...['198.51.100.7', '198.51.100.7', '198.51.100.0/24', '198.51.100.0/31', '203.0.113.1', '0.0.0.0/0'],
  ...['2001:db8:1:2::/64', '2001:db8:1:2::/64', '2001:db8::/32', '::/0', '::102:304'],
  ...['example.com', '198.51.100.7/24'],
];
const scenarios = ['recipient-harvest', 'relay-probe', 'slow-session'];
const opened = everyEvent.find((event) => event.type === 'session-opened');
const refusals = everyEvent.find((event) => event.type === 'refusals');
if (opened === undefined || refusals === undefined) throw new Error('every event is there');

const observed = fc.array(
  fc.record({ rule: fc.constantFrom('helo.syntax', 'relay.denied'), action: fc.constant('refuse' as const) }),
  { maxLength: 2 },
);

/** What happens, but for when and in which session. */
const happening = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('mail' as const), isAccepted: fc.constantFrom(true, true, true, false) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('opened' as const), observed }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      observed,
      verdict: fc.constantFrom(
        { action: 'accept' as const },
        { action: 'accept' as const, rule: 'relay.denied' },
        { action: 'refuse' as const, rule: 'relay.denied' },
        { action: 'defer' as const, rule: 'source.blocked' },
        { action: 'close' as const },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refusals' as const), count: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gate' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('decision' as const),
      /** Of one that was made before, which it replaces then. */
      key: fc.oneof(
        fc.nat(3),
        fc.record({
          value: fc.constantFrom(...values),
          scenario: fc.constantFrom(...scenarios),
          roles: fc.oneof(fc.constant([...roles]), fc.shuffledSubarray([...roles], { minLength: 1 })),
          origin: fc.constantFrom(...Array.from({ length: 5 }, () => 'analyzer' as const), 'operator' as const),
        }),
      ),
      /** Listeners may stand in another order. */
      isReversed: fc.boolean(),
      action: fc.constantFrom('slow' as const, 'defer' as const, 'refuse' as const, 'refuse' as const),
      lastsMs: fc.constantFrom(...[0, 1, 60, 180, 600, 1440, 4320].map((minutes) => minutes * MINUTE_MS)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('revocation' as const), which: fc.nat(3) }) },
);
const item = fc.record({
  happening,
  ip: fc.constantFrom(...addresses),
  role: fc.constantFrom('mx' as const, ...roles),
  gapMs: fc.constantFrom(0, 1, MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS),
  /** Events wait in a gate. */
  jitterMs: fc.constantFrom(-5, -1, 0, 0, 0, 1, 5).map((minutes) => minutes * MINUTE_MS),
});
type Item = typeof item extends fc.Arbitrary<infer T> ? T : never;

/** The lines of a log, in their order. @param isInOrder - Of time, too. */
function linesOf(items: readonly Item[], isInOrder: boolean): readonly (MailEvent | DecisionEvent)[] {
  let now = START_MS;
  const made: DecisionMade[] = [];
  const linesFor = ({ happening: what, ip, role, jitterMs }: Item, index: number): (MailEvent | DecisionEvent)[] => {
    const at = isInOrder ? now : now + jitterMs;
    const its = { at, ip, role, sid: sidOf(index) } as const;
    switch (what.kind) {
      case 'mail':
        return [aMail({ ...its, outcome: what.isAccepted ? 'accepted' : 'rejected' })];
      case 'opened':
        return [{ ...opened, ...its, observed: what.observed } as MailEvent];
      case 'command':
        return [aCommand({ ...its, verdict: what.verdict, observed: what.observed })];
      case 'refusals':
        return [{ ...refusals, at, ip, role, count: what.count } as MailEvent];
      case 'gate':
        return [aGateStart({ at })];
      case 'decision': {
        const { key, isReversed, action, lastsMs } = what;
        const like = typeof key === 'number' ? made.at(-1 - key) : key;
        if (like === undefined) return [];
        const { value, scenario, origin } = like;
        const scope =
          value === 'example.com' ? ('domain' as const) : value.includes('/') ? ('range' as const) : ('ip' as const);
        const listeners = isReversed ? like.roles.toReversed() : [...like.roles];
        const decision = { value, scope, scenario, origin, roles: listeners, action, at, until: at + lastsMs };
        made.push(aDecision({ ...decision, id: index.toString(16).padStart(16, '0') }));
        return made.slice(-1);
      }
      case 'revocation': {
        const revoked = made.at(-1 - what.which);
        return revoked === undefined ? [] : [{ ...aRevocation(revoked), at }];
      }
    }
  };
  return items.flatMap((each, index) => {
    now += each.gapMs;
    return linesFor(each, index);
  });
}

const modes = modesOf('configuration', { 'relay-probe': 'enforce' });

async function reported(log: EventLog, history: History, sinceMs: number, nowMs: number): Promise<CoveredSummary> {
  return gatherReport(log, history, { sinceMs, nowMs, modes });
}
const withoutCoverage = ({ coverage: _, ...summary }: CoveredSummary): object => summary;

type OffsetsAt = (stream: Stream, partition: number) => Offset;

/** For each partition of each stream what a function says of its number of records. */
async function offsetsOf(log: EventLog, of: (count: Offset, turn: number) => Offset): Promise<OffsetsAt> {
  const offsets = new Map<string, Offset>();
  for (const stream of ['postern.events', 'postern.decisions'] as const)
    for (let partition = 0; partition < log.partitionCount; partition += 1) {
      const { next } = await log.bounds(stream, partition);
      offsets.set(`${stream} ${partition}`, Math.round(of(next, offsets.size)));
    }
  return (stream, partition) => offsets.get(`${stream} ${partition}`) ?? 0;
}

/** A place in the log: for each partition of each stream a part of what it has. */
const share = fc.constantFrom(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1);
const shares = fc.array(share, { minLength: 8, maxLength: 8 });
const items = fc.array(item, { minLength: 60, maxLength: 120 });

async function logOf(lines: readonly (MailEvent | DecisionEvent)[]): Promise<EventLog> {
  const log = openMemoryLog();
  for (const line of lines) await log.append([recordOf(line)]);
  return log;
}

/** A time to report from, and the end. */
function periodOf(lines: readonly (MailEvent | DecisionEvent)[], part: number): [sinceMs: number, nowMs: number] {
  const endMs = Math.max(START_MS, ...lines.map(({ at }) => at)) + 1;
  // Early ones, so that much is in it.
  return [Math.round(START_MS + (endMs - START_MS) * part * part), endMs];
}

test('the log alone, the history alone, and both, wherever one ends and the other begins: the same report', async () => {
  let heldCount = 0;
  await fc.assert(
    fc.asyncProperty(items, fc.tuple(shares, shares), share, async (some, cuts, part) => {
      await using past = await pasts.open();
      const lines = linesOf(some, false);
      await using log = await logOf(lines);
      await past.take(log);
      const period = periodOf(lines, part);
      const alone = await reported(log, noHistory, ...period);
      heldCount += alone.scenarios.reduce((sum, { acceptedMail }) => sum + acceptedMail, 0);
      const expected = withoutCoverage(alone);
      expect(withoutCoverage(await reported(await goneFrom(log), past.history, ...period))).toEqual(expected);
      expect(withoutCoverage(await reported(log, past.history, ...period))).toEqual(expected);
      for (const cut of cuts) {
        const firsts = await offsetsOf(log, (count, turn) => count * (cut[turn] ?? 0));
        expect(withoutCoverage(await reported(cutLog(log, firsts), past.history, ...period))).toEqual(expected);
      }
    }),
    { numRuns: 8, endOnFailure: true },
  );
  expect(heldCount).toBeGreaterThan(0);
}, 180_000);

test('a history that is behind says the same of what the log has lost', async () => {
  await fc.assert(
    fc.asyncProperty(items, shares, share, share, async (some, cut, seen, part) => {
      await using past = await pasts.open();
      const lines = linesOf(some, true);
      await using log = await logOf(lines);
      await using earlier = await logOf(lines.slice(0, Math.round(lines.length * seen)));
      await past.take(earlier);
      const firsts = await offsetsOf(earlier, (count, turn) => count * (cut[turn] ?? 0));
      const period = periodOf(lines, part);
      const expected = withoutCoverage(await reported(log, noHistory, ...period));
      expect(withoutCoverage(await reported(cutLog(log, firsts), past.history, ...period))).toEqual(expected);
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 120_000);

const at = (minutes: number): number => START_MS + minutes * MINUTE_MS;
const mailAt = (minutes: number, fields: Partial<MailEvent & { type: 'mail' }> = {}): MailEvent =>
  aMail({ at: at(minutes), sid: sidOf(minutes), ip: '198.51.100.7', ...fields });

/** Decisions of one scenario each, in minutes, and how much of the mail that came meanwhile they hold. */
const heldCases: readonly {
  readonly name: string;
  readonly of: readonly (Partial<DecisionMade> & { readonly from: number; readonly to: number })[];
  /** When the last of them was taken back. */
  readonly revoked?: number;
  /** Minute and address of accepted mail. */
  readonly mail: readonly (readonly [number, string])[];
  readonly held: number;
}[] = [
  { name: 'all of IPv6', of: [{ value: '::/0', from: 0, to: 9 }], mail: [[1, '198.51.100.7']], held: 0 },
  { name: 'all of IPv6, IPv6', of: [{ value: '::/0', from: 0, to: 9 }], mail: [[1, '2001:db8::1']], held: 1 },
  { name: 'all of IPv4', of: [{ value: '0.0.0.0/0', from: 0, to: 9 }], mail: [[1, '198.51.100.7']], held: 1 },
  { name: 'all of IPv4, IPv6', of: [{ value: '0.0.0.0/0', from: 0, to: 9 }], mail: [[1, '2001:db8::1']], held: 0 },
  { name: 'no range', of: [{ value: '198.51.100.7/24', from: 0, to: 9 }], mail: [[1, '198.51.100.7']], held: 0 },
  {
    name: 'a /64',
    of: [{ value: '2001:db8:1:2::/64', from: 0, to: 9 }],
    mail: [
      [1, '2001:db8:1:2:ffff::1'],
      [1, '2001:db8:1:3::1'],
    ],
    held: 1,
  },
  {
    name: 'from its first moment to its last',
    of: [{ from: 2, to: 4 }],
    mail: [1, 2, 3, 4].map((minute) => [minute, '198.51.100.7'] as const),
    held: 2,
  },
  { name: 'another listener', of: [{ from: 0, to: 9, roles: ['submission'] }], mail: [[1, '198.51.100.7']], held: 0 },
  { name: 'only slow', of: [{ from: 0, to: 9, action: 'slow' }], mail: [[1, '198.51.100.7']], held: 0 },
  { name: 'of an operator', of: [{ from: 0, to: 9, origin: 'operator' }], mail: [[1, '198.51.100.7']], held: 0 },
  {
    name: 'an address and its range',
    of: [
      { from: 0, to: 9 },
      { from: 0, to: 9, value: '198.51.100.0/24' },
    ],
    mail: [[1, '198.51.100.7']],
    held: 1,
  },
  {
    name: 'taken back',
    of: [{ from: 0, to: 9 }],
    revoked: 3,
    mail: [2, 3, 4].map((minute) => [minute, '198.51.100.7'] as const),
    held: 1,
  },
  {
    name: 'the second taken back, not the first',
    of: [
      { from: 0, to: 6, roles: ['mx', 'submission'] },
      { from: 2, to: 9, roles: ['submission', 'mx'] },
    ],
    revoked: 3,
    mail: [2, 5, 7].map((minute) => [minute, '198.51.100.7'] as const),
    held: 2,
  },
  {
    name: 'the second was over before the report, and the first is taken back',
    of: [
      { from: -5, to: 9 },
      { from: -4, to: -1 },
    ],
    revoked: 3,
    mail: [2, 5].map((minute) => [minute, '198.51.100.7'] as const),
    held: 1,
  },
];

test('what decisions hold, and how long: the same in the log and in the history', async () => {
  await using past = await pasts.open();
  const lines = heldCases.flatMap(({ name, of, revoked, mail }, index): (MailEvent | DecisionEvent)[] => {
    const scenario = `${index} ${name}`;
    // Each case has hours of its own.
    const base = (index + 1) * 60;
    const made = of.map(({ from, to, ...fields }, which) =>
      aDecision({
        value: '198.51.100.7',
        roles: ['mx'],
        ...fields,
        scenario,
        id: `${index} ${which}`,
        at: at(base + from),
        until: at(base + to),
      }),
    );
    const last = made.at(-1);
    return [
      ...made,
      ...(revoked === undefined || last === undefined ? [] : [{ ...aRevocation(last), at: at(base + revoked) }]),
      ...mail.map(([minute, ip]) => mailAt(base + minute, { ip })),
    ];
  });
  const log = await logOf(lines);
  await past.take(log);
  const expected = heldCases.map(({ name, held }, index) => [`${index} ${name}`, held]);
  for (const [index] of heldCases.entries()) {
    const period = [at((index + 1) * 60), at((index + 1) * 60 + 30)] as const;
    for (const [each, history] of [
      [log, noHistory],
      [await goneFrom(log), past.history],
    ] as const) {
      const { scenarios } = await reported(each, history, ...period);
      const [name, held] = expected[index] ?? [];
      expect([name, scenarios.find(({ scenario }) => scenario === name)?.acceptedMail ?? 0]).toEqual([name, held]);
    }
  }
}, 60_000);

test('after the loss of a log the history has what was in it, though its offsets come once more', async () => {
  await using past = await pasts.open();
  const lost = await logOf([1, 2, 3, 4, 5, 6].map((minutes) => mailAt(minutes)));
  await past.take(lost);
  const again = await logOf([10, 11, 12].map((minutes) => mailAt(minutes)));
  await past.take(again);
  const { acceptedMail, coverage } = await reported(again, past.history, START_MS, at(20));
  expect([acceptedMail, coverage]).toEqual([9, { fromMs: at(1), source: 'log-and-history' }]);
});

test('a log that reaches back far enough answers alone; decisions that were made before count', async () => {
  const asked: string[] = [];
  const watched: History = {
    isThere: async () => true,
    ask: async (sql) => {
      asked.push(sql);
      return { ok: false, error: { kind: 'away', text: 'away' } };
    },
  };
  const all = await logOf([mailAt(0), mailAt(20)]);
  const enough = await reported(all, watched, at(10), at(30));
  expect([enough.coverage, enough.acceptedMail, asked]).toEqual([{ fromMs: at(10), source: 'log' }, 1, []]);
  // Events from outside of the time that events may wait in a gate are needed.
  await reported(all, watched, at(10) - 1, at(30));
  expect(asked).toHaveLength(1);

  await using past = await pasts.open();
  const decision = aDecision({ at: at(0), until: at(15), value: '198.51.100.7', id: 'd' });
  const other = aDecision({ at: at(1), until: at(15), value: '198.51.100.7', scenario: 'relay-probe', id: 'e' });
  const decided = await logOf([decision, other, mailAt(0), mailAt(12)]);
  await past.take(decided);
  const ends = await offsetsOf(decided, (count) => count);
  const withoutDecisions = cutLog(decided, (stream, partition) =>
    stream === 'postern.decisions' ? ends(stream, partition) : 0,
  );
  const report = await reported(withoutDecisions, past.history, at(11), at(30));
  expect(report.affected).toEqual([{ source: '198.51.100.7', scenario: 'recipient-harvest', acceptedMail: 1 }]);
  expect(report.scenarios.map(({ scenario, decisions, sources }) => [scenario, decisions, sources])).toEqual([
    ['recipient-harvest', 1, 1],
    ['relay-probe', 1, 1],
  ]);
});

test.each([
  { kind: 'none', isTrimmed: false, note: undefined },
  { kind: 'none', isTrimmed: true, note: 'Nothing older is in the log. No history.' },
  { kind: 'away', isTrimmed: false, note: 'Nothing older is in the log. No history.' },
  { kind: 'refused', isTrimmed: true, note: 'Nothing older is in the log. No history.' },
] as const)('where the history is $kind and the log is trimmed ($isTrimmed) the log answers: $note', async (given) => {
  const log = await logOf([mailAt(1), mailAt(2)]);
  const history: History = {
    isThere: async () => false,
    ask: async () => ({ ok: false, error: { kind: given.kind, text: 'No history.' } }),
  };
  const cut = cutLog(log, await offsetsOf(log, (count) => (given.isTrimmed ? Math.max(0, count - 1) : 0)));
  const { coverage, acceptedMail } = await reported(cut, history, START_MS, at(20));
  expect(acceptedMail).toBe(given.isTrimmed ? 1 : 2);
  const { note } = given;
  expect(coverage).toEqual({
    fromMs: at(given.isTrimmed ? 2 : 1),
    source: 'log',
    ...(note === undefined ? {} : { note }),
  });
});

test('a history that fails in the middle leaves the answer to the log, and nothing of it behind', async () => {
  await using past = await pasts.open();
  const decision = aDecision({ at: at(0), until: at(60), value: '198.51.100.7' });
  const log = await logOf([decision, mailAt(1), mailAt(2), mailAt(3)]);
  await past.take(log);
  const cut = cutLog(log, await offsetsOf(log, (count) => count - 1));
  const expected = withoutCoverage(await reported(cut, noHistory, START_MS, at(20)));
  expect(withoutCoverage(await reported(cut, past.history, START_MS, at(20)))).not.toEqual(expected);
  for (let answers = 0; answers < 8; answers += 1) {
    let left = answers;
    const failing: History = {
      isThere: async () => true,
      ask: async (sql, parameters) => {
        left -= 1;
        return left < 0 ? { ok: false, error: { kind: 'refused', text: 'Full.' } } : past.history.ask(sql, parameters);
      },
    };
    const { coverage, ...summary } = await reported(cut, failing, START_MS, at(20));
    expect(summary, String(answers)).toEqual(expected);
    expect(coverage).toMatchObject({ source: 'log', note: 'Nothing older is in the log. Full.' });
  }
});

test('of sources no more are named than asked for: those with the most mail', async () => {
  await using past = await pasts.open();
  const ips = ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.3', '198.51.100.1', '198.51.100.3'];
  const decision = aDecision({ at: at(0), until: at(60), value: '198.51.100.0/24' });
  await past.take(await logOf([decision, ...ips.map((ip, index) => mailAt(index + 1, { ip }))]));
  const parameters = { firsts: [99, 99, 99, 99], earliests: [0, 0, 0, 0], since: START_MS, from: START_MS, to: at(60) };
  expect(await past.history.ask(heldQuery(2), parameters)).toMatchObject({
    value: {
      rows: [
        [
          'recipient-harvest',
          0,
          6,
          [
            ['::ffff:198.51.100.3', 3],
            ['::ffff:198.51.100.1', 2],
          ],
        ],
      ],
    },
  });
});

test('decisions come page by page', async () => {
  await using past = await pasts.open();
  const lines = Array.from({ length: DECISIONS_PAGE + 5 }, (_, index) =>
    JSON.stringify({
      ...aDecision({ at: at(0), until: at(5), id: String(index), value: `10.0.${index >> 8}.${index & 255}` }),
      logPartition: 0,
      // Of two logs: each offset comes twice.
      logOffset: index >> 1,
    }),
  );
  expect((await past.database.insert('decisions', lines, 'many')).ok).toBe(true);
  await using log = openMemoryLog();
  const { scenarios } = await reported(log, past.history, START_MS, at(20));
  expect(scenarios).toMatchObject([{ decisions: lines.length, sources: lines.length }]);
});

test('a period is asked day by day, or in no more than so many steps', () => {
  const day = 24 * HOUR_MS;
  const nowMs = START_MS + 10 * HOUR_MS;
  expect(stepsOf({ sinceMs: START_MS - HOUR_MS, nowMs })).toEqual([
    { from: START_MS - HOUR_MS, to: START_MS },
    { from: START_MS, to: START_MS + day },
    { from: START_MS + day, to: expect.any(Number) },
  ]);
  for (const days of [1, STEPS_MAX - 1, STEPS_MAX, STEPS_MAX + 1, 10 * STEPS_MAX, 3650]) {
    const steps = stepsOf({ sinceMs: nowMs - days * day, nowMs });
    expect(steps.length, String(days)).toBeLessThanOrEqual(STEPS_MAX + 2);
    expect(steps.slice(1).every(({ from }, index) => from === steps[index]?.to)).toBe(true);
    expect([steps[0]?.from, (steps.at(-1)?.to ?? 0) > nowMs + day]).toEqual([nowMs - days * day, true]);
  }
});
