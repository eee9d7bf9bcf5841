import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEvent, partitionKeyOf } from '../../events/codec.ts';
import { type DecisionEvent, decisionKey } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { ok } from '../../lib/result.ts';
import type { EventLog, LogRecord, Offset, Stream } from '../../log/event-log.ts';
import type { StoreDatabase } from '../../store/database.ts';
import type { History } from '../../store/history.ts';
import { ClickHouseHistory } from '../../store/io/clickhouse-history.ts';
import { HttpInterface } from '../../store/io/http-interface.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { testCredentials, testLimits } from './history.ts';
import { openTestStore, TestJournal } from './store.ts';

/** A record for the log, as the gate and the analyzers append it. */
export const recordOf = (line: MailEvent | DecisionEvent): LogRecord => {
  const payload = encodeEvent(line);
  if (line.type === 'decision-made' || line.type === 'decision-revoked')
    return { stream: 'postern.decisions', key: decisionKey(line), payload };
  const key = partitionKeyOf(line);
  return { stream: 'postern.events', key: key ?? '', payload, ...(key === undefined ? { everyPartition: true } : {}) };
};

/** By stream and partition. */
export type Offsets = (stream: Stream, partition: number) => Offset;

/** A log whose records before `firsts` are gone, and whose records from `nexts` on have not come yet. */
export const cutLog = (log: EventLog, firsts: Offsets, nexts?: Offsets): EventLog => {
  const bounds: EventLog['bounds'] = async (stream, partition) => {
    const { first, next } = await log.bounds(stream, partition);
    const end = Math.min(next, nexts?.(stream, partition) ?? next);
    return { first: Math.min(end, Math.max(first, firsts(stream, partition))), next: end };
  };
  const read: EventLog['read'] = async (stream, partition, from, limit) => {
    const { first, next } = await bounds(stream, partition);
    const start = Math.max(from, first);
    const page = await log.read(stream, partition, start, limit);
    const records = page.records.filter(({ offset }) => offset < next);
    return { records, nextOffset: (records.at(-1)?.offset ?? start - 1) + 1 };
  };
  return {
    partitionCount: log.partitionCount,
    append: (records) => log.append(records),
    read,
    follow: (stream, partition, from, signal) => log.follow(stream, partition, from, signal),
    bounds,
    commit: (group, stream, partition, offset) => log.commit(group, stream, partition, offset),
    committed: (group, stream, partition) => log.committed(group, stream, partition),
    trim: (beforeAtMs, stream) => log.trim(beforeAtMs, stream),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
};

/** Everything that a log has is gone from it. */
export const goneFrom = async (log: EventLog): Promise<EventLog> => {
  const ends = new Map<string, Offset>();
  for (const stream of ['postern.events', 'postern.decisions'] as const)
    for (let partition = 0; partition < log.partitionCount; partition += 1)
      ends.set(`${stream} ${partition}`, (await log.bounds(stream, partition)).next);
  return cutLog(log, (stream, partition) => ends.get(`${stream} ${partition}`) ?? 0);
};

/** A history of its own, asked as commands ask it. */
export interface Past extends AsyncDisposable {
  readonly history: History;
  readonly database: StoreDatabase;
  /** Brings in what a log has. */
  take(log: EventLog): Promise<void>;
}

/** Histories of a file of tests: a process has one directory of chDB. */
export class Pasts implements Disposable {
  private readonly directory = mkdtempSync(join(tmpdir(), 'postern-'));
  private count = 0;

  async open(): Promise<Past> {
    this.count += 1;
    const name = `past_${this.count}`;
    const database = await openTestStore(this.directory, name);
    const http = await HttpInterface.open({
      address: '127.0.0.1',
      port: 0,
      credentials: testCredentials,
      directory: this.directory,
      database: name,
      limits: testLimits,
      trouble: () => undefined,
    });
    if (!http.ok) throw new Error(http.error);
    const url = `http://127.0.0.1:${http.value.port}`;
    const history = new ClickHouseHistory(() => ok({ url, ...testCredentials, database: name }));
    const journal = new TestJournal();
    return {
      history,
      database,
      take: async (log) => {
        const writer = new StoreWriter({ log, database, journal, listener: { trouble: () => undefined } });
        await writer.begin(new AbortController().signal);
        await writer.catchUp(new AbortController().signal);
      },
      [Symbol.asyncDispose]: async () => {
        await history[Symbol.asyncDispose]();
        await http.value[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      },
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
