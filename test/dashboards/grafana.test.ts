import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { store } from '../../cli/config/store-schema.ts';
import { alertRules } from '../../dashboards/alerts.ts';
import { dashboards } from '../../dashboards/all.ts';
import { dashboardFile, dashboardFiles } from '../../scripts/grafana/dashboards.ts';
import { INSTALLED, provisioningFiles } from '../../scripts/grafana/provisioning.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface GrafanaPanel {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly rawSql: string; readonly format: number; readonly queryType: string }[];
}
interface GrafanaDashboard {
  readonly uid: string;
  readonly panels: readonly GrafanaPanel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
}
const files = dashboards.map((dashboard) => {
  const path = dashboardFile(dashboard);
  return { path, dashboard, json: JSON.parse(read(path)) as GrafanaDashboard };
});

/** Every value of a key, at any depth. */
function valuesOf(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [...(name === key ? [inner] : []), ...valuesOf(inner, key)]);
}

test('the folder holds the dashboards and nothing else', () => {
  expect(readdirSync(join(root, 'dashboards/grafana')).toSorted()).toEqual(
    files.map(({ path }) => path.replace('dashboards/grafana/', '')).toSorted(),
  );
  for (const [path, render] of Object.entries({ ...dashboardFiles, ...provisioningFiles }))
    expect(read(path), path).toBe(render());
});

describe.each(files)('$path', ({ dashboard, json }) => {
  test('names the data source only by its variable', () => {
    const sources = valuesOf(json, 'datasource');
    expect(sources.length).toBeGreaterThan(json.panels.length);
    for (const source of sources)
      expect(source).toEqual({ type: 'grafana-clickhouse-datasource', uid: '${datasource}' });
    expect(json.templating.list[0]).toMatchObject({
      name: 'datasource',
      type: 'datasource',
      query: 'grafana-clickhouse-datasource',
    });
    // An id of one Grafana would be in the way of another.
    expect(json).not.toHaveProperty('id');
  });

  test('has every panel, none on another', () => {
    expect(json.uid).toBe(dashboard.uid);
    expect(json.panels.map(({ title }) => title)).toEqual(dashboard.panels.map(({ title }) => title));
    expect(new Set(json.panels.map(({ id }) => id)).size).toBe(json.panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of json.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(x, title).toBeLessThan(24);
          expect(taken.has(`${x} ${y}`), title).toBe(false);
          taken.add(`${x} ${y}`);
        }
    }
  });

  test('asks what the panels ask', () => {
    for (const [index, { sql, drawing }] of dashboard.panels.entries()) {
      const [target, ...others] = json.panels[index]?.targets ?? [];
      expect(others).toEqual([]);
      const isTable = drawing === 'number' || drawing === 'table';
      expect(target).toMatchObject({
        rawSql: sql,
        editorType: 'sql',
        queryType: isTable ? 'table' : 'timeseries',
        format: isTable ? 1 : 0,
      });
    }
  });
});

/** Types of the SDK as they are in JSON: texts for its enumerations, and without what it keeps for itself. */
const checkedAs = (type: string, module: string, json: string): string => `
import type { ${type} } from '@grafana/grafana-foundation-sdk/${module}';
type Plain<T> = 0 extends 1 & T ? T
  : T extends string ? \`\${T}\`
  : T extends number | boolean | null | undefined ? T
  : T extends readonly (infer Item)[] ? Plain<Item>[]
  : { [Key in keyof T as Key extends '_implementsDataqueryVariant' ? never : Key]: Plain<T[Key]> };
export const checked: Plain<${type}> = ${json};
`;

