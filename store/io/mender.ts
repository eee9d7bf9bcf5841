import { err, ok, type Result } from '../../lib/result.ts';
import type { StoredRecord } from '../../log/event-log.ts';
import { type Batch, rowsOf, sifted, tableOf } from '../batch.ts';
import type { StoreDatabase, StoreFault } from '../database.ts';
import {
  DERIVATIONS,
  type Derivation,
  type DerivedTable,
  derivedTables,
  MENDING_TABLE,
  mendingOf,
  type Standing,
  standingOf,
} from '../derived.ts';
import { StatementFailed, taken } from './taken.ts';

/** More than anything is kept. */
const FOR_EVER_DAYS = 36_500;
const DROP_MENDING = `DROP TABLE IF EXISTS ${MENDING_TABLE} SYNC`;
const HAS_SESSION = "sid != toUUID('00000000-0000-0000-0000-000000000000')";

/** Hears of what the operator should know. */
export interface MenderListener {
  trouble(what: string, details: object): void;
}

/** Of the rows of a batch those of one partition of its table. */
interface MissingRows {
  readonly id: string;
  readonly given: number;
  readonly missing: number;
}

/**
 * Looks after a batch that was inserted once more since it was not known whether it is in. A table of one server notes the token of
 * an insert before its rows are in place; when the server is killed between the two, the rows are missing, and what is inserted once
 * more under the same token is passed over. That is one partition of one table, and what is missing there is put in. Tables with copies
 * note both at once. Lines that were set aside as unreadable are not looked after.
 */
export class Mender {
  private readonly database: StoreDatabase;
  private readonly listener: MenderListener;

  constructor(database: StoreDatabase, listener: MenderListener) {
    this.database = database;
    this.listener = listener;
  }

  /** Nothing else may be inserted meanwhile. It may be cut off anywhere and done again. */
  async mend(batch: Batch, records: readonly StoredRecord[]): Promise<Result<undefined, StoreFault>> {
    try {
      await this.mendTables(batch, records);
      return ok(undefined);
    } catch (error) {
      if (!(error instanceof StatementFailed)) throw error;
      const { fault } = error;
      // Nobody would forget the events in it.
      await this.database.command(DROP_MENDING);
      if (fault.kind === 'unreachable') return err(fault);
      this.listener.trouble('it cannot be told whether a batch is in the store as a whole', {
        ...placeOf(batch),
        reason: fault.message,
      });
      return ok(undefined);
    }
  }

  private async mendTables(batch: Batch, records: readonly StoredRecord[]): Promise<void> {
    const table = tableOf[batch.stream];
    const [found] = await this.query<{ engine: string; home: string; definition: string }>(
      'SELECT engine, currentDatabase() AS home, engine_full AS definition FROM system.tables WHERE database = currentDatabase() AND name = {table:String}',
      { table },
    );
    if (found === undefined || /^(?:Replicated|Shared)/.test(found.engine)) return;
    await this.takeRows(batch, table, records);
    const parts = await this.missingByPart(batch, table, keptDaysIn(found.definition));
    if (await this.mendRows(batch, table, parts)) await this.takeRows(batch, table, records);
    if (table === 'events' && parts.length > 0)
      for (const derived of derivedTables) await this.mendDerived(batch, found.home, derived);
    await this.command(DROP_MENDING);
  }

  /** As they were inserted: as they are, and where the database cannot read some, what this release can read. */
  private async takeRows(batch: Batch, table: string, records: readonly StoredRecord[]): Promise<void> {
    await this.command(DROP_MENDING);
    await this.command(`CREATE TABLE ${MENDING_TABLE} AS ${table}`);
    const inserted = await this.database.insert(MENDING_TABLE, rowsOf(batch, records), '');
    if (inserted.ok || inserted.error.kind !== 'data') return taken(inserted);
    const { readable } = sifted(batch, records);
    taken(await this.database.insert(MENDING_TABLE, rowsOf(batch, readable), ''));
  }

