import { assert } from '../../lib/assert.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../appender.ts';
import type { AppendFault, EventLog, LogRecord, Offset, Page, Stream } from '../event-log.ts';
import { streams } from '../event-log.ts';
import type { RewriteOutcome, Rewriter, Rewriting } from '../rewriting.ts';
import { follow } from './follow.ts';
import { connectLog, type LogClient } from './log-client.ts';
import { OffsetStore } from './offset-store.ts';
import { StreamReader } from './stream-reader.ts';

/** How long an append or commit waits for a log process that cannot be reached. */
export const PATIENCE_MS_DEFAULT = 30_000;

export interface SqliteLogReaderOptions {
  /** The directory of the log. */
  readonly directory: string;
  /** Where its log process listens. */
  readonly socketPath: string;
  /** Default {@link PATIENCE_MS_DEFAULT}. */
  readonly patienceMs?: number;
}

/**
 * Opens a log that another process owns: reads its files, and appends, commits and trims through that process. Without
 * the process what is there can still be read.
 *
 * @returns `unreachable` if there is no log in the directory and no process either.
 */
export async function openSqliteLogReader(
  options: SqliteLogReaderOptions,
): Promise<Result<SqliteLogReader, 'unreachable'>> {
  const { directory, socketPath, patienceMs = PATIENCE_MS_DEFAULT } = options;
  const client = connectLog({ socketPath, patienceMs, subscribe: true });
  try {
    const partitionCount = storedPartitionCount(directory) ?? (await client.partitionCount);
    return ok(new SqliteLogReader(directory, partitionCount, client));
  } catch {
    await client[Symbol.asyncDispose]();
    return err('unreachable');
  }
}

function storedPartitionCount(directory: string): number | undefined {
  using store = OffsetStore.openToRead(directory);
  return store === undefined || store.partitionCount === 0 ? undefined : store.partitionCount;
}

/** The log of another process of this host. */
export class SqliteLogReader implements EventLog, Appender, Rewriter {
  readonly partitionCount: number;
  readonly #directory: string;
  readonly #client: LogClient;
  readonly #readers: ReadonlyMap<Stream, StreamReader>;

  constructor(directory: string, partitionCount: number, client: LogClient) {
    this.partitionCount = partitionCount;
    this.#directory = directory;
    this.#client = client;
    this.#readers = new Map(
      streams.map((stream) => [
        stream,
        new StreamReader(directory, stream, (fileNumber) => client.suspect(stream, fileNumber)),
      ]),
    );
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  append(records: readonly LogRecord[]): Promise<Result<readonly Offset[], AppendFault>> {
    return this.#client.append(records);
  }

  async read(stream: Stream, partition: number, from: Offset, limit: number): Promise<Page> {
    return this.#readerOf(stream).read(partition, from, limit);
  }

  follow(stream: Stream, partition: number, from: Offset, signal: AbortSignal): AsyncIterable<Page> {
    return follow(this, this.#client.wakeups, { stream, partition, from }, signal);
  }

  async bounds(stream: Stream, partition: number): Promise<{ readonly first: Offset; readonly next: Offset }> {
    return this.#readerOf(stream).bounds(partition);
  }

  commit(group: string, stream: Stream, partition: number, offset: Offset): Promise<void> {
    return this.#client.commit(group, stream, partition, offset);
  }

  async committed(group: string, stream: Stream, partition: number): Promise<Offset> {
    using store = OffsetStore.openToRead(this.#directory);
    return store?.committed(group, stream, partition) ?? 0;
  }

  async trim(beforeAtMs: number, stream?: Stream): Promise<number> {
    const count = await this.#client.trim(beforeAtMs, stream);
    for (const reader of this.#readers.values()) reader.refresh();
    return count;
  }

  /** See {@link Rewriter.rewrite}. */
  rewrite(rewriting: Rewriting): Promise<readonly RewriteOutcome[]> {
    return this.#client.rewrite(rewriting);
  }

  /** See {@link Rewriter.scrub}. */
  scrub(): Promise<number> {
    return this.#client.scrub();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    for (const reader of this.#readers.values()) reader.close();
  }

  #readerOf(stream: Stream): StreamReader {
    const reader = this.#readers.get(stream);
    assert(reader !== undefined, 'a log has every stream');
    return reader;
  }
}
