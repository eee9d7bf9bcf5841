import type { Result } from '../lib/result.ts';

/** Rows of one answer, at most. */
export const ROWS_MAX = 5000;
/** Longest time of one query, seconds. */
export const QUERY_SECONDS_MAX = 20;

/** What a statement gave. */
export interface Table {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** At most {@link ROWS_MAX}. Times are ISO texts, 64-bit numbers are numbers. */
  readonly rows: readonly (readonly unknown[])[];
  /** There were more. */
  readonly isCut: boolean;
}

/** `away`: nobody answers, or there is no history; `busy`: too many ask; `refused`: the database would not do it. */
export interface HistoryFault {
  readonly kind: 'away' | 'busy' | 'refused';
  /** For people. */
  readonly text: string;
}

/** The history, to be read only. */
export interface History {
  /** Whether somebody answers. */
  isThere(): Promise<boolean>;
  /** @param sql - One SELECT without a format. */
  ask(sql: string, parameters?: Readonly<Record<string, string>>): Promise<Result<Table, HistoryFault>>;
}
