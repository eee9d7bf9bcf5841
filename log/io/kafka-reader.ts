import type { Buffer } from 'node:buffer';
import { Consumer, ListOffsetTimestamps } from '@platformatic/kafka';
import type { Offset, Page, StoredRecord, Stream } from '../event-log.ts';
import { isAnswer } from '../kafka-fault.ts';
import { decodeOrigin } from '../origin.ts';
import { clientOptions, type KafkaPlace, ORIGIN_HEADER, REQUEST_MS_MAX, topicOf } from './kafka-client.ts';

/** Octets of one fetch, compressed; a longer batch comes whole. */
export const FETCH_OCTETS_MAX = 1_048_576;
/** Bit of a batch that holds marks of transactions, and no records (KIP-98). */
const CONTROL_BATCH = 0x20;

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

/** Where one partition of one stream is. */
export interface KafkaPartition {
  readonly stream: Stream;
  readonly partition: number;
}

/** What one fetch gave. `end`: the offset that the next record will get, as the broker knew it then. */
interface Fetched extends Page {
  readonly end: Offset;
}

/** Reads partitions from any offset on, without belonging to a group. One question at a time: a broker answers them in their order. */
export class KafkaReader implements AsyncDisposable {
  private readonly place: KafkaPlace;
  private readonly consumer: Consumer;
  private isMetadataOld = false;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(place: KafkaPlace) {
    this.place = place;
    // The name of the group is not used.
    this.consumer = new Consumer({ ...clientOptions(place), groupId: `${place.prefix}reader` });
  }

  /**
   * The next records of a partition, all that one fetch brings. Throws what the library throws where the brokers do not answer.
   *
   * @param waitMs - How long the broker waits for a record to come; 0: not at all.
   */
  fetch(of: KafkaPartition, from: Offset, waitMs: number): Promise<Page> {
    // The library counts the fetches of a connection: two at once would be out of step.
    const page = this.turn.then(() => this.fetchRecords(of, from, waitMs));
    this.turn = page.catch(() => undefined);
    return page;
  }

  private async fetchRecords(of: KafkaPartition, from: Offset, waitMs: number): Promise<Page> {
    for (let at = from; ; ) {
      const fetched = await this.fetchOnce(of, at, waitMs);
      // A stretch without records (compaction, marks of transactions) is no end.
      if (fetched.records.length > 0 || fetched.nextOffset === at || fetched.nextOffset >= fetched.end) return fetched;
      at = fetched.nextOffset;
    }
  }

  /** See {@link EventLog.bounds}. */
  async bounds({ stream, partition }: KafkaPartition): Promise<{ readonly first: Offset; readonly next: Offset }> {
    const [first, next] = await Promise.all([
      this.offsetAt({ stream, partition }, ListOffsetTimestamps.EARLIEST),
      this.offsetAt({ stream, partition }, ListOffsetTimestamps.LATEST),
    ]);
    return { first, next };
  }

  /** The first offset whose record is not older than a time in milliseconds; -1 where all are. */
  async offsetAt({ stream, partition }: KafkaPartition, timestamp: bigint): Promise<Offset> {
    const topic = topicOf(this.place, stream);
    const partitions = { [topic]: [partition] };
    const found = await this.consumer.listOffsets({ topics: [topic], partitions, timestamp });
    return Number(found.get(topic)?.[partition] ?? -1n);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.consumer.close(true).catch(() => undefined);
  }

  private async fetchOnce(of: KafkaPartition, from: Offset, waitMs: number): Promise<Fetched> {
    try {
      return fetchedOf(await this.ask(of, from, waitMs), from);
    } catch (error) {
      this.isMetadataOld = true;
      // A broker that was started anew does not know what was fetched before; the library begins anew, too.
      if (isAnswer(error, 'FETCH_SESSION_ID_NOT_FOUND')) return fetchedOf(await this.ask(of, from, waitMs), from);
      if (!isAnswer(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      const { first, next } = await this.bounds(of);
      if (from >= next) return { records: [], nextOffset: from, end: next };
      return fetchedOf(await this.ask(of, first, waitMs), first);
    }
  }

  private async ask({ stream, partition }: KafkaPartition, from: Offset, waitMs: number): Promise<FetchResponse> {
    const topic = topicOf(this.place, stream);
    const metadata = await this.consumer.metadata({ topics: [topic], forceUpdate: this.isMetadataOld });
    this.isMetadataOld = false;
    const found = metadata.topics.get(topic);
    const leader = found?.partitions[partition]?.leader;
    if (found === undefined || leader === undefined) throw new Error(`there is no partition ${partition} of ${topic}`);
    return this.consumer.fetch({
      node: leader,
      maxWaitTime: Math.min(waitMs, REQUEST_MS_MAX / 2),
      minBytes: 1,
      maxBytes: FETCH_OCTETS_MAX,
      topics: [
        {
          topicId: found.id,
          partitions: [
            {
              partition,
              currentLeaderEpoch: -1,
              fetchOffset: BigInt(from),
              lastFetchedEpoch: -1,
              partitionMaxBytes: FETCH_OCTETS_MAX,
            },
          ],
        },
      ],
    });
  }
}

/** The records of an answer from an offset on: a batch may begin before it. */
function fetchedOf(response: FetchResponse, from: Offset): Fetched {
  const [answer] = response.responses.flatMap(({ partitions }) => partitions);
  if (answer === undefined) return { records: [], nextOffset: from, end: from };
  const records: StoredRecord[] = [];
  let nextOffset = from;
  for (const batch of answer.records ?? []) {
    const first = Number(batch.firstOffset);
    nextOffset = Math.max(nextOffset, first + batch.lastOffsetDelta + 1);
    if ((batch.attributes & CONTROL_BATCH) !== 0) continue;
    for (const { offsetDelta, value, headers } of batch.records) {
      const offset = first + offsetDelta;
      // A null value deletes its key.
      if (offset >= from && value !== null) records.push(recordOf(offset, value, headers));
    }
  }
  return { records, nextOffset, end: Number(answer.highWatermark) };
}

function recordOf(
  offset: Offset,
  value: Buffer,
  headers: readonly (readonly [Buffer | null, Buffer | null])[],
): StoredRecord {
  const payload = value.toString('utf8');
  const header = headers.find(([name]) => name !== null && ORIGIN_HEADER.equals(name));
  const origin = decodeOrigin(header?.[1]?.toString('latin1') ?? '');
  return origin === undefined ? { offset, payload } : { offset, payload, origin };
}
