/** How long rows are kept, days. */
export interface Retention {
  readonly eventsKeptDays: number;
  readonly summariesKeptDays: number;
}

/** Column of the time of each summary. */
const summaries: readonly (readonly [table: string, time: string])[] = [
  ['sessions', 'day'],
  ['mails', 'toDateTime(at)'],
  ['decisions', 'toDateTime(at)'],
  ['traffic_by_minute', 'minute'],
  ['verdicts_by_minute', 'minute'],
  ['latency_by_minute', 'minute'],
  ['sources_by_hour', 'hour'],
  ['countries_of_sources', 'hour'],
];

/** Statements that set how long rows are kept. They change nothing that is there already; merges drop what is over. */
export function retentionStatements({ eventsKeptDays, summariesKeptDays }: Retention): readonly string[] {
  return [
    statementOf('events', 'toDateTime(at)', eventsKeptDays),
    ...summaries.map(([table, time]) => statementOf(table, time, summariesKeptDays)),
  ];
}

const statementOf = (table: string, time: string, days: number): string =>
  `ALTER TABLE ${table} MODIFY TTL ${time} + INTERVAL ${days} DAY SETTINGS materialize_ttl_after_modify = 0`;
