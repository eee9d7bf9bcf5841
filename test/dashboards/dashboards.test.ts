import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scenarioIds } from '../../analyzers/scenario-ids.ts';
import { schemaAt } from '../../cli/config/json-schema.ts';
import { alertRules } from '../../dashboards/alerts.ts';
import { dashboards } from '../../dashboards/all.ts';
import { expandMacros } from '../../dashboards/macros.ts';
import { descriptionOf } from '../../dashboards/panel.ts';
import { ruleIds } from '../../proxy/settings.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8');
const panels = dashboards.flatMap((dashboard) => dashboard.panels.map((panel) => ({ dashboard, panel })));
const selection = { fromMs: 0, toMs: 1000, intervalMs: 1000, values: {} };

test('uids are unique and fit into an address', () => {
  const uids = [...dashboards.map(({ uid }) => uid), ...alertRules.map(({ uid }) => uid)];
  expect(new Set(uids).size).toBe(uids.length);
  for (const uid of uids) expect(uid).toMatch(/^postern-[a-z-]{1,32}$/);
});

describe.each(dashboards)('$uid', (dashboard) => {
  test('its panels have ids of their own and fill whole rows', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    let column = 0;
    for (const { id, width } of dashboard.panels) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
      column += width;
      expect(column, id).toBeLessThanOrEqual(24);
      if (column === 24) column = 0;
    }
    expect(column).toBe(0);
  });

  test('every variable is used, and every one that is used is there', () => {
    const text = dashboard.panels.map(({ sql }) => sql).join('\n');
    const used = new Set([...text.matchAll(/\$\{(\w+):/g)].map(([, name]) => name));
    expect([...used].toSorted()).toEqual(dashboard.variables.map(({ name }) => name).toSorted());
  });
});

describe.each(panels)('$dashboard.uid $panel.id', ({ panel }) => {
  test('says what it shows, and what to do when it is red', () => {
    expect(panel.title).toMatch(/^[A-Z]/);
    expect(panel.shows).toMatch(/^[A-Z].*\.$/s);
    expect(panel.red.advice).toMatch(/^[A-Z0-9`].{30,}\.$/s);
    expect(descriptionOf(panel)).toContain(`**When it is red:** ${panel.red.advice}`);
  });

  test('is drawn from columns that it has', () => {
    const names = panel.columns.map(({ name }) => name);
    expect(names).toContain(panel.red.column);
    if (panel.drawing === 'number') expect(names).toHaveLength(1);
    if (panel.drawing === 'lines' || panel.drawing === 'areas' || panel.drawing === 'bars') {
      expect(names[0]).toBe('time');
      expect(panel.step).toBeDefined();
    } else expect(panel.step).toBeUndefined();
  });

  test('a table has a bound', () => {
    const isBounded =
      /\bLIMIT \d+$/.test(panel.sql) || /\bGROUP BY (?:gate|verb|scenario|scope, level, action)\n/.test(panel.sql);
    expect(panel.drawing !== 'table' || isBounded).toBe(true);
  });

  test('its statement expands', () => {
    expect(expandMacros(panel.sql, selection)).toMatchObject({ ok: true, value: expect.not.stringContaining('$') });
  });
});

test('texts name only rules, scenarios and settings that exist', () => {
  const texts = [...panels.map(({ panel }) => descriptionOf(panel)), ...alertRules.map(({ summary }) => summary)].join(
    '\n',
  );
  const named = [...texts.matchAll(/`([a-z]+\.[a-zA-Z.-]+)`/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(10);
  const unknown = named.filter(
    (name) => !(ruleIds as readonly string[]).includes(name) && schemaAt(name.split('.')) === undefined,
  );
  expect(unknown).toEqual([]);
  const scenarios = [...texts.matchAll(/`([a-z]+-[a-z]+)`/g)]
    .map(([, name = '']) => name)
    .filter((name) => !/^(?:upstream|tls|aborted|disk|queue|log|damaged)-/.test(name));
  expect(scenarios.length).toBeGreaterThan(3);
  for (const name of scenarios) expect(scenarioIds as readonly string[], name).toContain(name);
});

test('rules in statements exist', () => {
  const statements = [...panels.map(({ panel }) => panel.sql), ...alertRules.map(({ sql }) => sql)].join('\n');
  const listed = [...statements.matchAll(/rule IN \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
  for (const rule of listed) expect(ruleIds as readonly string[]).toContain(rule.replaceAll("'", ''));
});

describe.each(alertRules)('$uid', ({ sql, summary, shownBy }) => {
  test('needs no macro, and a panel shows what it is about', () => {
    expect(sql).not.toContain('$');
    expect(summary).not.toContain('$');
    const dashboard = dashboards.find(({ uid }) => uid === shownBy.dashboard);
    expect(dashboard?.panels.map(({ id }) => id)).toContain(shownBy.panel);
  });
});

test('ranges that may be months read the summaries: `events` only for one session, and for what is rare', () => {
  const fromEvents = panels.filter(({ panel }) => /FROM events\b/.test(panel.sql)).map(({ panel }) => panel.id);
  expect(fromEvents).toEqual([
    'breaker',
    'dialogue',
    'store-lag',
    'events-lost',
    'failure-reasons',
    'log-gaps',
    'gate-events',
  ]);
});

test('tables in statements are those of the store', () => {
  const schema = ['0001-events', '0002-sessions', '0003-mails', '0004-decisions', '0005-rollups', '0006-countries']
    .map((name) => read(`store/schema/${name}.sql`))
    .join('\n');
  const tables = new Set([...schema.matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g)].map(([, name]) => name));
  const used = new Set(panels.flatMap(({ panel }) => [...panel.sql.matchAll(/FROM (\w+)/g)].map(([, name]) => name)));
  for (const name of used) expect(tables).toContain(name);
});
