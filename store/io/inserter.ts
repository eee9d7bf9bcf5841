import { setTimeout as delay } from 'node:timers/promises';
import type { Result } from '../../lib/result.ts';
import type { StoredRecord } from '../../log/event-log.ts';
import { type Batch, rowsOf, sifted, tableOf, tokenOf, unreadableRow } from '../batch.ts';
import type { StoreDatabase, StoreFault } from '../database.ts';
import { Mender } from './mender.ts';

/** Delay before an insert that the database would not take is tried again, milliseconds: it doubles up to the longest. */
export const RETRY_MS_MIN = 500;
export const RETRY_MS_MAX = 30_000;

/** Hears what a writer does. */
export interface WriterListener {
  /** Something the operator should know. */
  trouble(what: string, details: object): void;
  /** A batch is in the store. */
  stored?(batch: Batch): void;
}

/** Inserts batches until the database has them. */
export class Inserter {
  private readonly database: StoreDatabase;
  private readonly listener: WriterListener;
  private readonly mender: Mender;

  constructor(database: StoreDatabase, listener: WriterListener) {
    this.database = database;
    this.listener = listener;
    this.mender = new Mender(database, listener);
  }

  /**
   * @param isInDoubt - It may have been inserted already.
   * @returns False when `signal` aborted before it was in.
   */
  async insert(
    batch: Batch,
    records: readonly StoredRecord[],
    signal: AbortSignal,
    isInDoubt = false,
  ): Promise<boolean> {
    let mayBeIn = isInDoubt;
    for (let delayMs = RETRY_MS_MIN; ; delayMs = Math.min(RETRY_MS_MAX, 2 * delayMs)) {
      let inserted = await this.tryIt(batch, records);
      if (inserted.ok && mayBeIn) inserted = await this.mender.mend(batch, records);
      if (inserted.ok) return true;
      mayBeIn ||= inserted.error.kind === 'unreachable';
      if (signal.aborted) return false;
      if (delayMs === RETRY_MS_MIN || delayMs === RETRY_MS_MAX) {
        const { kind, message } = inserted.error;
        this.listener.trouble('the store does not take events; they wait in the log, as long as it keeps them', {
          kind,
          reason: message,
        });
      }
      await delay(delayMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Lines that cannot be read are looked for only where the database says that there are some. */
  private async tryIt(batch: Batch, records: readonly StoredRecord[]): Promise<Result<undefined, StoreFault>> {
    const inserted = await this.database.insert(tableOf[batch.stream], rowsOf(batch, records), tokenOf(batch));
    return isData(inserted) ? this.insertSifted(batch, records) : inserted;
  }

  private async insertSifted(batch: Batch, records: readonly StoredRecord[]): Promise<Result<undefined, StoreFault>> {
    const { readable, unreadable } = sifted(batch, records);
    const aside = await this.database.insert('unreadable', unreadable, `${tokenOf(batch)}/sifted`);
    if (!aside.ok) return aside;
    if (unreadable.length > 0) this.tellAside(unreadable.length);
    return this.insertReadable(batch, readable);
  }

  /** What this release knows and the database still cannot read is narrowed down by halves. */
  private async insertReadable(batch: Batch, records: readonly StoredRecord[]): Promise<Result<undefined, StoreFault>> {
    const inserted = await this.database.insert(
      tableOf[batch.stream],
      rowsOf(batch, records),
      `${tokenOf(batch)}/sifted`,
    );
    if (!isData(inserted)) return inserted;
    const [only] = records;
    if (records.length === 1 && only !== undefined) return this.setAside(batch, only, inserted);
    const half = Math.ceil(records.length / 2);
    const middle = records[half]?.offset ?? batch.next;
    const first = await this.insertReadable({ ...batch, next: middle }, records.slice(0, half));
    return first.ok ? this.insertReadable({ ...batch, first: middle }, records.slice(half)) : first;
  }

  private setAside(
    batch: Batch,
    record: StoredRecord,
    { error }: { readonly error: StoreFault },
  ): Promise<Result<undefined, StoreFault>> {
    this.tellAside(1);
    const row = unreadableRow(batch.stream, batch.partition, record, error.message);
    return this.database.insert('unreadable', [row], `${tokenOf(batch)}/refused`);
  }

  private tellAside(count: number): void {
    this.listener.trouble('lines of the log that this release cannot read are set aside', { count });
  }
}

const isData = (result: Result<undefined, StoreFault>): result is { readonly ok: false; readonly error: StoreFault } =>
  !result.ok && result.error.kind === 'data';
