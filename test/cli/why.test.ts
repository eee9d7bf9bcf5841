import { expect, test } from 'vitest';
import { formatWhy, type Why, type WhyDecision } from '../../cli/format/why.ts';
import { noHistory } from '../../cli/store/history-server.ts';
import type { ModesInUse } from '../../cli/watch/modes-in-use.ts';
import { gatherWhy } from '../../cli/why/gather.ts';
import { encodeEvent, partitionKeyOf } from '../../events/codec.ts';
import { type DecisionEvent, type DecisionMade, decisionKey } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { openMemoryLog } from '../../log/io/memory-log.ts';
import { aDecision, aRevocation } from '../support/decisions.ts';
import { aCommand, everyEvent } from '../support/events.ts';
import { hostile, TREACHEROUS } from '../support/hostile.ts';
import { START_MS } from '../support/watch.ts';

const sid = '01890a5d-ac96-774b-bcce-b302099a8057';
const ip = '198.51.100.7';
const NOW_MS = START_MS + 3_600_000;

const refused = aCommand({
  at: START_MS,
  ip,
  sid,
  seq: 3,
  forwardPath: 'guess@example.com',
  verdict: { action: 'refuse', rule: 'recipient.unknown' },
  reply: { code: 550, enhanced: '5.1.1', text: 'no such user', from: 'gate' },
});

const full = aDecision({
  at: START_MS,
  until: NOW_MS + 7_200_000,
  roles: ['mx'],
  action: 'defer',
  scenarioVersion: 2,
  standing: 'with-history',
  score: 5120,
  threshold: 4096,
  held: 'it has good history',
  facts: { recipients: 12 },
  ledger: [
    { sid, seq: 3, at: START_MS, weight: 1945, what: 'unknown-recipient' },
    { sid, seq: 99, at: START_MS, weight: 1024, what: 'gone' },
  ],
  forgotten: true,
  counter: [{ at: START_MS, weight: -512, what: 'good-mail' }],
});

const why = (decision: Partial<WhyDecision> = {}, fields: Partial<Why> = {}): Why => ({
  subject: ip,
  modes: 'configuration',
  ip,
  decisions: [{ decision: full, isObserved: false, ...decision }],
  evidence: { [sid]: [refused] },
  sessions: [[refused]],
  coverage: { fromMs: START_MS, source: 'log' },
  ...fields,
});

const linesOf = (told: Why): readonly string[] => formatWhy(told, NOW_MS, false).split('\n');

test('the whole chain: what, until when, who, why, on what evidence, and what undoes it', () => {
  expect(linesOf(why())).toEqual([
    '198.51.100.7: defer, 2 h left',
    '  decided 2026-01-01 00:00:00 UTC by recipient-harvest version 2, for mx; id 0123456789abcdef',
    '  because it asked for many addresses that do not exist',
    '  milder than its score asks for: it has good history',
    '  score 5.0, threshold 4.0; standing with-history',
    '  recipients: 12',
    '  +1.9 unknown-recipient: 00:00:00.000 198.51.100.7    mx          RCPT      <guess@example.com> refuse recipient.unknown 550 5.1.1 "no such user"',
    '  +1.0 gone: 2026-01-01 00:00:00 (the event is not kept any more)',
    '  and more that is not known any more',
    '  What speaks for it:',
    '  -0.5 good-mail: 2026-01-01 00:00:00 (the event is not kept any more)',
    '  Undo: postern unblock 198.51.100.7',
    '',
    'Session:',
    '  00:00:00.000 198.51.100.7    mx          RCPT      <guess@example.com> refuse recipient.unknown 550 5.1.1 "no such user"',
    '  Rule recipient.unknown objected: docs/rules.md says when, policy.modes turns it off where that is possible.',
    '',
  ]);
});

