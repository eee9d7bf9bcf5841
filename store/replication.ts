/** Servers that have copies of the same tables, at most. */
export const REPLICAS_MAX = 8;
/** How long a replica remembers that a batch was inserted, seconds: it may be inserted once more after a store that was away. */
const TOKENS_KEPT_SECONDS = 31_536_000;

/** Each server's own: which steps of the schema it has. */
const OWN_TABLES: ReadonlySet<string> = new Set(['schema_steps']);

const created = /^CREATE TABLE IF NOT EXISTS (\w+)/;
const engine = /\bENGINE = (\w*MergeTree)(?:\(([^()]*)\))?/;
const window = /\bnon_replicated_deduplication_window = (\d+)/;

/**
 * A statement of the schema for servers that have copies of the same tables: what it makes is kept by ClickHouse's own replication,
 * under one path in Keeper for each table, which does not depend on the server. The name of the copy is the macro `replica` of the
 * server.
 *
 * @param database - Its name: letters, digits and underscores.
 */
export function replicatedStatement(statement: string, database: string): string {
  const [, table] = created.exec(statement) ?? [];
  if (table === undefined || OWN_TABLES.has(table)) return statement;
  return statement
    .replace(engine, (_, kind: string, given?: string) => {
      const place = [`'${keeperPath(database, table)}'`, "'{replica}'"];
      return `ENGINE = Replicated${kind}(${[...place, ...(given === undefined ? [] : [given])].join(', ')})`;
    })
    .replace(
      window,
      `replicated_deduplication_window = $1, replicated_deduplication_window_seconds = ${TOKENS_KEPT_SECONDS}`,
    );
}

/** Where Keeper has what the copies of a table agree on. */
const keeperPath = (database: string, table: string): string => `/clickhouse/postern/${database}/${table}`;

/** A table or view of a server, as `system.tables` has it. */
export interface Definition {
  readonly name: string;
  readonly engine: string;
  /** The statement that makes it. */
  readonly statement: string;
}

/** Asks for the definitions of a server: tables before views, which rest on them. */
export const DEFINITIONS = `SELECT name, engine, create_table_query AS statement FROM system.tables
  WHERE database = currentDatabase() AND (endsWith(engine, 'MergeTree') OR engine = 'MaterializedView')
  ORDER BY engine = 'MaterializedView', name`;

/**
 * Statements that give a server what another one has. A table that both have is the same one, by replication; views are not
 * replicated, so where steps of the schema are new to it each view is made anew, in one go.
 */
export function missingDefinitions(
  there: readonly Definition[],
  here: readonly Definition[],
  hasNewSteps: boolean,
): readonly string[] {
  const known = new Set(here.map(({ name }) => name));
  return there.flatMap(({ name, engine: kind, statement }) => {
    if (!known.has(name)) return [statement.replace(/^CREATE (TABLE|MATERIALIZED VIEW) /, 'CREATE $1 IF NOT EXISTS ')];
    if (kind !== 'MaterializedView' || !hasNewSteps) return [];
    return [statement.replace(/^CREATE /, 'CREATE OR REPLACE ')];
  });
}

/** Tables that would not be copied, though they should be: they are older than the replication. */
export const unreplicated = (definitions: readonly Definition[]): readonly string[] =>
  definitions
    .filter(
      ({ name, engine: kind }) => kind.endsWith('MergeTree') && !kind.startsWith('Replicated') && !OWN_TABLES.has(name),
    )
    .map(({ name }) => name);
