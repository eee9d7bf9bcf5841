import { expect, test } from 'vitest';
import { formatReport } from '../../cli/format/report.ts';
import type { CoveredSummary } from '../../cli/report/gather.ts';
import { Report, SOURCES_MAX, SOURCES_SHOWN_MAX, type Summary, type Sums } from '../../cli/report/report.ts';
import type { ModesInUse } from '../../cli/watch/modes-in-use.ts';
import type { DecisionEvent } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { aDecision, aRevocation } from '../support/decisions.ts';
import { aCommand, aMail, everyEvent } from '../support/events.ts';
import { HOSTILE, hostile, TREACHEROUS } from '../support/hostile.ts';

const SINCE_MS = 1_000_000;
/** When the decisions of these tests are made. */
const MADE_MS = 2_000_000;
const ip = '198.51.100.7';

const observing = (...scenarios: readonly string[]): ModesInUse => ({
  source: 'configuration',
  isObserved: ({ scenario }) => scenarios.includes(scenario),
});
const unknown: ModesInUse = { source: 'unknown', isObserved: ({ origin }) => (origin === 'analyzer' ? null : false) };

function summaryOf(
  decisions: readonly DecisionEvent[],
  events: readonly MailEvent[],
  modes = observing('recipient-harvest'),
): Summary {
  const report = new Report(SINCE_MS, modes);
  for (const decision of decisions) report.addDecision(decision);
  for (const event of events) report.addEvent(event);
  return report.summary();
}

const made = aDecision({ at: MADE_MS, until: MADE_MS + 1000, roles: ['mx'] });
const mailAt = (at: number, fields: Partial<MailEvent & { type: 'mail' }> = {}) => aMail({ at, ip, ...fields });

test.each([
  { name: 'while it holds', mail: mailAt(MADE_MS), count: 1 },
  { name: 'in its last moment', mail: mailAt(MADE_MS + 999), count: 1 },
  { name: 'at its end', mail: mailAt(MADE_MS + 1000), count: 0 },
  { name: 'before it', mail: mailAt(MADE_MS - 1), count: 0 },
  { name: 'of another source', mail: mailAt(MADE_MS, { ip: '198.51.100.8' }), count: 0 },
  { name: 'on another listener', mail: mailAt(MADE_MS, { role: 'submission' }), count: 0 },
  { name: 'that was refused', mail: mailAt(MADE_MS, { outcome: 'rejected' }), count: 0 },
])('mail $name counts $count times against an observed decision', ({ mail, count }) => {
  const { affected, scenarios, acceptedMail } = summaryOf([made], [mail]);
  expect(scenarios[0]?.acceptedMail).toBe(count);
  expect(affected).toEqual(count === 0 ? [] : [{ source: ip, scenario: 'recipient-harvest', acceptedMail: count }]);
  expect(acceptedMail).toBe(mail.outcome === 'accepted' ? 1 : 0);
});

test.each([
  { name: 'acts', modes: observing(), affected: 0, isObserved: false },
  { name: 'observes', modes: observing('recipient-harvest'), affected: 1, isObserved: true },
  { name: 'may do either', modes: unknown, affected: 1, isObserved: null },
])('of a decision that $name $affected accepted messages are shown first', ({ modes, affected, isObserved }) => {
  const summary = summaryOf([made], [mailAt(MADE_MS)], modes);
  expect([summary.affected.length, summary.modes]).toEqual([affected, modes.source]);
  expect(summary.scenarios).toMatchObject([{ isObserved, acceptedMail: 1, decisions: 1, sources: 1 }]);
});

test.each([
  { name: 'only slows', decision: aDecision({ ...made, action: 'slow' }), decisions: 1 },
  { name: 'was over before', decision: aDecision({ ...made, until: SINCE_MS - 1 }), decisions: 0 },
  { name: 'is of an operator', decision: aDecision({ ...made, origin: 'operator' }), decisions: 0 },
  { name: 'is about an account', decision: aDecision({ ...made, scope: 'account', value: 'a' }), decisions: 1 },
])('a decision that $name keeps no mail out', ({ decision, decisions }) => {
  const { affected, scenarios } = summaryOf([decision], [mailAt(MADE_MS)]);
  expect(affected).toEqual([]);
  expect(scenarios.reduce((sum, each) => sum + each.decisions, 0)).toBe(decisions);
});

test('a decision that was taken back keeps no mail out from then on', () => {
  const mails = [mailAt(MADE_MS), mailAt(MADE_MS + 1), mailAt(MADE_MS + 2)];
  expect(summaryOf([made, aRevocation(made)], mails).affected).toMatchObject([{ acceptedMail: 1 }]);
});