test.each([
  { name: 'acts', decision: {}, head: 'defer, 2 h left', undo: 'unblock 198.51.100.7' },
  {
    name: 'observes',
    decision: { isObserved: true },
    head: 'defer (observed only: nothing is refused), 2 h left',
    undo: 'unblock 198.51.100.7',
  },
  {
    name: 'may do either',
    decision: { isObserved: null },
    head: 'defer (whether it acts is not known), 2 h left',
    undo: 'unblock 198.51.100.7',
  },
  { name: 'was taken back', decision: { revokedBy: 'eve: a customer' }, head: 'defer, taken back by eve: a customer' },
  { name: 'was replaced', decision: { replacedBy: 'fedcba9876543210' }, head: 'defer, replaced by fedcba9876543210' },
  { name: 'is over', decision: { decision: { ...full, until: NOW_MS } }, head: 'defer, over' },
  {
    name: 'lets in',
    decision: { decision: { ...full, action: 'allow', origin: 'operator', by: 'eve' } },
    head: 'allow, 2 h left',
    undo: 'allow --off 198.51.100.7',
  },
] as const)('a decision that $name: $head', ({ decision, head, ...rest }) => {
  const lines = linesOf(why(decision as Partial<WhyDecision>));
  expect(lines[0]).toBe(`198.51.100.7: ${head}`);
  expect(lines.find((line) => line.includes('Undo'))).toBe('undo' in rest ? `  Undo: postern ${rest.undo}` : undefined);
});

test('an operator is named, one without a name too; a decision without an account has only its reason', () => {
  const bare = aDecision({ origin: 'operator', by: 'eve', reason: 'spam run' });
  expect(linesOf(why({ decision: bare }, { sessions: [] }))).toEqual([
    '198.51.100.7: refuse, for good',
    '  decided 1970-01-01 00:00:00 UTC by eve, for mx, submission, submissions; id 0123456789abcdef',
    '  because spam run',
    '  Undo: postern unblock 198.51.100.7',
    '',
  ]);
  const { by: _by, ...nameless } = bare;
  expect(linesOf(why({ decision: nameless }))[1]).toContain(' by an operator, for');
});

test("where it is not known whether decisions act, that comes first; people's decisions always act", () => {
  expect(linesOf(why({ isObserved: null }, { modes: 'unknown' }))[0]).toContain('act is not known');
  expect(linesOf(why({ isObserved: false }, { modes: 'gate' }))[0]).toContain('what the gate that runs says');
  const own = why({ decision: { ...full, origin: 'operator' } }, { modes: 'unknown' });
  expect(linesOf(own)[0]).toBe('198.51.100.7: defer, 2 h left');
});

test('where something may be missing the last line says so', () => {
  const told = why({}, { coverage: { fromMs: START_MS, source: 'log', note: 'Nothing older is in the log. Nobody.' } });
  expect(linesOf(told)).toEqual([
    ...linesOf(why()).slice(0, -1),
    'Covered from 2026-01-01 00:00 UTC on. Nothing older is in the log. Nobody.',
    '',
  ]);
});

test('nobody knows of anything', () => {
  const { coverage } = why();
  expect(linesOf({ subject: 'x', modes: 'unknown', decisions: [], evidence: {}, sessions: [], coverage })).toEqual([
    'No decision is known about x.',
    '',
  ]);
});

/** Fields whose text is one of few: the schemas let nothing else into the log. */
const kept = new Set(
  'type action origin scope roles role sid modes from outcome leg kind severity closedBy'.split(' '),
);

test('hostile text in any field of decisions and sessions begins no line, and reaches no terminal', () => {
  const told = why(
    { revokedBy: 'eve' },
    {
      decisions: [
        { decision: full, isObserved: null },
        { decision: full, isObserved: false, revokedBy: 'eve: x' },
        { decision: full, isObserved: true, replacedBy: 'x' },
        { decision: { ...full, origin: 'operator', by: 'eve' }, isObserved: false },
      ],
      sessions: [[refused, ...everyEvent]],
      coverage: { fromMs: START_MS, source: 'log', note: 'Nobody.' },
    },
  );
  const attacked = hostile(told, kept);
  const decisions = attacked.decisions.map((each) => ({ ...each, decision: { ...each.decision, roles: full.roles } }));
  const facts = { 'recipients\u001b[2J\n\u202e': 12 };
  const text = formatWhy(
    { ...attacked, decisions: decisions.map((each) => ({ ...each, decision: { ...each.decision, facts } })) },
    NOW_MS,
    false,
  );
  expect(text).toContain('guess@example.com\\u001b[2J');
  expect(text).not.toMatch(TREACHEROUS);
  expect(text.split('\n').length).toBe(formatWhy(told, NOW_MS, false).split('\n').length);
  expect(formatWhy({ ...attacked, decisions: [] }, NOW_MS, false)).not.toMatch(TREACHEROUS);
});

