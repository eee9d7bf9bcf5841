/** Format of an answer where nobody asked for another, as a server has it. */
export const DEFAULT_FORMAT = 'TabSeparated';

const binary = /^(?:Native|RowBinary|Parquet|Arrow|ORC|Avro|MsgPack|Npy|BSONEachRow|Protobuf|CapnProto|Buffers)/;

const types: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:JSON|JSONStrings|JSONColumns|JSONColumnsWithMetadata|JSONCompact|JSONCompactStrings|JSONCompactColumns|JSONObjectEachRow|JSONStringsColumns)$/,
    'application/json; charset=UTF-8',
  ],
  [/^(?:JSON.*EachRow.*|NDJSON|JSONLines)$/, 'application/x-ndjson; charset=UTF-8'],
  [/^CSVWithNames/, 'text/csv; charset=UTF-8; header=present'],
  [/^CSV/, 'text/csv; charset=UTF-8; header=absent'],
  [/^(?:TabSeparated|TSV)/, 'text/tab-separated-values; charset=UTF-8'],
  [/^XML$/, 'application/xml; charset=UTF-8'],
  [/^Markdown$/, 'text/markdown; charset=UTF-8'],
  [binary, 'application/octet-stream'],
];

/** Content-Type of an answer. */
export const contentTypeOf = (format: string): string =>
  types.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain; charset=UTF-8';