test('a range and an address of one scenario count mail once; two scenarios count it for each', () => {
  const range = aDecision({ ...made, id: 'range', scope: 'range', value: '198.51.100.0/24' });
  const other = aDecision({ ...made, id: 'other', scenario: 'slow-session' });
  const { affected, acceptedMail } = summaryOf([made, range, other], [mailAt(MADE_MS)], unknown);
  expect(acceptedMail).toBe(1);
  expect(affected.map(({ scenario, acceptedMail: count }) => `${scenario} ${count}`).toSorted()).toEqual([
    'recipient-harvest 1',
    'slow-session 1',
  ]);
});

test('rules are counted by what they refused and what they would have; events before the time asked for are not', () => {
  const refused = aCommand({ at: MADE_MS, verdict: { action: 'refuse', rule: 'relay.denied' } });
  const observed = aCommand({ at: MADE_MS, observed: [{ rule: 'helo.syntax', action: 'refuse' }] });
  const before = aCommand({ at: SINCE_MS - 1, verdict: { action: 'refuse', rule: 'relay.denied' } });
  const refusals = everyEvent.filter(({ type }) => type === 'refusals');
  const opened = everyEvent
    .filter((event) => event.type === 'session-opened')
    .map((event) => ({ ...event, observed: [{ rule: 'limits.rate', action: 'close' as const }] }));
  const summary = summaryOf([], [refused, refused, observed, before, ...refusals, ...opened]);
  expect(summary.rules).toEqual([
    { rule: 'limits.rate', refused: 7, observed: 1 },
    { rule: 'relay.denied', refused: 2, observed: 0 },
    { rule: 'helo.syntax', refused: 0, observed: 1 },
  ]);
  expect([summary.sessions, summary.untilMs]).toEqual([1, everyEvent[0]?.at]);
});

test('sources with the most mail are named first, and no more than fit a screen', () => {
  const addresses = Array.from({ length: SOURCES_SHOWN_MAX + 5 }, (_, index) => `198.51.100.${index}`);
  const decisions = addresses.map((value) => aDecision({ ...made, id: value, value }));
  const mails = addresses.flatMap((value, index) =>
    Array.from({ length: index + 1 }, () => mailAt(MADE_MS, { ip: value })),
  );
  const { affected } = summaryOf(decisions, mails);
  expect(affected.length).toBe(SOURCES_SHOWN_MAX);
  expect(affected.map(({ acceptedMail }) => acceptedMail)).toEqual(
    Array.from({ length: SOURCES_SHOWN_MAX }, (_, index) => addresses.length - index),
  );
});

const sums = (sources: readonly string[], fields: Partial<Sums> = {}): Sums => ({
  sessions: 3,
  acceptedMail: 2,
  latestMs: MADE_MS + 5,
  rules: [{ rule: 'relay.denied', refused: 4, observed: 1 }],
  held: [
    {
      scenario: 'recipient-harvest',
      sessions: 2,
      acceptedMail: 2,
      sources: sources.map((source) => ({ source, acceptedMail: 2 })),
    },
  ],
  ...fields,
});

test('sums of the time before are added to what is counted one by one', () => {
  const report = new Report(SINCE_MS, observing('recipient-harvest'));
  report.addDecision(made);
  report.addEvent(mailAt(MADE_MS));
  report.addEvent(aCommand({ at: MADE_MS, verdict: { action: 'refuse', rule: 'relay.denied' } }));
  report.addSums(sums([ip, '2001:db8::/64']));
  report.addSums(sums([], { latestMs: 0, held: [] }));
  expect(report.summary()).toMatchObject({
    untilMs: MADE_MS + 5,
    sessions: 6,
    acceptedMail: 5,
    affected: [
      { source: ip, acceptedMail: 3 },
      { source: '2001:db8::/64', acceptedMail: 2 },
    ],
    scenarios: [{ scenario: 'recipient-harvest', sessions: 2, acceptedMail: 3, decisions: 1 }],
    rules: [{ rule: 'relay.denied', refused: 9, observed: 2 }],
  });
  const acting = new Report(SINCE_MS, observing());
  acting.addSums(sums([ip]));
  expect([acting.summary().affected, acting.summary().scenarios[0]?.acceptedMail]).toEqual([[], 2]);
});

test('no more sources are counted by name than so many, also of sums', () => {
  const report = new Report(SINCE_MS, observing('recipient-harvest'));
  report.addDecision(made);
  report.addSums(sums(Array.from({ length: SOURCES_MAX }, (_, index) => `source ${index}`)));
  report.addSums(sums(Array.from({ length: 3 }, () => 'one more')));
  report.addEvent(mailAt(MADE_MS));
  report.addSums(sums(['source 7']));
  const { affected, acceptedMail } = report.summary();
  expect(affected[0]).toEqual({ source: 'source 7', scenario: 'recipient-harvest', acceptedMail: 4 });
  expect(affected.every(({ acceptedMail: count }, index) => count === (index === 0 ? 4 : 2))).toBe(true);
  expect(affected.some(({ source }) => source === 'one more' || source === ip)).toBe(false);
  expect(acceptedMail).toBe(7);
});

