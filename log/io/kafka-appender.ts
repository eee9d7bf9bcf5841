import { Buffer } from 'node:buffer';
import { setTimeout } from 'node:timers/promises';
import { CompressionAlgorithms, type MessageToProduce, ProduceAcks, Producer } from '@platformatic/kafka';
import { err, ok, type Result } from '../../lib/result.ts';
import { type GroupedRecords, groupAppend, octetsOf, offsetsOf } from '../batch.ts';
import type { AppendFault, LogRecord, Offset } from '../event-log.ts';
import { kafkaFault } from '../kafka-fault.ts';
import { encodeOrigin } from '../origin.ts';
import { partitionOf } from '../partition.ts';
import { clientOptions, type KafkaPlace, ORIGIN_HEADER, REQUEST_MS_MAX, topicOf } from './kafka-client.ts';

/** Records and octets of one send, but for one append that is longer. */
export const SEND_RECORDS_MAX = 1000;
export const SEND_OCTETS_MAX = 524_288;
/** How long the first append of a send waits for others, milliseconds. */
export const LINGER_MS = 5;
/** A send that has neither succeeded nor failed by then is given up with its producer, milliseconds. */
export const SEND_MS_MAX = 2 * REQUEST_MS_MAX;
/** Delay before a new producer tries again, milliseconds. */
const REBUILD_MS = 300;

export interface KafkaAppenderOptions {
  readonly place: KafkaPlace;
  readonly partitionCount: number;
  /** How long an append may wait for brokers that do not take it, milliseconds. */
  readonly patienceMs: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number;
  /** A send failed, and is tried again by a new producer. `askedAtMs`: when it was tried first, of the clock `performance`. */
  readonly onFault: (fault: string, askedAtMs: number) => void;
  /** Sends succeed. */
  readonly onSuccess: () => void;
  /** A send failed for so long that it is not tried any more. */
  readonly onGivenUp: () => void;
}

/** One append on its way. */
interface Pending {
  readonly grouped: GroupedRecords;
  readonly octets: number;
  readonly messages: readonly Message[];
  readonly giveUpAtMs: number;
  readonly resolve: (outcome: Result<readonly Offset[], AppendFault>) => void;
}

type Message = MessageToProduce<Buffer, Buffer, Buffer, Buffer> & { readonly partition: number };

/**
 * Appends to Kafka: one send under way at a time, so that the order of each key is kept, whatever fails. A send that fails ends its
 * producer, whose sockets may be dead without anybody knowing, and a new one sends the same again. So a record may be there twice,
 * and never in another order.
 */
export class KafkaAppender implements AsyncDisposable {
  private readonly options: KafkaAppenderOptions;
  private readonly waiting: Pending[] = [];
  private producer: Producer<Buffer, Buffer, Buffer, Buffer> | undefined;
  private pumping: Promise<void> | undefined;
  private readonly closing = new AbortController();

  constructor(options: KafkaAppenderOptions) {
    this.options = options;
  }

  /** See {@link EventLog.append}. */
  append(records: readonly LogRecord[]): Promise<Result<readonly Offset[], AppendFault>> {
    if (records.length === 0) return Promise.resolve(ok([]));
    const grouped = groupAppend(records, this.options.partitionCount);
    if (grouped === undefined) return Promise.resolve(err('too-large'));
    if (this.closing.signal.aborted) return Promise.resolve(err('unreachable'));
    const { promise, resolve } = Promise.withResolvers<Result<readonly Offset[], AppendFault>>();
    this.waiting.push({
      grouped,
      octets: octetsOf(grouped.batch),
      messages: this.messagesOf(records),
      giveUpAtMs: performance.now() + this.options.patienceMs,
      resolve,
    });
    this.pumping ??= this.pump();
    return promise;
  }

  /** Gives up what waits, and takes nothing any more. */
  giveUp(): void {
    this.closing.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.giveUp();
    await this.pumping;
    await this.discard();
  }

