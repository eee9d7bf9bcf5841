import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Admin } from '@platformatic/kafka';
import { ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../appender.ts';
import type { AppendFault, EventLog, LogRecord, Offset, Page, Stream } from '../event-log.ts';
import { streams } from '../event-log.ts';
import { kafkaFault } from '../kafka-fault.ts';
import { type KafkaListener, KafkaTroubles } from '../kafka-troubles.ts';
import { LogUnavailable } from '../log-unavailable.ts';
import { FOLLOW_RECORDS_MAX } from './follow.ts';
import { KafkaAppender } from './kafka-appender.ts';
import { clientOptions, type KafkaPlace, topicOf } from './kafka-client.ts';
import { type KafkaPartition, KafkaReader } from './kafka-reader.ts';
import { prepareTopics, type TopicSettings } from './kafka-topics.ts';
import { unlessAborted } from './unless-aborted.ts';

/** How long what is asked of brokers that do not answer may take, milliseconds. */
export const KAFKA_PATIENCE_MS = 30_000;
/** How long brokers may take for what is asked last, milliseconds: nobody waits for those that are away. */
export const ENDING_MS = 3000;
/** How long a broker holds back its answer to a follower until a record comes, milliseconds. */
export const FOLLOW_WAIT_MS = 2000;
/** Delay before a follower or reader asks once more, milliseconds; a follower doubles it each time. */
const RETRY_MS = 500;
const FOLLOW_RETRY_MS_MAX = 4000;
/** Partitions of which the rest of the last fetch is kept for the next page. */
const RESTS_MAX = 16;

export interface KafkaLogOptions {
  readonly place: KafkaPlace;
  readonly topics: TopicSettings;
  /** Hears of what does not work at the brokers, once, and once when all is well again. */
  readonly listener?: KafkaListener;
  /** How long an append may take, milliseconds. Default {@link KAFKA_PATIENCE_MS}. */
  readonly patienceMs?: number;
  /** How long a question may take, milliseconds; parts that run for ever have all the time. Default {@link KAFKA_PATIENCE_MS}. */
  readonly questionMs?: number;
  /** Aborts when whoever uses the log begins to end: it is not opened any more, and what is asked or appended has {@link ENDING_MS}. */
  readonly ending?: AbortSignal;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now?: () => number;
}

/** Opens the log that is in Kafka; its topics are made where they are not there. @returns One line where it cannot be used. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Result<KafkaLog, string>> {
  const prepared = await prepareTopics(options.place, options.topics, options.ending);
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
  private readonly troubles: KafkaTroubles;
  /** Of questions. */
  private count = 0;

  constructor(options: KafkaLogOptions, partitionCount: number) {
    const { place, patienceMs = KAFKA_PATIENCE_MS, now = Date.now } = options;
    this.options = options;
    this.partitionCount = partitionCount;
    this.reader = new KafkaReader(place);
    this.admin = new Admin(clientOptions(place));
    this.troubles = new KafkaTroubles(options.listener);
    this.appender = new KafkaAppender({
      place,
      partitionCount,
      patienceMs,
      now,
      onFault: (fault, askedAtMs) => this.failed('append', fault, askedAtMs),
      onSuccess: () => this.troubles.worked('append'),
      onGivenUp: () => this.troubles.forget('append'),
    });
    void this.end(options.ending);
  }

  get connected(): boolean {
    return this.troubles.isWell;
  }

  append(records: readonly LogRecord[]): Promise<Result<readonly Offset[], AppendFault>> {
    return this.appender.append(records);
  }

  async read(stream: Stream, partition: number, from: Offset, limit: number): Promise<Page> {
    const name = `${stream} ${partition}`;
    const kept = this.rests.get(name);
    this.rests.delete(name);
    const isKept = kept !== undefined && kept.from <= from && from < kept.nextOffset;
    const page = isKept ? kept : await this.fetchPage({ stream, partition }, from);
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
      let failures = 0;
      for (let next = from; !ended.aborted; ) {
        const page = await this.nextPage(reader, { stream, partition }, next, ended);
        if (page === undefined) {
          const delayMs = Math.min(RETRY_MS * 2 ** failures, FOLLOW_RETRY_MS_MAX);
          failures += 1;
          await setTimeout(delayMs, undefined, { signal: ended }).catch(() => undefined);
          continue;
        }
        failures = 0;
        next = page.nextOffset;
        for (let start = 0; start < page.records.length && !ended.aborted; start += FOLLOW_RECORDS_MAX) {
          const records = page.records.slice(start, start + FOLLOW_RECORDS_MAX);
          const following = page.records[start + FOLLOW_RECORDS_MAX];
          yield { records, nextOffset: following === undefined ? page.nextOffset : following.offset };
        }
      }
    } finally {
      this.followers.delete(reader);
      this.troubles.forget(`${stream} ${partition}`);
      await reader[Symbol.asyncDispose]();
    }
  }

  bounds(stream: Stream, partition: number): Promise<{ readonly first: Offset; readonly next: Offset }> {
    return this.insist(() => this.reader.bounds({ stream, partition }), this.topicOf(stream));
  }

  async commit(group: string, stream: Stream, partition: number, offset: Offset): Promise<void> {
    const [groupId, name] = [this.groupOf(group), this.topicOf(stream)];
    const topics = [{ name, partitionOffsets: [{ partition, offset: BigInt(offset) }] }];
    await this.insist(() => this.admin.alterConsumerGroupOffsets({ groupId, topics }), `${groupId}, ${name}`);
  }

  async committed(group: string, stream: Stream, partition: number): Promise<Offset> {
    const [groupId, name] = [this.groupOf(group), this.topicOf(stream)];
    const groups = [{ groupId, topics: [{ name, partitionIndexes: [partition] }] }];
    const [found] = await this.insist(() => this.admin.listConsumerGroupOffsets({ groups }), `${groupId}, ${name}`);
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

  /** Gives up what is asked {@link ENDING_MS} after `ending` aborted. */
  private async end(ending: AbortSignal | undefined): Promise<void> {
    if (ending === undefined) return;
    const { signal } = this.closing;
    if (!ending.aborted) await once(ending, 'abort', { signal }).catch(() => undefined);
    await setTimeout(ENDING_MS, undefined, { signal }).catch(() => undefined);
    this.closing.abort();
    this.appender.giveUp();
  }

  private async trimPartition({ stream, partition }: KafkaPartition, beforeAtMs: number): Promise<number> {
    const { first, next } = await this.bounds(stream, partition);
    const name = this.topicOf(stream);
    const found = await this.insist(() => this.reader.offsetAt({ stream, partition }, BigInt(beforeAtMs)), name);
    const end = found < 0 ? next : found;
    if (end <= first) return 0;
    const topics = [{ name, partitions: [{ partition, offset: BigInt(end) }] }];
    await this.insist(() => this.admin.deleteRecords({ topics }), name);
    this.rests.delete(`${stream} ${partition}`);
    return end - first;
  }

  /** The next records, if any; undefined where the brokers do not answer. */
  private async nextPage(
    reader: KafkaReader,
    of: KafkaPartition,
    from: Offset,
    ended: AbortSignal,
  ): Promise<Page | undefined> {
    const what = `${of.stream} ${of.partition}`;
    const askedAtMs = performance.now();
    try {
      const page = await unlessAborted(reader.fetch(of, from, FOLLOW_WAIT_MS), ended);
      if (page !== undefined) this.troubles.worked(what);
      return page;
    } catch (error) {
      // What a broker that is well holds back for so long is no failure.
      const failedAtMs = Math.min(performance.now(), askedAtMs + FOLLOW_WAIT_MS);
      this.failed(what, kafkaFault(error, this.options.place, this.topicOf(of.stream)), failedAtMs);
      return undefined;
    }
  }

  private fetchPage(of: KafkaPartition, from: Offset): Promise<Page> {
    return this.insist(() => this.reader.fetch(of, from, 0), this.topicOf(of.stream));
  }

  /** Tries again until the patience is over. Rejects with one line. `about`: the topic, and the group if any. */
  private async insist<T>(ask: () => Promise<T>, about: string): Promise<T> {
    const { place, questionMs = KAFKA_PATIENCE_MS } = this.options;
    this.count += 1;
    const what = `question ${this.count}`;
    const askedAtMs = performance.now();
    for (;;) {
      try {
        const answer = await unlessAborted(
          ask().then((value) => ({ value })),
          this.closing.signal,
        );
        if (answer === undefined) throw new Error('the log is closed');
        this.troubles.worked(what);
        return answer.value;
      } catch (error) {
        const fault = kafkaFault(error, place, about);
        if (this.closing.signal.aborted || performance.now() - askedAtMs > questionMs) {
          this.troubles.forget(what);
          throw new LogUnavailable(fault);
        }
        this.failed(what, fault, askedAtMs);
        await setTimeout(RETRY_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
  }

  private topicOf(stream: Stream): string {
    return topicOf(this.options.place, stream);
  }

  private groupOf(group: string): string {
    return `${this.options.place.prefix}postern.${group}`;
  }

  private failed(what: string, fault: string, askedAtMs: number): void {
    if (!this.closing.signal.aborted) this.troubles.failed(what, fault, askedAtMs, performance.now());
  }
}
