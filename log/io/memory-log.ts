import { assert } from '../../lib/assert.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../appender.ts';
import { groupAppend, octetsOf, offsetsOf } from '../batch.ts';
import type { AppendFault, EventLog, LogRecord, Offset, Page, StoredRecord, Stream } from '../event-log.ts';
import { streams } from '../event-log.ts';
import { PARTITION_COUNT_DEFAULT } from '../partition.ts';
import { follow } from './follow.ts';
import { Wakeups } from './wakeups.ts';

/** Octets that a log in memory takes before it is full. */
export const MEMORY_OCTETS_MAX_DEFAULT = 67_108_864;

export interface MemoryLogOptions {
  readonly partitionCount?: number;
  readonly octetsMax?: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now?: () => number;
}

/** What a file is on disk: the records of one append for one partition. */
interface Block {
  readonly atMs: number;
  readonly octets: number;
  readonly records: readonly StoredRecord[];
}

interface Partition {
  blocks: Block[];
  next: Offset;
}

/** A log that ends with its process, for tests and the demo. */
export const openMemoryLog = (options: MemoryLogOptions = {}): MemoryLog => new MemoryLog(options);

export class MemoryLog implements EventLog, Appender {
  readonly partitionCount: number;
  readonly connected = true;
  readonly #octetsMax: number;
  readonly #now: () => number;
  readonly #wakeups = new Wakeups();
  readonly #partitions: ReadonlyMap<Stream, readonly Partition[]>;
  readonly #committed = new Map<string, Offset>();
  #octets = 0;

  constructor(options: MemoryLogOptions) {
    const { partitionCount = PARTITION_COUNT_DEFAULT, octetsMax = MEMORY_OCTETS_MAX_DEFAULT, now = Date.now } = options;
    this.partitionCount = partitionCount;
    this.#octetsMax = octetsMax;
    this.#now = now;
    const empty = (): Partition => ({ blocks: [], next: 0 });
    this.#partitions = new Map(streams.map((stream) => [stream, Array.from({ length: partitionCount }, empty)]));
  }

  async append(records: readonly LogRecord[]): Promise<Result<readonly Offset[], AppendFault>> {
    if (records.length === 0) return ok([]);
    const grouped = groupAppend(records, this.partitionCount);
    if (grouped === undefined) return err('too-large');
    const { batch } = grouped;
    if (this.#octets + octetsOf(batch) > this.#octetsMax) return err('full');
    const atMs = this.#now();
    const firsts = batch.groups.map(({ partition, lines }) => {
      const place = this.#partitionOf(batch.stream, partition);
      const first = place.next;
      const payloads = lines.toString('utf8').split('\n');
      place.blocks.push({
        atMs,
        octets: lines.length,
        records: payloads.map((payload, index) => ({ offset: first + index, payload })),
      });
      place.next += payloads.length;
      return first;
    });
    this.#octets += octetsOf(batch);
    this.#wakeups.wake([batch.stream]);
    return ok(offsetsOf(grouped, { pressure: 0, firsts }));
  }

  async read(stream: Stream, partition: number, from: Offset, limit: number): Promise<Page> {
    const { blocks } = this.#partitionOf(stream, partition);
    const records: StoredRecord[] = [];
    const start = blocks.findLastIndex((block) => (block.records[0]?.offset ?? 0) <= from);
    for (let index = Math.max(0, start); index < blocks.length && records.length < limit; index += 1) {
      for (const record of blocks[index]?.records ?? []) {
        if (record.offset >= from && records.length < limit) records.push(record);
      }
    }
    return { records, nextOffset: (records.at(-1)?.offset ?? from - 1) + 1 };
  }

  follow(stream: Stream, partition: number, from: Offset, signal: AbortSignal): AsyncIterable<Page> {
    return follow(this, this.#wakeups, { stream, partition, from }, signal);
  }

  async bounds(stream: Stream, partition: number): Promise<{ readonly first: Offset; readonly next: Offset }> {
    const { blocks, next } = this.#partitionOf(stream, partition);
    return { first: blocks[0]?.records[0]?.offset ?? next, next };
  }

  async commit(group: string, stream: Stream, partition: number, offset: Offset): Promise<void> {
    this.#committed.set(`${stream} ${partition} ${group}`, offset);
  }

  async committed(group: string, stream: Stream, partition: number): Promise<Offset> {
    return this.#committed.get(`${stream} ${partition} ${group}`) ?? 0;
  }

  async trim(beforeAtMs: number, stream?: Stream): Promise<number> {
    let count = 0;
    for (const [name, partitions] of this.#partitions) {
      if (stream !== undefined && stream !== name) continue;
      for (const partition of partitions) {
        const kept = partition.blocks.findIndex((block) => block.atMs >= beforeAtMs);
        for (const block of partition.blocks.splice(0, kept === -1 ? partition.blocks.length : kept)) {
          count += block.records.length;
          this.#octets -= block.octets;
        }
      }
    }
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#wakeups.close();
  }

  #partitionOf(stream: Stream, partition: number): Partition {
    const found = this.#partitions.get(stream)?.[partition];
    assert(found !== undefined, 'the partition is one of this log');
    return found;
  }
}