  private messagesOf(records: readonly LogRecord[]): readonly Message[] {
    const { place, partitionCount, now } = this.options;
    const timestamp = BigInt(now());
    return records.flatMap(({ stream, key, part, payload, everyPartition, origin }) => {
      const message = {
        topic: topicOf(place, stream),
        key: Buffer.from(part === undefined ? key : `${key} ${part}`),
        value: Buffer.from(payload),
        timestamp,
        ...(origin === undefined ? {} : { headers: new Map([[ORIGIN_HEADER, Buffer.from(encodeOrigin(origin))]]) }),
      };
      if (everyPartition !== true) return { ...message, partition: partitionOf(key, partitionCount) };
      // In the order in which they are grouped: that of partition 0 last.
      return Array.from({ length: partitionCount }, (_, index) => ({
        ...message,
        partition: (index + 1) % partitionCount,
      }));
    });
  }

  private async pump(): Promise<void> {
    while (this.waiting.length > 0) {
      await setTimeout(LINGER_MS);
      const batch = this.take();
      const bases = await this.send(batch);
      for (const { grouped, resolve } of batch)
        resolve(bases === undefined ? err('unreachable') : ok(this.offsets(grouped, bases)));
    }
    // At once with the last look: an append that comes now begins anew.
    this.pumping = undefined;
  }

  private take(): readonly Pending[] {
    let records = 0;
    let octets = 0;
    const end = this.waiting.findIndex((pending, index) => {
      records += pending.messages.length;
      octets += pending.octets;
      return index > 0 && (records > SEND_RECORDS_MAX || octets > SEND_OCTETS_MAX);
    });
    return this.waiting.splice(0, end === -1 ? this.waiting.length : end);
  }

  /** @returns The next offset of each partition of each topic, or nothing where the brokers did not take it in time. */
  private async send(batch: readonly Pending[]): Promise<Map<string, number> | undefined> {
    const messages = batch.flatMap((pending) => pending.messages);
    const giveUpAtMs = Math.max(...batch.map((pending) => pending.giveUpAtMs));
    const askedAtMs = performance.now();
    while (!this.closing.signal.aborted) {
      try {
        const bases = await this.sendOnce(messages);
        this.options.onSuccess();
        return bases;
      } catch (error) {
        const topics = new Set(messages.map(({ topic }) => topic));
        this.options.onFault(kafkaFault(error, this.options.place, [...topics].join(', ')), askedAtMs);
        await this.discard();
        if (performance.now() > giveUpAtMs) break;
        await setTimeout(REBUILD_MS);
      }
    }
    this.options.onGivenUp();
    return undefined;
  }

  private async sendOnce(messages: readonly Message[]): Promise<Map<string, number>> {
    this.producer ??= new Producer({
      ...clientOptions(this.options.place),
      idempotent: true,
      acks: ProduceAcks.ALL,
      compression: CompressionAlgorithms.GZIP,
    });
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.closing.signal]);
    const late = setTimeout(SEND_MS_MAX, undefined, { signal }).catch(() => undefined);
    try {
      const sent = this.producer.send({ messages: [...messages] });
      const result = await Promise.race([sent, late]);
      if (result === undefined) {
        // Its outcome is nobody's any more.
        sent.catch(() => undefined);
        throw new Error('no answer in time');
      }
      return new Map(result.offsets?.map(({ topic, partition, offset }) => [`${topic} ${partition}`, Number(offset)]));
    } finally {
      over.abort();
    }
  }

  /** The offsets of the next append of a send; `bases` moves on behind it. */
  private offsets(grouped: GroupedRecords, bases: Map<string, number>): readonly Offset[] {
    const topic = topicOf(this.options.place, grouped.batch.stream);
    const firsts = grouped.batch.groups.map(({ partition, count }) => {
      const place = `${topic} ${partition}`;
      const first = bases.get(place) ?? 0;
      bases.set(place, first + count);
      return first;
    });
    return offsetsOf(grouped, { pressure: 0, firsts });
  }

  private async discard(): Promise<void> {
    const { producer } = this;
    this.producer = undefined;
    await producer?.close(true).catch(() => undefined);
  }
}
