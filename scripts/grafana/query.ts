import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';

/** Type of Grafana's data source for ClickHouse, and the version that the queries are written for. */
export const DATA_SOURCE_TYPE = 'grafana-clickhouse-datasource';
const PLUGIN_VERSION = '4.0.0';

/** How the data source reads a result: with a column of time, or as it is. */
const formats = { timeseries: 0, table: 1 } as const;
export type QueryType = keyof typeof formats;

/** A query as the data source keeps it; the SDK has no type for it. */
interface StoreQuery extends Dataquery {
  readonly refId: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly pluginVersion: string;
  readonly editorType: 'sql';
  readonly queryType: QueryType;
  readonly format: number;
  readonly rawSql: string;
}

/** A query of the store, for the builders of the SDK. */
export class StoreQueryBuilder implements Builder<Dataquery> {
  private readonly query: StoreQuery;

  /** @param uid - Of the data source, or the variable that names it. */
  constructor(refId: string, uid: string, queryType: QueryType, rawSql: string) {
    this.query = {
      refId,
      datasource: { type: DATA_SOURCE_TYPE, uid },
      pluginVersion: PLUGIN_VERSION,
      editorType: 'sql',
      queryType,
      format: formats[queryType],
      rawSql,
      _implementsDataqueryVariant: () => undefined,
    };
  }

  build(): StoreQuery {
    return this.query;
  }
}
