import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  type VariableModel,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboards } from '../../dashboards/all.ts';
import type { Dashboard, Variable } from '../../dashboards/panel.ts';
import { DATA_SOURCE, panelOf } from './panels.ts';
import { DATA_SOURCE_TYPE } from './query.ts';

/** Where the dashboards lie in the repository. */
export const FOLDER = 'dashboards/grafana';
const TAG = 'postern';

function variableOf(variable: Variable): Builder<VariableModel> {
  if (variable.kind === 'text')
    return new TextBoxVariableBuilder(variable.name)
      .label(variable.label)
      .description(variable.description)
      .defaultValue('')
      .current({ selected: true, text: '', value: '' });
  return new QueryVariableBuilder(variable.name)
    .label(variable.label)
    .datasource(DATA_SOURCE)
    .query(variable.sql)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(false)
    .includeAll(true)
    .current({ selected: true, text: 'All', value: '$__all' });
}

/** A dashboard as a file for Grafana. */
export function renderDashboard(dashboard: Dashboard): string {
  const builder = new DashboardBuilder(dashboard.title)
    .uid(dashboard.uid)
    .description(dashboard.description)
    .tags([TAG])
    .timezone('browser')
    .time({ from: `now-${dashboard.range}`, to: 'now' })
    .refresh('1m')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Postern')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Store').type(DATA_SOURCE_TYPE));
  for (const variable of dashboard.variables) builder.withVariable(variableOf(variable));
  dashboard.panels.forEach((panel, index) => {
    builder.withPanel(panelOf(panel, index + 1));
  });
  return `${JSON.stringify(builder.build(), null, 2)}\n`;
}

/** Where a dashboard lies. */
export const dashboardFile = ({ uid }: Pick<Dashboard, 'uid'>): string => `${FOLDER}/${uid}.json`;

/** Every file of a dashboard, by its path in the repository. */
export const dashboardFiles: Readonly<Record<string, () => string>> = Object.fromEntries(
  dashboards.map((dashboard) => [dashboardFile(dashboard), () => renderDashboard(dashboard)]),
);
