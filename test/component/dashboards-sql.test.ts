import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alertRules } from '../../dashboards/alerts.ts';
import { dashboards } from '../../dashboards/all.ts';
import { expandMacros, type Selection } from '../../dashboards/macros.ts';
import type { Panel } from '../../dashboards/panel.ts';
import { everyone } from '../../evaluation/traffic/all.ts';
import { undefended } from '../../evaluation/traffic/traffic.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, World } from '../../evaluation/traffic/world.ts';
import type { DecisionEvent } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { openChdb } from '../../store/io/clickhouse-database.ts';
import { migrate } from '../../store/io/migrate.ts';
import { aDecision, aRevocation } from '../support/decisions.ts';
import { everyEvent } from '../support/events.ts';

/** Every statement of the dashboards on a database with the schema of this release: first without rows, then with them. */

const EVENTS_MAX = 50_000;
const INSERT_MAX = 10_000;

/** Yesterday: what is in force is so now. */
const startMs = Math.floor(Date.now() / DAY_MS - 1) * DAY_MS;
const all: Selection = { fromMs: startMs - DAY_MS, toMs: Date.now(), intervalMs: HOUR_MS, values: {} };
const panels = dashboards.flatMap((dashboard) => dashboard.panels.map((panel) => ({ dashboard, panel })));
const choices = dashboards.flatMap(({ uid, variables }) =>
  variables.flatMap((variable) => (variable.kind === 'choice' ? [{ uid, ...variable }] : [])),
);

const directory = mkdtempSync(join(tmpdir(), 'postern-dashboards-'));
let database: StoreDatabase;

async function rowsOf<Row = Record<string, unknown>>(sql: string): Promise<readonly Row[]> {
  const answer = await database.query<Row>(sql);
  if (!answer.ok) throw new Error(`${answer.error.message}\n${sql}`);
  return answer.value;
}

function expanded(sql: string, values: Selection['values']): string {
  const result = expandMacros(sql, { ...all, values });
  if (!result.ok) throw new Error(result.error);
  expect(result.value).not.toContain('$');
  return result.value;
}

/** The rows of a panel, whose columns have the names and types that it says. */
async function checked(
  { sql, columns }: Panel,
  values: Selection['values'],
): Promise<readonly Record<string, unknown>[]> {
  const statement = expanded(sql, values);
  const described = await rowsOf<{ name: string; type: string }>(`DESCRIBE (${statement})`);
  expect(described.map(({ name, type }) => ({ name, type }))).toEqual(
    columns.map(({ name, type }) => ({ name, type })),
  );
  return rowsOf(statement);
}

