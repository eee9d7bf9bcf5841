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

/** How a batch stands in one partition of a derived table. */
export interface Standing {
  readonly part: string;
  /** Keys that the batch adds to. */
  readonly keys: number;
  /** Those of them where just what it adds is missing. */
  readonly lost: number;
  /** Those where anything is missing. */
  readonly short: number;
}

/**
 * Asks how a batch stands in a derived table, by partition: for each key that it adds to, what it gives alone, what all events
 * give, and what is there.
 *
 * @param batch - Table with the events of the batch.
 * @param events - Query of all events that count for the keys of the batch, in brackets.
 */
export function standingOf(derivation: Derivation, batch: string, events: string): string {
  const { table, sortingKey, partitionKey, measure } = derivation;
  const given = `(${over(derivation, batch)})`;
  const ofKeys = `WHERE (${sortingKey}) IN (SELECT ${sortingKey} FROM ${given})`;
  const sums = (from: string, name: string): string =>
    `(SELECT toString(${partitionKey}) AS part, tuple(${sortingKey}) AS key, toInt64(${measure}) AS ${name} FROM ${from} GROUP BY part, key)`;
  return `SELECT part, count() AS keys, countIf(scanned - kept = given) AS lost, countIf(scanned > kept) AS short
    FROM ${sums(given, 'given')} AS ofBatch
    LEFT JOIN ${sums(`(${over(derivation, events)}) ${ofKeys}`, 'scanned')} AS ofEvents USING (part, key)
    LEFT JOIN ${sums(`${table} ${ofKeys}`, 'kept')} AS ofTable USING (part, key)
    WHERE given > 0 GROUP BY part SETTINGS join_use_nulls = 0`;
}

/** Puts into a derived table what the events of a batch make of one of its partitions. */
export function mendingOf(derivation: Derivation, batch: string, part: string): string {
  const { table, columns, partitionKey } = derivation;
  const names = columns.join(', ');
  return `INSERT INTO ${table} (${names}) SETTINGS insert_deduplicate = 0
    SELECT ${names} FROM (${over(derivation, batch)}) WHERE toString(${partitionKey}) = '${part}'`;
}
