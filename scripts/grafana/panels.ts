import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Panel as GrafanaPanel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as NumberBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as SeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type Column, descriptionOf, type Panel, type Unit } from '../../dashboards/panel.ts';
import { DATA_SOURCE_TYPE, StoreQueryBuilder } from './query.ts';

/** The variable that names the data source: a dashboard works with whatever its Grafana calls the store. */
export const DATA_SOURCE = { type: DATA_SOURCE_TYPE, uid: '${datasource}' };

/** A series is named by its label alone, not by the column as well. */
const SERIES_NAME = '${__field.labels.label}';

/** Rows of the page's grid. */
const heights = { number: 4, drawing: 8, table: 9 } as const;
/** Shortest step between two points, as Grafana writes it. */
const steps = { minute: '1m', hour: '1h' } as const;

const stepsOf = ({ red }: Panel): Threshold[] => [
  { value: null, color: 'green' },
  { value: red.from, color: 'red' },
];
const thresholdsOf = (panel: Panel): ThresholdsConfigBuilder =>
  new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(stepsOf(panel));

/** What all kinds of panels have. */
function common<B extends NumberBuilder | TableBuilder | SeriesBuilder>(builder: B, panel: Panel, id: number): B {
  const queryType = panel.drawing === 'number' || panel.drawing === 'table' ? 'table' : 'timeseries';
  builder
    .id(id)
    .title(panel.title)
    .description(descriptionOf(panel))
    .datasource(DATA_SOURCE)
    .unit(panel.unit)
    .span(panel.width)
    .withTarget(new StoreQueryBuilder('A', DATA_SOURCE.uid, queryType, panel.sql));
  return builder;
}

const numberOf = (panel: Panel, id: number): Builder<GrafanaPanel> =>
  common(new NumberBuilder(), panel, id)
    .height(heights.number)
    .thresholds(thresholdsOf(panel))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));

const legend = (): VizLegendOptionsBuilder =>
  new VizLegendOptionsBuilder().showLegend(true).displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom);

function seriesOf(panel: Panel, id: number): Builder<GrafanaPanel> {
  const builder = common(new SeriesBuilder(), panel, id)
    .height(heights.drawing)
    .interval(steps[panel.step ?? 'minute'])
    .min(0)
    .legend(legend())
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .thresholds(thresholdsOf(panel))
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
    .drawStyle(panel.drawing === 'bars' ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .fillOpacity(panel.drawing === 'lines' ? 0 : 40);
  if (panel.drawing !== 'lines') builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (panel.columns.some(({ name }) => name === 'label')) builder.displayName(SERIES_NAME);
  return builder;
}

/** Columns from which a click leads to the sessions of a source, or to one session. */
const links: Readonly<Record<string, { readonly title: string; readonly variable: string }>> = {
  ip: { title: 'Sessions of this address', variable: 'ip' },
  address: { title: 'Sessions of this address', variable: 'ip' },
  sid: { title: 'This session', variable: 'sid' },
};

const urlOf = (variable: string): string =>
  `/d/postern-sessions?\${datasource:queryparam}&\${__url_time_range}&var-${variable}=\${__value.raw:percentencode}`;

function tableOf(panel: Panel, id: number): Builder<GrafanaPanel> {
  const builder = common(new TableBuilder(), panel, id).height(heights.table);
  for (const column of panel.columns) {
    const properties = propertiesOf(panel, column);
    if (properties.length > 0) builder.overrideByName(column.name, properties);
  }
  return builder;
}

/** What is drawn otherwise in one column of a table. */
function propertiesOf(panel: Panel, { name, unit }: Column): { id: string; value: unknown }[] {
  const link = links[name];
  return [
    ...(unit === undefined ? [] : [{ id: 'unit', value: unit satisfies Unit }]),
    ...(link === undefined ? [] : [{ id: 'links', value: [{ title: link.title, url: urlOf(link.variable) }] }]),
    ...(name === panel.red.column
      ? [
          { id: 'thresholds', value: { mode: 'absolute', steps: stepsOf(panel) } },
          { id: 'custom.cellOptions', value: { type: 'color-background' } },
        ]
      : []),
  ];
}

const kinds = { number: numberOf, lines: seriesOf, areas: seriesOf, bars: seriesOf, table: tableOf } as const;

/** @param id - Unique in its dashboard, from 1. */
export const panelOf = (panel: Panel, id: number): Builder<GrafanaPanel> => kinds[panel.drawing](panel, id);
