import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dashboardList } from '../../console/dashboard-list.ts';
import {
  intervalSeconds,
  POINTS_MAX,
  panelQuery,
  RANGE_SECONDS_MAX,
  TIME_SECONDS_MAX,
  variableQuery,
} from '../../console/panel-query.ts';
import { dashboards } from '../../dashboards/all.ts';

const query = (parameters: Record<string, string>) => new Map(Object.entries(parameters));
const day = { from: '1767225600', to: '1767312000' };

test('every panel and every choice has its statement', () => {
  for (const { uid, panels, variables } of dashboards) {
    for (const { id } of panels) expect(panelQuery(uid, id, query(day)), `${uid} ${id}`).toMatchObject({ ok: true });
    for (const { kind, name } of variables)
      expect(variableQuery(uid, name, query(day))).toMatchObject({ ok: kind === 'choice' });
  }
});

test('what was chosen stands in it and cannot end its literal', () => {
  const statement = panelQuery('postern-sessions', 'session-list', query({ ...day, 'var-gate': "x' OR \\" }));
  expect(statement).toMatchObject({
    ok: true,
    value: expect.stringContaining("decodeURLComponent('x%27%20OR%20%5C')"),
  });
  const all = panelQuery('postern-sessions', 'session-list', query({ ...day, 'var-gate': '' }));
  expect(all).toMatchObject({ ok: true, value: expect.not.stringContaining('decodeURLComponent') });
});

test.each([
  [{}],
  [{ from: '1', to: 'x' }],
  [{ from: '2', to: '1' }],
  [{ from: '1', to: '1' }],
  [{ from: '-1', to: '1' }],
  [{ from: '1.5', to: '2' }],
  [{ from: '1', to: String(RANGE_SECONDS_MAX + 2) }],
  [{ from: String(TIME_SECONDS_MAX), to: String(TIME_SECONDS_MAX + 1) }],
])('%o is no range of time', (parameters) => {
  expect(panelQuery('postern-sessions', 'session-list', query(parameters))).toMatchObject({
    ok: false,
    error: { status: 400 },
  });
});

test('the longest and the latest range', () => {
  const from = TIME_SECONDS_MAX - RANGE_SECONDS_MAX;
  expect(
    panelQuery('postern-sessions', 'endings', query({ from: String(from), to: String(TIME_SECONDS_MAX) })),
  ).toMatchObject({ ok: true });
});

test('what does not exist is 404, whatever it is called', () => {
  for (const name of ['', 'nothing', '__proto__', 'constructor', "'"]) {
    expect(panelQuery(name, name, query(day))).toMatchObject({ ok: false, error: { status: 404 } });
    expect(variableQuery('postern-sessions', name, query(day))).toMatchObject({ ok: false, error: { status: 404 } });
  }
});

test('a series has few enough points, and none shorter than what it sums', () => {
  expect(intervalSeconds(3600, 'minute')).toBe(60);
  expect(intervalSeconds(86_400, 'minute')).toBe(600);
  expect(intervalSeconds(3600, 'hour')).toBe(3600);
  expect(intervalSeconds(3600, undefined)).toBe(60);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: RANGE_SECONDS_MAX }),
      fc.constantFrom('minute', 'hour', undefined),
      (range, step) => {
        const interval = intervalSeconds(range, step);
        expect(interval).toBeGreaterThanOrEqual(step === 'hour' ? 3600 : 60);
        expect(range / interval).toBeLessThanOrEqual(POINTS_MAX);
      },
    ),
  );
});

test('the page is told of the panels, and of no statement', () => {
  const text = JSON.stringify(dashboardList());
  expect(text).not.toContain('"sql"');
  expect(text).not.toContain('$__');
  expect(JSON.parse(text)).toHaveLength(dashboards.length);
});
