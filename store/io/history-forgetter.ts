import { setTimeout as delay } from 'node:timers/promises';
import { REPLY_TEXT_LENGTH_MAX } from '../../events/event.ts';
import type { Forgetter } from '../../events/forgetter.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { UNREADABLE_LINE_MAX } from '../batch.ts';
import type { StoreDatabase, StoreFault } from '../database.ts';
import { type PersonalColumn, type PersonalText, personalColumns } from '../personal-columns.ts';
import { StatementFailed, taken } from './taken.ts';

/** Texts that are replaced by one mutation, at most, and their UTF-16 code units: they are held in memory, here and there. */
export const TEXTS_MAX = 20_000;
export const TEXTS_LENGTH_MAX = 8_388_608;
/** Texts that are looked at with one query. */
const TEXTS_READ = 5000;
/** How often it is seen whether a mutation is done, milliseconds. */
const LOOK_EVERY_MS = 200;
/** What stands in place of what, while it is done: no statement names the person, since the database keeps those of its mutations. */
const TABLE = 'forgetting';
/** It is waited for by looking; each copy has the same {@link TABLE}, so that they come to the same rows. */
const MUTATION_SETTINGS = 'mutations_sync = 0, allow_nondeterministic_mutations = 1';
/** A server may keep the text of statements, and their parameters. */
const UNLOGGED = 'SETTINGS log_queries = 0';

export interface HistoryForgetting {
  readonly database: StoreDatabase;
  readonly forgetter: Forgetter;
  /** Only counted, nothing is changed. */
  readonly isDryRun: boolean;
  /** Ends it anywhere; it is begun anew by whoever does it again. */
  readonly signal: AbortSignal;
  /** Told of each column that is done. */
  readonly onColumn: (done: number, total: number) => void;
}

/** Rows by table. */
export type RowCounts = Readonly<Record<string, number>>;

/** `stopped`: the signal came before it was done. */
export type ForgetFault = StoreFault | { readonly kind: 'stopped'; readonly message: string };

/** The signal came before it was done. */
class Stopped extends Error {}

/**
 * Takes a person out of every table of the history. The sums stay as they are. It may be cut off anywhere and done again.
 *
 * @returns How many rows named him, by table.
 */
export async function forgetInHistory(forgetting: HistoryForgetting): Promise<Result<RowCounts, ForgetFault>> {
  try {
    return ok(await new HistoryForgetter(forgetting).run());
  } catch (error) {
    if (error instanceof StatementFailed) return err(error.fault);
    if (error instanceof Stopped) return err({ kind: 'stopped', message: error.message });
    throw error;
  }
}

/** A text and what it becomes, with the place of its column: the same text may be nobody's name elsewhere. */
interface Replaced {
  readonly before: string;
  readonly after: string;
}

class HistoryForgetter {
  private readonly options: HistoryForgetting;
  private readonly counts: Record<string, number> = {};
  /** The server that is asked: it has all that any of them took. */
  private server: StoreDatabase;
  private database = '';
  /** Each server that has the tables: what stands in place of what has to be known at all of them. */
  private copies: readonly StoreDatabase[] = [];
  private waiting: Replaced[] = [];
  private waitingLength = 0;
  /** Indices of the columns that {@link waiting} is about. */
  private readonly columns = new Set<number>();

  constructor(options: HistoryForgetting) {
    this.options = options;
    this.server = options.database;
  }

  async run(): Promise<RowCounts> {
    this.copies = this.check(await this.options.database.copies());
    // What is on its way from another copy would not be found.
    this.server = this.check(await this.options.database.settled());
    const [row] = await this.query<{ name: string }>('SELECT currentDatabase() AS name');
    this.database = row?.name ?? '';
    await this.endOfMutations();
    await this.beginTable();
    for (const [index, column] of personalColumns.entries()) {
      await this.look(index, column);
      const isLastOfTable = personalColumns[index + 1]?.table !== column.table;
      if (isLastOfTable) await this.replace(column.table);
      this.options.onColumn(index + 1, personalColumns.length);
    }
    await this.everywhere(`DROP TABLE IF EXISTS ${TABLE} SYNC`);
    return this.counts;
  }

  /** Goes through the texts of a column that a coarse search finds, each once, in their order. */
  private async look(index: number, { table, texts, holds }: PersonalColumn): Promise<void> {
    const pattern = `(?i)${holds === 'hex' ? '.' : this.options.forgetter.coarsePattern}`;
    for (let after = ''; ; ) {
      const found = await this.query<{ text: string }>(
        `SELECT DISTINCT text FROM (SELECT arrayJoin(${texts}) AS text FROM ${table})
         WHERE text > {after:String} AND match(text, {pattern:String}) ORDER BY text LIMIT ${TEXTS_READ} ${UNLOGGED}`,
        { after, pattern },
      );
      for (const { text } of found) this.take(index, text, this.changed(holds, text));
      const last = found.at(-1)?.text;
      if (this.waiting.length >= TEXTS_MAX || this.waitingLength >= TEXTS_LENGTH_MAX) await this.replace(table);
      if (found.length < TEXTS_READ || last === undefined) return;
      after = last;
    }
  }

