import { expect, test } from 'vitest';
import type { Judged } from '../../cli/demo/judge.ts';
import { plain } from '../../cli/demo/paint.ts';
import { isAsTold, type Report, reportJson, reportText } from '../../cli/demo/report.ts';
import type { StoryLine } from '../../cli/demo/story.ts';

const line: StoryLine = {
  id: 'inbound.plain',
  act: 'inbound',
  what: 'plain mail',
  source: '192.0.2.1',
  door: 'mx',
  told: { delivered: 1 },
};
const good: Judged = {
  line,
  came: { delivered: 1 },
  asTold: true,
  deliveries: [
    {
      number: 1,
      source: '192.0.2.1',
      account: undefined,
      reversePath: 'ann@partner.example',
      forwardPaths: ['alice@example.com'],
      octets: 10_485_760,
      sha256: 'da2491aef0a231b26518bd4568086816e18e50dd458419b2f5d63c21bdd3ba0f',
      file: '0001.eml',
      isEqual: true,
    },
  ],
};
const bad: Judged = {
  line: { ...line, id: 'flood.rate', act: 'flood', told: { 'ended limits.rate': [10, 20] } },
  came: {},
  asTold: false,
  deliveries: [],
};
const report = (judged: readonly Judged[], wholeSessions = 3): Report => ({
  judged,
  totals: { events: 20, sessions: 3, wholeSessions, commands: 9, verdicts: { accept: 7, refuse: 2 }, mailAccepted: 1 },
  durationMs: 12_345,
});

test.each<[string, Report, boolean]>([
  ['every line as told, every session whole', report([good]), true],
  ['one line otherwise', report([good, bad]), false],
  ['one session with a gap', report([good], 2), false],
])('all is as told: %s', (_what, given, expected) => {
  expect(isAsTold(given)).toBe(expected);
});

test('the table shows every line, what was delivered, and what the log holds', () => {
  expect(reportText(report([good, bad]), plain)).toMatchInlineSnapshot(`
    "
    Ordinary mail from other servers: delivered, unchanged to the octet
      ✓ plain mail                                                     delivered

    A flood of connections from one source, and mail that passes meanwhile
      ✗ plain mail                                                     nothing
        as told it would have been                                     ended limits.rate ×10–20

    What the server behind holds
      inbound.plain (192.0.2.1)                    10,485,760 octets  da2491aef0a231b2…  equal to what was sent

    What the event log holds
      20 events of 3 sessions; 9 commands, a verdict each: accept 7, refuse 2
      3 of 3 sessions are whole, from connection to end, without a gap

    1 of 2 lines came out as told, in 12.3 s."
  `);
});

test('a session with a gap stands in the table', () => {
  expect(reportText(report([good], 2), plain)).toContain('2 of 3 sessions are whole');
});

test('tones mark what is well and what is not', () => {
  const text = reportText(report([good, bad]), (tone, shown) => `[${tone}:${shown}]`);
  expect(text).toContain('[good:✓]');
  expect(text).toContain('[bad:✗]');
  expect(text).toContain('[bad:1 of 2 lines came out as told');
});

test('the JSON has the same', () => {
  expect(JSON.parse(reportJson(report([good, bad])))).toEqual({
    asTold: false,
    lines: [
      {
        ...line,
        came: { delivered: 1 },
        asTold: true,
        delivered: [{ octets: 10_485_760, sha256: good.deliveries[0]?.sha256, isEqual: true }],
      },
      { ...bad.line, came: {}, asTold: false, delivered: [] },
    ],
    totals: report([]).totals,
    durationMs: 12_345,
  });
});
