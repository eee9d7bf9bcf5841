/**
 * Settings that clients send as parameters of the address. A reader's limits are the engine's (`readonly = 1`): what is not
 * named here is set behind them, so that the engine refuses it.
 */

/** What one query may take. */
export interface QueryLimits {
  readonly secondsMax: number;
  readonly memoryOctetsMax: number;
  readonly resultRowsMax: number;
  readonly resultOctetsMax: number;
}

/** What concerns how answers travel, or a session; none of it matters here. */
const ignored: ReadonlySet<string> = new Set([
  'wait_end_of_query',
  'buffer_size',
  'http_response_buffer_size',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'http_send_timeout',
  'http_receive_timeout',
  'http_zlib_compression_level',
  'http_write_exception_in_output_format',
  'cancel_http_readonly_queries_on_client_close',
  'add_http_cors_header',
  'client_protocol_version',
  'session_id',
  'session_timeout',
  'session_check',
  'quota_key',
  'log_queries',
  'log_comment',
  'readonly',
]);

/** How results look. `output_format_schema` is none of them: it names a file to write. */
const appearance =
  /^(?:output_format_(?:json|csv|tsv|pretty|native|decimal|binary|xml|values|markdown)_[a-z0-9_]{1,80}|date_time_output_format|session_timezone|bool_(?:true|false)_representation|format_csv_delimiter|join_use_nulls|aggregate_functions_null_for_empty|prefer_column_name_to_alias)$/;

const limitOf: Readonly<Record<string, (limits: QueryLimits) => number>> = {
  max_execution_time: ({ secondsMax }) => secondsMax,
  max_memory_usage: ({ memoryOctetsMax }) => memoryOctetsMax,
  max_result_rows: ({ resultRowsMax }) => resultRowsMax,
  max_result_bytes: ({ resultOctetsMax }) => resultOctetsMax,
};

/** What is set before a query, in two steps: `first` by us, `behind` when nothing can be changed any more. */
export interface SettingsPlan {
  readonly first: ReadonlyMap<string, string>;
  readonly behind: ReadonlyMap<string, string>;
}

/** @param given - As the client sent them. A limit may be lower than ours; a higher one, or none (0), is ours. */
export function planSettings(given: ReadonlyMap<string, string>, limits: QueryLimits): SettingsPlan {
  const first = new Map<string, string>();
  const behind = new Map<string, string>();
  for (const [name, limit] of Object.entries(limitOf)) first.set(name, String(limit(limits)));
  for (const [name, value] of given) {
    const limit = Object.hasOwn(limitOf, name) ? limitOf[name] : undefined;
    if (limit !== undefined) first.set(name, String(lower(value, limit(limits))));
    else if (appearance.test(name)) first.set(name, value);
    else if (!ignored.has(name)) behind.set(name, value);
  }
  return { first, behind };
}

function lower(value: string, limit: number): number {
  const asked = /^\d{1,15}(?:\.\d{1,9})?$/.test(value) ? Number(value) : 0;
  return asked > 0 ? Math.min(asked, limit) : limit;
}
