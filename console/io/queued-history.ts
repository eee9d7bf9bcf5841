import { err, type Result } from '../../lib/result.ts';
import type { Parameters } from '../../store/database.ts';
import { type History, type HistoryFault, historyBusy, type Table } from '../../store/history.ts';
import { Turns } from './turns.ts';

/** Queries at once: the embedded history does two. */
export const QUERIES_MAX = 2;
/** Queries that wait: all panels of some pages. */
export const QUERIES_WAITING_MAX = 64;

/** A history that many pages ask: a few questions at once, a few more wait, and the rest is told to come again. */
export class QueuedHistory implements History {
  private readonly history: History;
  private readonly turns = new Turns({ atOnceMax: QUERIES_MAX, waitingMax: QUERIES_WAITING_MAX });

  constructor(history: History) {
    this.history = history;
  }

  isThere(): Promise<boolean> {
    return this.history.isThere();
  }

  async ask(sql: string, parameters?: Parameters): Promise<Result<Table, HistoryFault>> {
    return (await this.turns.run(() => this.history.ask(sql, parameters))) ?? err(historyBusy);
  }
}
