import type { Result } from '../lib/result.ts';

/**
 * Why the database did not do it. `data`: it cannot take these rows, however often they come. `unreachable`: it is not there, or
 * lost the connection. `refused`: it understood, and will not (a setting, a right, a limit); `message` is its own.
 */
export interface StoreFault {
  readonly kind: 'data' | 'unreachable' | 'refused';
  /** Code of ClickHouse's error; 0 where it gave none. */
  readonly code: number;
  readonly message: string;
}

/** Values of the parameters `{name:Type}` of a query. */
export type Parameters = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>;

/**
 * Database of ClickHouse: in this process (chDB), a server, or servers with copies of the same tables. The same SQL, one connection,
 * one query at a time.
 */
export interface StoreDatabase extends AsyncDisposable {
  /** One statement without a result. */
  command(sql: string): Promise<Result<undefined, StoreFault>>;
  /** The rows of one statement. 64-bit integers come as numbers, or as text where the server is set so. */
  query<Row>(sql: string, parameters?: Parameters): Promise<Result<readonly Row[], StoreFault>>;
  /**
   * Inserts lines of JSON, all or none. Another insert with the same token within the last 10,000 of a table changes nothing,
   * neither there nor in what is derived from it.
   *
   * @param lines - Objects by name of column, without line ends; what is no column is passed over.
   * @param token - Printable ASCII without quotes and backslashes.
   */
  insert(table: string, lines: readonly string[], token: string): Promise<Result<undefined, StoreFault>>;
  /** A server that has all that any of the copies took, once it has; the only one at once. */
  settled(): Promise<Result<StoreDatabase, StoreFault>>;
  /** Each server that has the tables; `unreachable` where one of them is away. */
  copies(): Promise<Result<readonly StoreDatabase[], StoreFault>>;
}