const acting: ModesInUse = { source: 'configuration', isObserved: () => false };

/** A log of these, and what it knows of a subject. */
async function gathered(
  subject: Parameters<typeof gatherWhy>[1],
  decisions: readonly DecisionEvent[],
  events: readonly MailEvent[] = [],
): Promise<Why> {
  await using log = openMemoryLog();
  const append = (stream: 'postern.events' | 'postern.decisions', key: string, payload: string) =>
    log.append([{ stream, key, payload }]);
  for (const decision of decisions) await append('postern.decisions', decisionKey(decision), encodeEvent(decision));
  for (const event of events) await append('postern.events', partitionKeyOf(event) ?? '', encodeEvent(event));
  await append('postern.decisions', 'x', '{"type":"of a later release"}');
  await append('postern.events', 'x', `{"type":"of a later release","sid":"${sid}"}`);
  return gatherWhy({ log, history: noHistory }, subject, acting, NOW_MS);
}

const about = (value: string, fields: Partial<DecisionMade> = {}) => aDecision({ value, id: value, ...fields });

test.each([
  { asked: '198.51.100.7', found: ['198.51.100.7', '198.51.100.0/24'] },
  { asked: '198.51.100.8', found: ['198.51.100.0/24'] },
  { asked: '198.51.0.0/16', found: ['198.51.100.7', '198.51.100.0/24'] },
  { asked: '203.0.113.1', found: [] },
  { asked: '2001:db8::1', found: ['2001:db8::/64'] },
])('about $asked are the decisions of $found', async ({ asked, found }) => {
  const decisions = [
    about('198.51.100.7'),
    about('198.51.100.0/24', { at: 1 }),
    about('2001:db8::/64'),
    about('example.com', { scope: 'domain' }),
  ];
  const told = await gathered({ kind: 'source', value: asked }, decisions);
  expect(told.decisions.map(({ decision }) => decision.value)).toEqual(found);
  expect([told.subject, told.ip, told.modes]).toEqual([asked, asked, 'configuration']);
});

test('of the decisions of one key the last one stands; one that was taken back says by whom', async () => {
  const first = about(ip, { id: 'first', at: 1 });
  const second = about(ip, { id: 'second', at: 2 });
  const told = await gathered({ kind: 'source', value: ip }, [first, second, aRevocation(second)]);
  expect(told.decisions).toMatchObject([
    { decision: { id: 'first' }, replacedBy: 'second' },
    { decision: { id: 'second' }, revokedBy: 'operator: a mistake' },
  ]);
  expect(told.decisions[1]).not.toHaveProperty('replacedBy');
});

test('an id finds its decision alone, with the events that it rests on', async () => {
  const other = about('198.51.100.9', { id: 'other' });
  const told = await gathered({ kind: 'decision', id: full.id }, [full, other], [refused]);
  expect(told.decisions.map(({ decision }) => decision.id)).toEqual([full.id]);
  expect(told.evidence[sid]).toEqual([refused]);
});

test('a session finds the decisions about its source', async () => {
  const told = await gathered({ kind: 'session', sid }, [full, about('198.51.100.9')], [refused]);
  expect([told.ip, told.sessions, told.decisions.length]).toEqual([ip, [[refused]], 1]);
});

test("of a source the last sessions are shown, the newest last, and nobody else's", async () => {
  const opened = everyEvent.find(({ type }) => type === 'session-opened') as Extract<
    MailEvent,
    { type: 'session-opened' }
  >;
  const session = (index: number, from = ip): MailEvent[] => {
    const its = { sid: `01890a5d-ac96-774b-bcce-00000000000${index}`, ip: from, at: index };
    return [{ ...opened, ...its }, aCommand({ ...its, seq: 1 })];
  };
  const events = [...[1, 2, 3, 4, 5, 6, 7].flatMap((index) => session(index)), ...session(8, '198.51.100.9')];
  const told = await gathered({ kind: 'source', value: ip }, [], events);
  expect(told.sessions.map(([first]) => first?.at)).toEqual([3, 4, 5, 6, 7]);
  expect(told.sessions.every((each) => each.length === 2)).toBe(true);
});