  private changed(holds: PersonalText, text: string): string {
    const { forgetter } = this.options;
    switch (holds) {
      case 'text':
        return forgetter.text(text);
      case 'reply-text':
        return forgetter.text(text, REPLY_TEXT_LENGTH_MAX);
      case 'account':
        return forgetter.account(text);
      case 'hex':
        return forgetter.hex(text);
      case 'line':
        // One that was cut off is not JSON any more.
        return forgetter.text(forgetter.line(text), UNREADABLE_LINE_MAX);
    }
  }

  private take(index: number, before: string, after: string): void {
    if (before === after) return;
    this.columns.add(index);
    this.waiting.push({ before: keyOf(index, before), after });
    this.waitingLength += before.length + after.length;
  }

  /** Replaces what is waiting, in one table. */
  private async replace(table: string): Promise<void> {
    const columns = [...this.columns];
    if (columns.length === 0) return;
    const lines = this.waiting.map((each) => JSON.stringify(each));
    for (const copy of this.copies) this.check(await copy.insert(TABLE, lines, ''));
    const where = columns.map((index) => this.whereOf(index)).join(' OR ');
    const [row] = await this.query<{ count: number | string }>(`SELECT count() AS count FROM ${table} WHERE ${where}`);
    this.counts[table] = (this.counts[table] ?? 0) + Number(row?.count ?? 0);
    if (!this.options.isDryRun) {
      await this.command(
        `ALTER TABLE ${table} UPDATE ${columns.map((index) => this.assignmentOf(index)).join(', ')} WHERE ${where} SETTINGS ${MUTATION_SETTINGS}`,
      );
      await this.endOfMutations();
    }
    this.waiting = [];
    this.waitingLength = 0;
    this.columns.clear();
    await this.beginTable();
  }

  private async beginTable(): Promise<void> {
    await this.everywhere(`DROP TABLE IF EXISTS ${TABLE} SYNC`);
    await this.everywhere(`CREATE TABLE ${TABLE} (before String, after String) ENGINE = Join(ANY, LEFT, before)`);
  }

  /** Waits for mutations of ours, also those of a process that was killed: they go on by themselves. One that cannot is ended. */
  private async endOfMutations(): Promise<void> {
    for (const copy of this.copies) await this.endOfMutationsAt(copy);
  }

  private async endOfMutationsAt(copy: StoreDatabase): Promise<void> {
    const ours = `database = currentDatabase() AND NOT is_done AND position(command, 'joinGet(''${this.database}.${TABLE}''') > 0`;
    for (;;) {
      const left = this.check(
        await copy.query<{ reason: string }>(
          `SELECT latest_fail_reason AS reason FROM system.mutations WHERE ${ours} ORDER BY reason DESC`,
        ),
      );
      const [worst] = left;
      if (worst === undefined) return;
      if (worst.reason !== '') {
        this.check(await copy.command(`KILL MUTATION WHERE ${ours} SYNC`));
        throw new StatementFailed({ kind: 'refused', code: 0, message: worst.reason });
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  /** What a text of a column becomes, as SQL: empty where it stays. */
  private found(index: number, text: string): string {
    return `joinGet('${this.database}.${TABLE}', 'after', concat('${index}:', ${text}))`;
  }

  private whereOf(index: number): string {
    const { texts = '[]' } = personalColumns[index] ?? {};
    return `arrayExists(t -> ${this.found(index, 't')} != '', ${texts})`;
  }

  private assignmentOf(index: number): string {
    const { column = '', update } = personalColumns[index] ?? {};
    const changed = (text: string): string =>
      `if(${this.found(index, text)} = '', ${text}, ${this.found(index, text)})`;
    return `${column} = ${update?.(changed) ?? ''}`;
  }

  private async everywhere(sql: string): Promise<void> {
    for (const copy of this.copies) this.check(await copy.command(sql));
  }

  private async command(sql: string): Promise<void> {
    this.check(await this.server.command(sql));
  }

  private async query<Row>(sql: string, parameters: Readonly<Record<string, string>> = {}): Promise<readonly Row[]> {
    return this.check(await this.server.query<Row>(sql, parameters));
  }

  private check<T>(result: Result<T, StoreFault>): T {
    const value = taken(result);
    if (this.options.signal.aborted) throw new Stopped('the store stops');
    return value;
  }
}

const keyOf = (index: number, text: string): string => `${index}:${text}`;
