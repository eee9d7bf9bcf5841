import { expect, test } from 'vitest';
import { decisionLine, lastingText } from '../../cli/format/decision-line.ts';
import { aDecision } from '../support/decisions.ts';
import { HOSTILE, TREACHEROUS } from '../support/hostile.ts';

const YEAR_MS = 31_536_000_000;

test.each([
  [1000, 'over'],
  [999, 'over'],
  [1001, '0 s left'],
  [61_000, '1 min left'],
  [1000 + 10 * YEAR_MS, '3650 d left'],
  [1001 + 10 * YEAR_MS, 'for good'],
  [Number.MAX_SAFE_INTEGER, 'for good'],
])('at 1000 what ends at %i is "%s"', (until, text) => expect(lastingText(until, 1000)).toBe(text));

test.each([
  {
    decision: {},
    observed: false,
    line: '198.51.100.7         refuse  for good       recipient-harvest (0123456789abcdef)',
  },
  {
    decision: { action: 'defer', roles: ['mx'], until: 7_200_000 },
    observed: true,
    line: '198.51.100.7         defer   2 h left       recipient-harvest on mx, observed only (0123456789abcdef)',
  },
  {
    decision: { value: '2001:db8:1234:5678::/64', action: 'slow', roles: ['mx', 'submission'], until: 0 },
    observed: null,
    line: '2001:db8:1234:5678::/64 slow    over           recipient-harvest on mx, submission, whether it acts is not known (0123456789abcdef)',
  },
  {
    decision: { origin: 'operator', scenario: 'operator', by: 'eve', action: 'allow' },
    observed: false,
    line: '198.51.100.7         allow   for good       by eve (0123456789abcdef)',
  },
  {
    decision: { origin: 'operator', scenario: 'operator' },
    observed: false,
    line: '198.51.100.7         refuse  for good       by an operator (0123456789abcdef)',
  },
] as const)('$line', ({ decision, observed, line }) => {
  const { roles, ...rest } = { roles: undefined, ...decision };
  const made = aDecision(roles === undefined ? rest : { ...rest, roles: [...roles] });
  expect(decisionLine(made, observed, 0)).toBe(line);
});

test.each(['value', 'scenario', 'by', 'id'] as const)(
  'a hostile %s stays on its line, and reaches no terminal',
  (field) => {
    const origin = field === 'by' ? 'operator' : 'analyzer';
    const line = decisionLine(aDecision({ origin, [field]: `x${HOSTILE}` }), false, 0);
    expect(line).toContain('x\\u001b[2J');
    expect(line).not.toContain('\n');
    expect(line).not.toMatch(TREACHEROUS);
  },
);

test('text without end is cut', () => {
  const endless = 'x'.repeat(5000);
  const line = decisionLine(aDecision({ value: endless, scenario: endless, id: endless }), false, 0);
  expect(line.length).toBeLessThan(700);
});