beforeAll(async () => {
  const opened = await openChdb(directory, 'postern');
  if (!opened.ok) throw new Error(opened.error.message);
  database = opened.value;
  const migrated = await migrate(database);
  if (!migrated.ok) throw new Error(migrated.error);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const someValues = {
  gate: 'gate-1',
  listener: 'mx',
  rule: 'relay.denied',
  scenario: 'recipient-harvest',
  ip: '198.51.100.7',
  sid: '01890a5d-ac96-774b-bcce-b302099a8057',
};

describe('on empty tables', () => {
  test.each(panels)('$dashboard.uid $panel.id', async ({ panel }) => {
    const isNumber = panel.drawing === 'number';
    expect(await checked(panel, {})).toHaveLength(isNumber ? 1 : 0);
    expect(await checked(panel, someValues)).toHaveLength(isNumber ? 1 : 0);
    // What is no address and no id finds nothing, and breaks nothing.
    expect(await checked(panel, { ip: "x' OR \\", sid: "\\' OR 1=1 --" })).toHaveLength(isNumber ? 1 : 0);
  });

  test.each(choices)('choices of $name in $uid', async ({ sql }) => {
    expect(await rowsOf(expanded(sql, {}))).toEqual([]);
  });

  test.each(alertRules)('$uid is at rest', async ({ sql }) => {
    expect((await rowsOf(sql)).map(({ value }) => Number(value))).toEqual([0]);
  });
});

/** Harvest refused for an hour, for two hours and then for longer, taken back, and in force; and passwords. */
const decisions = (): readonly DecisionEvent[] => {
  const at = startMs + HOUR_MS;
  const until = Date.now() + DAY_MS;
  const made = (fields: Parameters<typeof aDecision>[0]) => aDecision({ at, ...fields });
  const revoked = made({ id: 'd4', value: '198.51.100.9', until });
  return [
    made({ id: 'd1', value: '198.51.100.7', until: at + HOUR_MS }),
    made({ id: 'd2', value: '198.51.100.8', until: at + 2 * HOUR_MS }),
    made({
      id: 'd3',
      value: '198.51.100.8',
      at: at + HOUR_MS,
      until,
      level: 3,
      roles: ['submissions', 'submission', 'mx'],
    }),
    revoked,
    aRevocation(revoked),
    made({ id: 'd5', value: '198.51.100.7', at: at + 3 * HOUR_MS, until, level: 4 }),
    made({
      id: 'd6',
      scope: 'account',
      value: 'h:1',
      scenario: 'auth-guessing',
      action: 'slow',
      level: 0,
      until,
      at: Date.now() - MINUTE_MS,
    }),
  ];
};

/** Real sessions with attacks among them, then what only gates tell. */
function* events(): Generator<MailEvent> {
  const world = new World(1, 'S', { startMs, attacksMs: startMs + 10 * MINUTE_MS, endMs: startMs + DAY_MS });
  let count = 0;
  for (const event of undefended(world, everyone, 1)) {
    count += 1;
    if (count > EVENTS_MAX) break;
    yield event;
  }
  for (const event of everyEvent) yield { ...event, at: Date.now() - MINUTE_MS };
}

async function insert(table: string, lines: readonly string[]): Promise<void> {
  for (let start = 0; start < lines.length; start += INSERT_MAX) {
    const inserted = await database.insert(table, lines.slice(start, start + INSERT_MAX), `${table}/${start}`);
    if (!inserted.ok) throw new Error(inserted.error.message);
  }
}

describe('on full tables', () => {
  let values: Record<string, string>;

  beforeAll(async () => {
    await insert(
      'events',
      Array.from(events(), (event) => JSON.stringify(event)),
    );
    await insert(
      'decisions',
      decisions().map((decision, logOffset) => JSON.stringify({ ...decision, logPartition: 0, logOffset })),
    );
    const [probe] = await rowsOf<{ sid: string; address: string }>(
      "SELECT sid, replaceOne(toString(ip), '::ffff:', '') AS address FROM sessions WHERE has(rules, 'relay.denied') ORDER BY startedAt LIMIT 1",
    );
    values = { ...someValues, sid: probe?.sid ?? '', ip: probe?.address ?? '' };
  });

  /** An address has decisions or sessions, by which the blocklist and the search are told apart. */
  const valueFor = (uid: string, name: string): string =>
    name === 'ip' && uid === 'postern-blocklist' ? someValues.ip : (values[name] ?? '');

  test.each(panels)('$dashboard.uid $panel.id', async ({ dashboard, panel }) => {
    const isDialogue = panel.id === 'dialogue';
    expect((await checked(panel, {})).length).toBeGreaterThanOrEqual(isDialogue ? 0 : 1);
    for (const { name } of dashboard.variables) {
      const rows = await checked(panel, { [name]: valueFor(dashboard.uid, name) });
      expect(rows.length, name).toBeGreaterThanOrEqual(isDialogue && name !== 'sid' ? 0 : 1);
    }
    const every = Object.fromEntries(dashboard.variables.map(({ name }) => [name, valueFor(dashboard.uid, name)]));
    expect((await checked(panel, every)).length).toBeGreaterThanOrEqual(1);
    expect(await checked(panel, { gate: 'gate-1', listener: 'none', scenario: 'none', rule: 'none' })).toBeDefined();
  });

  test.each(choices)('choices of $name in $uid', async ({ name, sql }) => {
    const rows = await rowsOf<Record<string, string>>(expanded(sql, {}));
    expect(rows.map((row) => row[name])).toContain(someValues[name as keyof typeof someValues]);
  });

  test('a choice leaves out the others', async () => {
    const numberOf = async (uid: string, id: string, chosen: Selection['values']): Promise<number> => {
      const panel = panels.find(({ dashboard, panel }) => dashboard.uid === uid && panel.id === id)?.panel;
      const [row] = panel === undefined ? [] : await checked(panel, chosen);
      return Number(Object.values(row ?? {})[0]);
    };
    expect(await numberOf('postern-overview', 'sessions', {})).toBeGreaterThan(1);
    expect(await numberOf('postern-overview', 'sessions', { gate: 'another' })).toBe(0);
    expect(await numberOf('postern-blocklist', 'in-force', {})).toBe(3);
    expect(await numberOf('postern-blocklist', 'in-force', { scenario: 'auth-guessing' })).toBe(1);
    expect(await numberOf('postern-blocklist', 'in-force', { ip: '198.51.100.9' })).toBe(0);
    expect(await numberOf('postern-blocklist', 'revoked', {})).toBe(1);
    expect(await numberOf('postern-gate-health', 'events-lost', {})).toBe(3);
    expect(await numberOf('postern-gate-health', 'store-lag', {})).toBeLessThan(600);
  });

  const rowsOfPanel = (id: string, chosen: Selection['values'] = {}) => {
    const [found, ...others] = panels.filter(({ panel }) => panel.id === id);
    if (found === undefined || others.length > 0) throw new Error(`${id}: none, or several`);
    return checked(found.panel, chosen);
  };

  test('decisions that were made longer or taken back do not expire', async () => {
    const sums: Record<string, number> = {};
    for (const { label, value } of await rowsOfPanel('made-and-expired'))
      sums[String(label)] = (sums[String(label)] ?? 0) + Number(value);
    expect(sums).toEqual({ made: 6, expired: 1, revoked: 1 });
  });

  test('one session is told in order, from its greeting to its end', async () => {
    const rows = await rowsOfPanel('dialogue', { sid: values['sid'] ?? '' });
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index));
    expect(rows[0]).toMatchObject({ type: 'session-opened' });
    expect(rows.at(-1)).toMatchObject({ type: 'session-closed' });
    expect(rows.map(({ rule }) => rule)).toContain('relay.denied');
    expect(rows.some(({ what }) => /^RCPT <.*@.*>$/.test(String(what)))).toBe(true);
  });

  test('addresses are written as people do', async () => {
    const sources = (await rowsOfPanel('top-sources')).map(({ ip }) => String(ip));
    expect(sources.every((ip) => /^\d+\.\d+\.\d+\.\d+$/.test(ip))).toBe(true);
    const ranges = (await rowsOfPanel('ranges')).map(({ range }) => String(range));
    expect(ranges).toContainEqual(expect.stringMatching(/^\d+\.\d+\.\d+\.0\/24$/));
    expect(ranges).toContain('2001:db8::/48');
    const found = await rowsOfPanel('session-list', { ip: values['ip'] ?? '' });
    expect(new Set(found.map(({ ip }) => ip))).toEqual(new Set([values['ip']]));
  });

  test('sources count by country, each once, and every one that is not looked up as well', async () => {
    const [all] = await rowsOf<{ sources: string; refused: string; mails: string }>(
      `SELECT uniqExact(ip) AS sources, sum(refused) AS refused, sum(mailsAccepted) AS mails FROM sources_by_hour`,
    );
    expect(await rowsOfPanel('countries')).toMatchObject([{ country: 'not looked up', ...all }]);
    const written = async (country: string, at: string, condition: string): Promise<void> => {
      const sql = `INSERT INTO countries_of_sources (ip, country, hour, at)
        SELECT DISTINCT ip, '${country}', now(), '${at}' FROM sources_by_hour WHERE ${condition}`;
      expect(await database.command(sql)).toEqual({ ok: true, value: undefined });
    };
    await written('SE', '2026-01-01 00:00:00', 'cityHash64(ip) % 4 < 3');
    // Later ones count, empty ones as well.
    await written('FI', '2026-01-02 00:00:00', 'cityHash64(ip) % 4 = 1');
    await written('', '2026-01-02 00:00:00', 'cityHash64(ip) % 4 = 2');
    const counts = await rowsOf<{ sources: string }>(
      'SELECT uniqExact(ip) AS sources FROM sources_by_hour GROUP BY cityHash64(ip) % 4 AS part ORDER BY part',
    );
    const byCountry = new Map((await rowsOfPanel('countries')).map((row) => [row['country'], row]));
    expect(['SE', 'FI', 'unknown', 'not looked up'].map((name) => byCountry.get(name)?.['sources'])).toEqual(
      counts.map(({ sources }) => sources),
    );
    const sumOf = (name: string): number => [...byCountry.values()].reduce((sum, row) => sum + Number(row[name]), 0);
    expect([sumOf('sources'), sumOf('refused'), sumOf('mails')]).toEqual(
      [all?.sources, all?.refused, all?.mails].map(Number),
    );
  });

  test('rules fire at what they are about', async () => {
    const fired = [];
    for (const { uid, sql, above } of alertRules)
      if (Number((await rowsOf(sql))[0]?.['value']) > above) fired.push(uid);
    expect(fired).toEqual(['postern-guessing-campaign', 'postern-breaker-tripped', 'postern-log-gap']);
  });
});
