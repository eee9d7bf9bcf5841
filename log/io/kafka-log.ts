import { setTimeout } from 'node:timers/promises';
import { Admin } from '@platformatic/kafka';
import { messageOf } from '../../lib/message-of.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../appender.ts';
import type { AppendFault, EventLog, LogRecord, Offset, Page, Stream } from '../event-log.ts';
import { streams } from '../event-log.ts';
import { FOLLOW_RECORDS_MAX } from './follow.ts';
import { KafkaAppender } from './kafka-appender.ts';
import { clientOptions, type KafkaPlace, kafkaFault, topicOf } from './kafka-client.ts';
import { type KafkaPartition, KafkaReader } from './kafka-reader.ts';
import { prepareTopics, type TopicSettings } from './kafka-topics.ts';

/** How long what is asked of brokers that do not answer may take, milliseconds. */
export const KAFKA_PATIENCE_MS = 30_000;
/** How long a broker holds back its answer to a follower until a record comes, milliseconds. */
export const FOLLOW_WAIT_MS = 500;
/** Delay before a follower or reader asks once more, milliseconds. */
const RETRY_MS = 500;
/** Partitions of which the rest of the last fetch is kept for the next page. */
const RESTS_MAX = 16;

export interface KafkaLogOptions {
  readonly place: KafkaPlace;
  readonly topics: TopicSettings;
  /** Hears of brokers that cannot be reached, once, and once when they can be again. */
  readonly listener?: KafkaListener;
  /** Default {@link KAFKA_PATIENCE_MS}. */
  readonly patienceMs?: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now?: () => number;
}

export interface KafkaListener {
  away(fault: string): void;
  back(): void;
}

/** Opens the log that is in Kafka; its topics are made where they are not there. @returns One line where it cannot be used. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Result<KafkaLog, string>> {
  const prepared = await prepareTopics(options.place, options.topics);
  return prepared.ok ? ok(new KafkaLog(options, prepared.value)) : prepared;
}

/** The event log in Kafka: every stream is a topic of the same number of partitions. */
export class KafkaLog implements EventLog, Appender {
  readonly partitionCount: number;
  private readonly options: KafkaLogOptions;
  private readonly appender: KafkaAppender;
  private readonly reader: KafkaReader;
  private readonly admin: Admin;
  private readonly followers = new Set<KafkaReader>();
  private readonly rests = new Map<string, Page & { readonly from: Offset }>();
  private readonly closing = new AbortController();
  private isAway = false;

  constructor(options: KafkaLogOptions, partitionCount: number) {
    const { place, patienceMs = KAFKA_PATIENCE_MS, now = Date.now } = options;
    this.options = options;
    this.partitionCount = partitionCount;
    this.reader = new KafkaReader(place);
    this.admin = new Admin(clientOptions(place));
    this.appender = new KafkaAppender({
      place,
      partitionCount,
      patienceMs,
      now,
      onFault: (fault) => this.tellAway(fault),
      onSuccess: () => this.tellBack(),
    });
  }

  get connected(): boolean {
    return !this.isAway;
  }

  append(records: readonly LogRecord[]): Promise<Result<readonly Offset[], AppendFault>> {
    return this.appender.append(records);
  }

  async read(stream: Stream, partition: number, from: Offset, limit: number): Promise<Page> {
    const name = `${stream} ${partition}`;
    const kept = this.rests.get(name);
    this.rests.delete(name);
    const isKept = kept !== undefined && kept.from <= from && from < kept.nextOffset;
    const page = isKept ? kept : await this.insist(() => this.reader.fetch({ stream, partition }, from, 0));
    const records = page.records.filter(({ offset }) => offset >= from).slice(0, limit);
    const last = records.at(-1);
    if (last === undefined || last === page.records.at(-1)) return { records, nextOffset: page.nextOffset };
    const nextOffset = last.offset + 1;
    this.rests.set(name, { ...page, from: nextOffset });
    for (const oldest of this.rests.keys()) {
      if (this.rests.size <= RESTS_MAX) break;
      this.rests.delete(oldest);
    }
    return { records, nextOffset };
  }

  async *follow(
    stream: Stream,
    partition: number,
    from: Offset,
    signal: AbortSignal,
  ): AsyncGenerator<Page, void, void> {
    // Of its own: a broker that waits for a record of one partition answers nothing else on that connection.
    const reader = new KafkaReader(this.options.place);
    this.followers.add(reader);
    const ended = AbortSignal.any([signal, this.closing.signal]);
    try {
      for (let next = from; !ended.aborted; ) {
        const page = await this.nextPage(reader, { stream, partition }, next, ended);
        if (page === undefined) continue;
        next = page.nextOffset;
        for (let start = 0; start < page.records.length && !ended.aborted; start += FOLLOW_RECORDS_MAX) {
          const records = page.records.slice(start, start + FOLLOW_RECORDS_MAX);
          const following = page.records[start + FOLLOW_RECORDS_MAX];
          yield { records, nextOffset: following === undefined ? page.nextOffset : following.offset };
        }
      }
    } finally {
      this.followers.delete(reader);
      await reader[Symbol.asyncDispose]();
    }
  }

