import { QueryBuilder, RuleBuilder, RuleGroupBuilder } from '@grafana/grafana-foundation-sdk/alerting';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { TypeReduceBuilder, TypeThresholdBuilder } from '@grafana/grafana-foundation-sdk/expr';
import { stringify } from 'yaml';
import { type AlertRule, alertRules } from '../../dashboards/alerts.ts';
import { dashboards } from '../../dashboards/all.ts';
import { FOLDER } from './dashboards.ts';
import { DATA_SOURCE_TYPE, StoreQueryBuilder } from './query.ts';

/** Where Postern is installed; paths in provisioning files are absolute. */
export const INSTALLED = '/opt/postern/';
/** Name of the data source and of the folder in Grafana. */
const NAME = 'Postern';
const DATA_SOURCE_UID = 'postern-store';
/** Grafana's own data source for expressions. */
const EXPRESSIONS = { type: '__expr__', uid: '__expr__' };
/** How often rules are asked, seconds. */
const INTERVAL_S = 60;
/** The range that Grafana wants with each query; the statements say theirs. Seconds. */
const RANGE = { from: 3600, to: 0 };

/**
 * The embedded history and a server have other users. Grafana has no defaults for variables of the environment, and reads `${…}` twice:
 * a `$` in a password would be taken for one more.
 */
const dataSources = (host: string) => ({
  apiVersion: 1,
  datasources: [
    {
      name: NAME,
      uid: DATA_SOURCE_UID,
      type: DATA_SOURCE_TYPE,
      access: 'proxy',
      jsonData: {
        host,
        port: 8123,
        protocol: 'http',
        username: '$POSTERN_GRAFANA_USER',
        defaultDatabase: 'postern',
      },
      secureJsonData: { password: '$POSTERN_GRAFANA_PASSWORD' },
    },
  ],
});

const providers = () => ({
  apiVersion: 1,
  providers: [
    {
      name: NAME,
      orgId: 1,
      folder: NAME,
      type: 'file',
      disableDeletion: true,
      allowUiUpdates: false,
      options: { path: `${INSTALLED}${FOLDER}` },
    },
  ],
});

const query = (refId: string, datasourceUid: string, model: Builder<Dataquery>): QueryBuilder =>
  new QueryBuilder(refId).datasourceUid(datasourceUid).relativeTimeRange(RANGE).model(model);

/** A query, its last value, and whether that is too much. */
const ruleOf = ({ uid, title, summary, severity, sql, above, forMinutes, shownBy }: AlertRule): RuleBuilder =>
  new RuleBuilder(title)
    .uid(uid)
    .condition('C')
    .forDuration(`${forMinutes}m`)
    .noDataState('OK')
    .execErrState('Error')
    .labels({ severity })
    .annotations({
      summary,
      __dashboardUid__: shownBy.dashboard,
      __panelId__: String(panelId(shownBy)),
    })
    .queries([
      query('A', DATA_SOURCE_UID, new StoreQueryBuilder('A', DATA_SOURCE_UID, 'table', sql)),
      query(
        'B',
        EXPRESSIONS.uid,
        new TypeReduceBuilder().refId('B').datasource(EXPRESSIONS).expression('A').reducer('last'),
      ),
      query(
        'C',
        EXPRESSIONS.uid,
        new TypeThresholdBuilder()
          .refId('C')
          .datasource(EXPRESSIONS)
          .expression('B')
          .conditions([{ evaluator: { type: 'gt', params: [above] } }]),
      ),
    ]);

/** Panels are numbered from 1 in the order of their dashboard. */
const panelId = ({ dashboard, panel }: AlertRule['shownBy']): number =>
  1 + (dashboards.find(({ uid }) => uid === dashboard)?.panels.findIndex(({ id }) => id === panel) ?? -1);

/** A file of rules names the folder and the group once, and the organisation by `orgId`. */
function ruleGroups() {
  const { title, rules = [] } = new RuleGroupBuilder(NAME).interval(INTERVAL_S).rules(alertRules.map(ruleOf)).build();
  const inFile = rules.map(({ orgID: _, folderUID: __, ruleGroup: ___, ...rule }) => rule);
  return {
    apiVersion: 1,
    groups: [{ orgId: 1, name: title, folder: NAME, interval: `${INTERVAL_S}s`, rules: inFile }],
  };
}

/** Through JSON: what the SDK keeps for itself are functions. */
const yamlOf = (value: object): string =>
  `# Made from dashboards/ by \`npm run generate\`.\n${stringify(JSON.parse(JSON.stringify(value)), { lineWidth: 0 })}`;

/** Every provisioning file, by its path in the repository. */
export const provisioningFiles: Readonly<Record<string, () => string>> = {
  'dashboards/provisioning/datasources/postern.yml': () => yamlOf(dataSources('127.0.0.1')),
  'packaging/compose/grafana/postern.yml': () => yamlOf(dataSources('clickhouse')),
  'dashboards/provisioning/dashboards/postern.yml': () => yamlOf(providers()),
  'dashboards/provisioning/alerting/postern.yml': () => yamlOf(ruleGroups()),
};