test('those with as much stand in the order of their names', () => {
  const report = new Report(SINCE_MS, observing('a', 'b'));
  for (const rule of ['b', 'a'])
    report.addEvent(aCommand({ at: MADE_MS, verdict: { action: 'refuse', rule }, observed: [] }));
  for (const scenario of ['b', 'a']) report.addDecision(aDecision({ ...made, id: scenario, scenario }));
  report.addEvent(mailAt(MADE_MS));
  const { rules, scenarios, affected } = report.summary();
  expect([rules.map(({ rule }) => rule), scenarios.map(({ scenario }) => scenario)]).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ]);
  expect(affected.map(({ scenario }) => scenario)).toEqual(['a', 'b']);
});

const summary: CoveredSummary = {
  coverage: { fromMs: 0, source: 'log' },
  sinceMs: 0,
  untilMs: 86_400_000,
  modes: 'configuration',
  sessions: 12,
  acceptedMail: 5,
  affected: [{ source: ip, scenario: 'recipient-harvest', acceptedMail: 3 }],
  scenarios: [
    { scenario: 'recipient-harvest', isObserved: true, decisions: 2, sources: 1, sessions: 4, acceptedMail: 3 },
    { scenario: 'relay-probe', isObserved: false, decisions: 1, sources: 1, sessions: 1, acceptedMail: 0 },
    { scenario: 'slow-session', isObserved: true, decisions: 1, sources: 1, sessions: 1, acceptedMail: 0 },
  ],
  rules: [{ rule: 'relay.denied', refused: 9, observed: 0 }],
};

test('the report for people: accepted mail first, and only what kept none out is ready to act', () => {
  expect(formatReport(summary)).toBe(
    [
      '1970-01-01 00:00 to 1970-01-02 00:00 UTC: 12 sessions, 5 messages accepted.',
      '',
      'Accepted mail that decisions would have kept out, had they acted:',
      '        3  198.51.100.7             recipient-harvest',
      '  Look at each with postern why <address> before you promote its scenario.',
      '',
      'Scenario              mode      decisions  sources  sessions  accepted mail',
      'recipient-harvest     observes         2        1         4              3',
      'relay-probe           acts             1        1         1              0',
      'slow-session          observes         1        1         1              0',
      '',
      'Rule                  refused  observed',
      'relay.denied                9         0',
      '',
      'Ready to act, by this: set in watch.scenarios',
      '  slow-session: enforce',
      '',
    ].join('\n'),
  );
});

test('a report of nothing says so, and promotes nothing', () => {
  const text = formatReport({ ...summary, untilMs: 0, affected: [], scenarios: [], rules: [] });
  expect(text).toContain('No accepted message would have been kept out by a decision that only observes.');
  expect(text).toContain('  (no decision was made)');
  expect(text).not.toContain('Ready to act');
});

test('where it is not known which scenarios act, the report says so before all else, and promotes nothing', () => {
  const scenarios = summary.scenarios.map((each) => ({ ...each, isObserved: null }));
  const lines = formatReport({ ...summary, modes: 'unknown', scenarios }).split('\n');
  expect(lines[1]).toContain('whether decisions of analyzers act is not known');
  expect(lines.filter((line) => line.startsWith('slow-session') && line.includes(' unknown '))).toHaveLength(1);
  expect(lines.join('\n')).not.toContain('Ready to act');
});

test('where something is missing the report says from when on it is whole, and what to do', () => {
  const lines = formatReport(short).split('\n');
  expect(lines[1]).toBe('Covered from 1970-01-01 12:00 UTC on. Nothing older is in the log. Nobody.');
  expect(lines.filter((line) => !line.startsWith('Covered'))).toEqual(formatReport(summary).split('\n'));
});

const short: CoveredSummary = {
  ...summary,
  coverage: { fromMs: 43_200_000, source: 'log', note: 'Nothing older is in the log. Nobody.' },
};

test('hostile text in any field begins no line, and reaches no terminal', () => {
  const text = formatReport(hostile(short, new Set(['modes'])));
  expect(text).toContain(`198.51.100.7\\u001b[2J`);
  expect(text).not.toMatch(TREACHEROUS);
  expect(text.split('\n').length).toBe(formatReport(short).split('\n').length);
  expect(HOSTILE).toMatch(TREACHEROUS);
});