  bounds(stream: Stream, partition: number): Promise<{ readonly first: Offset; readonly next: Offset }> {
    return this.insist(() => this.reader.bounds({ stream, partition }));
  }

  async commit(group: string, stream: Stream, partition: number, offset: Offset): Promise<void> {
    const name = topicOf(this.options.place, stream);
    const topics = [{ name, partitionOffsets: [{ partition, offset: BigInt(offset) }] }];
    await this.insist(() => this.admin.alterConsumerGroupOffsets({ groupId: this.groupOf(group), topics }));
  }

  async committed(group: string, stream: Stream, partition: number): Promise<Offset> {
    const name = topicOf(this.options.place, stream);
    const groupId = this.groupOf(group);
    const groups = [{ groupId, topics: [{ name, partitionIndexes: [partition] }] }];
    const [found] = await this.insist(() => this.admin.listConsumerGroupOffsets({ groups }));
    const [offset] = found?.topics.flatMap(({ partitions }) => partitions) ?? [];
    return Math.max(0, Number(offset?.committedOffset ?? 0));
  }

  /** Deletes records at once; where nothing calls it, Kafka's own retention does. */
  async trim(beforeAtMs: number, stream?: Stream): Promise<number> {
    let count = 0;
    for (const each of stream === undefined ? streams : [stream]) {
      for (let partition = 0; partition < this.partitionCount; partition += 1) {
        count += await this.trimPartition({ stream: each, partition }, beforeAtMs);
      }
    }
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing.abort();
    await this.appender[Symbol.asyncDispose]();
    await Promise.all([this.reader, ...this.followers].map((reader) => reader[Symbol.asyncDispose]()));
    await this.admin.close().catch(() => undefined);
  }

  private async trimPartition({ stream, partition }: KafkaPartition, beforeAtMs: number): Promise<number> {
    const { first, next } = await this.bounds(stream, partition);
    const found = await this.insist(() => this.reader.offsetAt({ stream, partition }, BigInt(beforeAtMs)));
    const end = found < 0 ? next : found;
    if (end <= first) return 0;
    const name = topicOf(this.options.place, stream);
    const topics = [{ name, partitions: [{ partition, offset: BigInt(end) }] }];
    await this.insist(() => this.admin.deleteRecords({ topics }));
    this.rests.delete(`${stream} ${partition}`);
    return end - first;
  }

  /** The next records; undefined where there are none yet, or the brokers do not answer. */
  private async nextPage(
    reader: KafkaReader,
    of: KafkaPartition,
    from: Offset,
    ended: AbortSignal,
  ): Promise<Page | undefined> {
    const aborted = new Promise<undefined>((resolve) => {
      if (ended.aborted) resolve(undefined);
      else ended.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    try {
      const fetched = reader.fetch(of, from, FOLLOW_WAIT_MS);
      fetched.catch(() => undefined);
      const page = await Promise.race([fetched, aborted]);
      if (page !== undefined) this.tellBack();
      return page;
    } catch (error) {
      this.tellAway(kafkaFault(error));
      await setTimeout(RETRY_MS, undefined, { signal: ended }).catch(() => undefined);
      return undefined;
    }
  }

  /** Tries again until the patience is over. Rejects with one line. */
  private async insist<T>(ask: () => Promise<T>): Promise<T> {
    const { place, patienceMs = KAFKA_PATIENCE_MS } = this.options;
    for (const giveUpAtMs = performance.now() + patienceMs; ; ) {
      try {
        const answer = await ask();
        this.tellBack();
        return answer;
      } catch (error) {
        const fault = kafkaFault(error);
        this.tellAway(fault);
        if (this.closing.signal.aborted || performance.now() > giveUpAtMs)
          throw new Error(`Kafka at ${place.brokers.join(', ')}: ${fault}`, { cause: messageOf(error) });
        await setTimeout(RETRY_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
  }

  private groupOf(group: string): string {
    return `${this.options.place.prefix}postern.${group}`;
  }

  private tellAway(fault: string): void {
    if (this.isAway || this.closing.signal.aborted) return;
    this.isAway = true;
    this.options.listener?.away(fault);
  }

  private tellBack(): void {
    if (!this.isAway) return;
    this.isAway = false;
    this.options.listener?.back();
  }
}
