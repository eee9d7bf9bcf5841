/** The rows of a batch, while it is compared with what is there. */
export const MENDING_TABLE = 'mending';

/** A table that a view fills from events, and a sum over its rows by which it can be seen whether a batch is in it. */
export interface DerivedTable {
  readonly table: string;
  readonly view: string;
  readonly measure: string;
}

/** Every table that is derived from events. */
export const derivedTables: readonly DerivedTable[] = [
  { table: 'sessions', view: 'sessions_from_events', measure: 'sum(events)' },
  { table: 'mails', view: 'mails_from_events', measure: 'count()' },
  { table: 'traffic_by_minute', view: 'traffic_from_events', measure: 'sum(events)' },
  { table: 'verdicts_by_minute', view: 'verdicts_from_events', measure: 'sum(verdicts)' },
  { table: 'latency_by_minute', view: 'latency_from_events', measure: 'sum(commands)' },
  {
    table: 'sources_by_hour',
    view: 'sources_from_events',
    measure:
      'sum(sessions + commands + refused + deferred + unknownRecipients + authRefused + mailsAccepted + anomalies)',
  },
];

/** What the database says of a derived table. */
export interface Derivation extends DerivedTable {
  /** The query of the view. */
  readonly select: string;
  readonly sortingKey: string;
  readonly partitionKey: string;
  /** Of the view. */
  readonly columns: readonly string[];
}

/** Asks what the database says of all of them: rows of {@link Derivation} without the fields of {@link DerivedTable} but `table`. */
export const DERIVATIONS = `SELECT target.name AS table, made.as_select AS select, target.sorting_key AS sortingKey,
    target.partition_key AS partitionKey,
    (SELECT groupArray(name) FROM (SELECT name, table AS ofView FROM system.columns WHERE database = currentDatabase() ORDER BY position)
     WHERE ofView = {view:String}) AS columns
  FROM system.tables AS target, system.tables AS made
  WHERE target.database = currentDatabase() AND made.database = currentDatabase()
    AND target.name = {table:String} AND made.name = {view:String}`;

/** The query of a view, over other rows than all events. @param source - A table, or a query in brackets. */
const over = ({ select }: Derivation, source: string): string =>
  select.replace(/\bFROM \S+\.events\b/, `FROM ${source}`);

/** Sums of rows by partition of a derived table. */
const sums = ({ measure, partitionKey }: Derivation, from: string): string =>
  `SELECT toString(${partitionKey}) AS part, toInt64(${measure}) AS value FROM ${from} GROUP BY part`;

/** What the events of a batch make of a derived table: of them alone, of all events, and what is there; each for the same keys. */
export interface Standing {
  readonly given: string;
  readonly scanned: string;
  readonly kept: string;
}

/**
 * Queries that tell whether a batch is in a derived table.
 *
 * @param batch - Table with the events of the batch.
 * @param events - Query of all events that count for the keys of the batch, in brackets.
 */
export function standingOf(derivation: Derivation, batch: string, events: string): Standing {
  const { table, sortingKey } = derivation;
  const given = `(${over(derivation, batch)})`;
  const keys = `WHERE (${sortingKey}) IN (SELECT ${sortingKey} FROM ${given})`;
  return {
    given: sums(derivation, given),
    scanned: sums(derivation, `(${over(derivation, events)}) ${keys}`),
    kept: sums(derivation, `${table} ${keys}`),
  };
}

/** Puts into a derived table what the events of a batch make of one of its partitions. */
export function mendingOf(derivation: Derivation, batch: string, part: string): string {
  const { table, columns, partitionKey } = derivation;
  const names = columns.join(', ');
  return `INSERT INTO ${table} (${names}) SETTINGS insert_deduplicate = 0
    SELECT ${names} FROM (${over(derivation, batch)}) WHERE toString(${partitionKey}) = '${part}'`;
}