  /** @param keptDays - Days that are over are passed over: the database drops them when it finds the time. */
  private missingByPart(
    { partition, first, next }: Batch,
    table: string,
    keptDays: number,
  ): Promise<readonly MissingRows[]> {
    return this.query<MissingRows>(
      `SELECT _partition_id AS id, count() AS given, countIf(logOffset NOT IN (
         SELECT logOffset FROM ${table} WHERE logPartition = {partition:UInt16} AND logOffset >= {first:UInt64} AND logOffset < {next:UInt64}
           AND at >= (SELECT min(at) FROM ${MENDING_TABLE}) AND at <= (SELECT max(at) FROM ${MENDING_TABLE}))) AS missing
       FROM ${MENDING_TABLE} GROUP BY id HAVING min(at) > now64(3) - toIntervalDay({keptDays:UInt32})`,
      { partition, first, next, keptDays },
    );
  }

  /** The table that batches go to: what is missing comes as parts, so that nothing is derived from it. @returns Was anything missing? */
  private async mendRows(batch: Batch, table: string, parts: readonly MissingRows[]): Promise<boolean> {
    let isMended = false;
    for (const { id, given, missing } of parts) {
      const [count, total] = [Number(missing), Number(given)];
      if (count === 0) continue;
      if (count < total) {
        this.tellDifference(batch, table);
        continue;
      }
      await this.command(`ALTER TABLE ${MENDING_TABLE} MOVE PARTITION ID '${id}' TO TABLE ${table}`);
      this.tellMended(batch, table, count);
      isMended = true;
    }
    return isMended;
  }

  private async mendDerived(batch: Batch, database: string, derived: DerivedTable): Promise<void> {
    const { table, view } = derived;
    const [found] = await this.query<Derivation>(DERIVATIONS, { table, view });
    if (found === undefined) return;
    const derivation = { ...found, ...derived };
    const batchTable = `${database}.${MENDING_TABLE}`;
    const standings = await this.query<Standing>(standingOf(derivation, batchTable, eventsAround(database)));
    for (const { part, keys, lost, short } of standings) {
      // Sums are kept longer than events: then there is more than a scan finds.
      if (Number(short) === 0) continue;
      if (Number(lost) < Number(keys)) {
        this.tellDifference(batch, table);
        continue;
      }
      await this.command(mendingOf(derivation, batchTable, part));
      this.tellMended(batch, table, Number(keys));
    }
  }

  private tellMended(batch: Batch, table: string, missing: number): void {
    this.listener.trouble('what the database lost of a batch when it was killed is put in', {
      ...placeOf(batch),
      table,
      missing,
    });
  }

  private tellDifference(batch: Batch, table: string): void {
    this.listener.trouble('a table does not have what events say; `postern store --rebuild` puts it right', {
      ...placeOf(batch),
      table,
    });
  }

  private async command(sql: string): Promise<void> {
    taken(await this.database.command(sql));
  }

  private async query<Row>(
    sql: string,
    parameters: Readonly<Record<string, string | number>> = {},
  ): Promise<readonly Row[]> {
    return taken(await this.database.query<Row>(sql, parameters));
  }
}

/** How long a table keeps its rows, days. @param definition - Its engine with all that belongs to it. */
const keptDaysIn = (definition: string): number =>
  Number(/TTL toDateTime\(at\) \+ toIntervalDay\((\d+)\)/.exec(definition)?.[1] ?? FOR_EVER_DAYS);

const placeOf = ({ stream, partition, first, next }: Batch): object => ({ stream, partition, first, next });

/** All events of the hours and sessions that the batch is about. A session says in its id when it began (RFC 9562, version 7). */
const eventsAround = (database: string): string =>
  `(SELECT * FROM ${database}.events
    WHERE at >= (SELECT toStartOfHour(min(if(${HAS_SESSION}, least(at, UUIDv7ToDateTime(sid)), at))) FROM ${database}.${MENDING_TABLE})
      AND at < (SELECT toStartOfHour(max(at)) + INTERVAL 1 HOUR FROM ${database}.${MENDING_TABLE}))`;