/** What the compiler says of sources that lie beside this file, by name. */
function faultsOf(sources: ReadonlyMap<string, string>): string[] {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => sources.has(name) || fileExists(name);
  host.readFile = (name) => sources.get(name) ?? readFile(name);
  host.getSourceFile = (name, ...rest) => {
    const text = sources.get(name);
    return text === undefined ? getSourceFile(name, ...rest) : ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const beside = (name: string): string => join(import.meta.dirname, name);

test('the dashboards are of the type that the SDK has for them', () => {
  const sources = new Map(
    files.map(({ path, dashboard }) => [
      beside(`${dashboard.uid}.ts`),
      checkedAs('Dashboard', 'dashboard', read(path)),
    ]),
  );
  expect(faultsOf(sources)).toEqual([]);
});

test('what is not of that type is found', () => {
  const wrong = JSON.stringify({ title: 'x', schemaVersion: '42', graphTooltip: 0, pannels: [] });
  expect(faultsOf(new Map([[beside('wrong.ts'), checkedAs('Dashboard', 'dashboard', wrong)]])).join('\n')).toMatch(
    /schemaVersion|pannels|string/,
  );
});

describe('provisioning', () => {
  const of = (kind: string) => parse(read(`dashboards/provisioning/${kind}/postern.yml`)) as Record<string, unknown>;
  const [source] = of('datasources')['datasources'] as { uid: string; type: string; secureJsonData: object }[];

  test('one data source, where the embedded history is; who asks comes from the environment, for a server too', () => {
    const { database, http } = store.parse({});
    expect(source).toMatchObject({
      type: 'grafana-clickhouse-datasource',
      jsonData: {
        protocol: 'http',
        host: http.address,
        port: http.port,
        defaultDatabase: database,
        username: '$POSTERN_GRAFANA_USER',
      },
      secureJsonData: { password: '$POSTERN_GRAFANA_PASSWORD' },
    });
  });

  test('dashboards come from a folder that exists', () => {
    const [provider] = of('dashboards')['providers'] as { type: string; options: { path: string } }[];
    const path = provider?.options.path ?? '';
    expect(path.startsWith(INSTALLED)).toBe(true);
    expect(existsSync(join(root, path.slice(INSTALLED.length)))).toBe(true);
    expect(readdirSync(join(root, path.slice(INSTALLED.length)))).toHaveLength(dashboards.length);
    expect(read('packaging/Dockerfile')).toContain(`WORKDIR ${INSTALLED.slice(0, -1)}\n`);
  });

  test('rules ask the data source, and lead to panels that exist', () => {
    const [group, ...others] = of('alerting')['groups'] as {
      rules: {
        uid: string;
        condition: string;
        for: string;
        annotations: Record<string, string>;
        data: { refId: string; datasourceUid: string; model: object }[];
      }[];
    }[];
    expect(others).toEqual([]);
    expect(group).toMatchObject({ orgId: 1, name: 'Postern', folder: 'Postern', interval: '60s' });
    expect(group?.rules.map(({ uid }) => uid)).toEqual(alertRules.map(({ uid }) => uid));
    for (const [index, { condition, data, annotations }] of (group?.rules ?? []).entries()) {
      const rule = alertRules[index];
      expect(condition).toBe('C');
      expect(data).toMatchObject([
        { refId: 'A', datasourceUid: source?.uid, model: { rawSql: rule?.sql, format: 1 } },
        { refId: 'B', datasourceUid: '__expr__', model: { type: 'reduce', expression: 'A', reducer: 'last' } },
        {
          refId: 'C',
          datasourceUid: '__expr__',
          model: {
            type: 'threshold',
            expression: 'B',
            conditions: [{ evaluator: { type: 'gt', params: [rule?.above] } }],
          },
        },
      ]);
      const { json, dashboard } = files.find(({ json }) => json.uid === annotations['__dashboardUid__']) ?? {};
      const panel = json?.panels.findIndex(({ id }) => String(id) === annotations['__panelId__']) ?? -1;
      expect(dashboard?.panels[panel]?.id).toBe(rule?.shownBy.panel);
    }
  });

  const credentials = ['$POSTERN_GRAFANA_USER', '$POSTERN_GRAFANA_PASSWORD'];
  test('a $ is only in user and password: Grafana takes any other for a variable of the environment', () => {
    for (const path of Object.keys(provisioningFiles)) {
      const dollars =
        path.endsWith('alerting/postern.yml') || path.includes('provisioning/dashboards/') ? [] : credentials;
      expect(read(path).match(/\$.*/g) ?? [], path).toEqual(dollars);
    }
  });
});
