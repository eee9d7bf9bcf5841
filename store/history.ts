import type { Result } from '../lib/result.ts';
import type { Parameters } from './database.ts';

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

/**
 * `none`: no history is kept; `away`: nobody answers, or not to us; `busy`: too many ask; `refused`: the database would not do it.
 */
export interface HistoryFault {
  readonly kind: 'none' | 'away' | 'busy' | 'refused';
  /** What it is and what to do, for people: one or two sentences. */
  readonly text: string;
}

/** Others ask too much at once. */
export const historyBusy: HistoryFault = {
  kind: 'busy',
  text: 'Too many questions to the history at once: try again.',
};

/** The history, to be read only. */
export interface History {
  /** Whether somebody answers. */
  isThere(): Promise<boolean>;
  /** @param sql - One SELECT without a format. */
  ask(sql: string, parameters?: Parameters): Promise<Result<Table, HistoryFault>>;
}
