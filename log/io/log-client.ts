import { Buffer } from 'node:buffer';
import { assert } from '../../lib/assert.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../appender.ts';
import { type GroupedRecords, groupAppend, offsetsOf, type Placement } from '../batch.ts';
import type { AppendFault, LogRecord, Offset, Stream } from '../event-log.ts';
import { streams } from '../event-log.ts';
import { U48_MAX } from '../frame-cursor.ts';
import type { RewriteOutcome, Rewriter, Rewriting } from '../rewriting.ts';
import { type Answer, BATCHES_IN_FLIGHT_MAX, GROUP_NAME_OCTETS_MAX, type Request } from '../wire.ts';
import { LogLink } from './log-link.ts';
import { Wakeups } from './wakeups.ts';

/** UTF-16 code units of records that a client keeps until they are acknowledged; beyond them an append is refused. */
export const UNACKNOWLEDGED_LENGTH_MAX = 67_108_864;
/** Commits, trims and rewritings without an answer; beyond them one is refused. */
export const REQUESTS_PENDING_MAX = 1024;

export interface LogClientOptions {
  readonly socketPath: string;
  /**
   * How long something may wait while the log cannot be reached; then an append is `unreachable` (it may still be in the
   * log, if the connection broke before its acknowledgement). Default: until the client is closed.
   */
  readonly patienceMs?: number;
  /** Be woken when streams have more. */
  readonly subscribe?: boolean;
}

/** One append until it is acknowledged. */
interface PendingAppend {
  readonly batchId: number;
  readonly records: readonly LogRecord[];
  readonly length: number;
  readonly resolve: (outcome: Result<readonly Offset[], AppendFault>) => void;
  /** As it was sent on this connection. */
  grouped: GroupedRecords | undefined;
}

type OwnRequest = Extract<Request, { requestId: number }>;
type OwnAnswer = Exclude<Extract<Answer, { requestId: number }>, { kind: 'failed' }>;

interface PendingRequest {
  readonly request: OwnRequest;
  readonly resolve: (answer: OwnAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** Reaches for a log process and keeps reaching; usable at once. */
export const connectLog = (options: LogClientOptions): LogClient => new LogClient(options);

/**
 * A client of the log process. What was not acknowledged when a connection broke is sent again, in order, on the next
 * one; the log knows what it has already.
 */
export class LogClient implements Appender, Rewriter, AsyncDisposable {
  readonly wakeups = new Wakeups();
  readonly #link: LogLink;
  readonly #patienceMs: number | undefined;
  readonly #isSubscriber: boolean;
  readonly #partitionCount = Promise.withResolvers<number>();
  readonly #requests = new Map<number, PendingRequest>();
  /** Appends in order; the first {@link LogClient.#sentCount} are on their way. */
  #appends: PendingAppend[] = [];
  #sentCount = 0;
  #length = 0;
  #nextId = 1;
  #partitions = 0;
  #patience: NodeJS.Timeout | undefined;
  #hasGivenUp = false;
  #isClosed = false;

  constructor({ socketPath, patienceMs, subscribe = false }: LogClientOptions) {
    this.#patienceMs = patienceMs;
    this.#isSubscriber = subscribe;
    // Nobody may be waiting for it.
    this.#partitionCount.promise.catch(() => undefined);
    this.#startPatience();
    this.#link = new LogLink(socketPath, {
      welcomed: (partitionCount) => this.#welcomed(partitionCount),
      answered: (answer) => this.#answered(answer),
      lost: () => this.#lost(),
    });
  }

  get connected(): boolean {
    return this.#link.isUp;
  }

  /** The number of partitions, once the log has been reached. Rejects when the client gives up or is closed before. */
  get partitionCount(): Promise<number> {
    return this.#partitionCount.promise;
  }

  append(records: readonly LogRecord[]): Promise<Result<readonly Offset[], AppendFault>> {
    const length = records.reduce((sum, { payload }) => sum + payload.length, 0);
    if (records.length === 0) return Promise.resolve(ok([]));
    if (this.#isClosed || this.#hasGivenUp) return Promise.resolve(err('unreachable'));
    if (this.#length + length > UNACKNOWLEDGED_LENGTH_MAX) {
      return Promise.resolve(err(this.connected ? 'full' : 'unreachable'));
    }
    const { promise, resolve } = Promise.withResolvers<Result<readonly Offset[], AppendFault>>();
    this.#appends.push({ batchId: this.#takeId(), records, length, resolve, grouped: undefined });
    this.#length += length;
    this.#sendAppends();
    return promise;
  }

  /** See {@link EventLog.commit}. */
  async commit(group: string, stream: Stream, partition: number, offset: Offset): Promise<void> {
    const octets = Buffer.byteLength(group);
    assert(octets >= 1 && octets <= GROUP_NAME_OCTETS_MAX, 'the name of a consumer group is short');
    await this.#request((requestId) => ({ kind: 'commit', requestId, group, stream, partition, offset }));
  }

  /** See {@link EventLog.trim}. */
  async trim(beforeAtMs: number, stream?: Stream): Promise<number> {
    const wholeMs = Math.ceil(Math.min(Math.max(beforeAtMs, 0), U48_MAX));
    return countIn(await this.#request((requestId) => ({ kind: 'trim', requestId, beforeAtMs: wholeMs, stream })));
  }

  /** See {@link Rewriter.rewrite}. */
  async rewrite(rewriting: Rewriting): Promise<readonly RewriteOutcome[]> {
    const answer = await this.#request((requestId) => ({ kind: 'rewrite', requestId, rewriting }));
    return answer.kind === 'rewritten' ? answer.outcomes : [];
  }

  /** See {@link Rewriter.scrub}. */
  async scrub(): Promise<number> {
    return countIn(await this.#request((requestId) => ({ kind: 'scrub', requestId })));
  }

  /** Tells the owner of the files that one of them could not be read. */
  suspect(stream: Stream, fileNumber: number): void {
    if (this.connected) this.#link.send({ kind: 'suspect', stream, fileNumber });
  }

  /** What is still waiting is `unreachable`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#link.close();
    this.wakeups.close();
    this.#giveUp();
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }

  #request(make: (requestId: number) => OwnRequest): Promise<OwnAnswer> {
    if (this.#isClosed || this.#hasGivenUp || this.#requests.size >= REQUESTS_PENDING_MAX) {
      return Promise.reject(unreachableLog());
    }
    const request = make(this.#takeId());
    const { promise, resolve, reject } = Promise.withResolvers<OwnAnswer>();
    this.#requests.set(request.requestId, { request, resolve, reject });
    if (this.connected) this.#link.send(request);
    return promise;
  }

  #sendAppends(): void {
    while (this.connected && this.#sentCount < Math.min(this.#appends.length, BATCHES_IN_FLIGHT_MAX)) {
      const append = this.#appends[this.#sentCount];
      if (append === undefined) return;
      append.grouped = groupAppend(append.records, this.#partitions);
      if (append.grouped === undefined) this.#settle(this.#sentCount, err('too-large'));
      else {
        this.#sentCount += 1;
        this.#link.send({ kind: 'append', batchId: append.batchId, batch: append.grouped.batch });
      }
    }
  }

  #settle(index: number, outcome: Result<readonly Offset[], AppendFault>): void {
    const [append] = this.#appends.splice(index, 1);
    if (append === undefined) return;
    this.#length -= append.length;
    append.resolve(outcome);
  }

  #welcomed(partitionCount: number): void {
    clearTimeout(this.#patience);
    this.#hasGivenUp = false;
    this.#partitions = partitionCount;
    this.#partitionCount.resolve(partitionCount);
    if (this.#isSubscriber) this.#link.send({ kind: 'subscribe' });
    this.#sentCount = 0;
    this.#sendAppends();
    for (const { request } of this.#requests.values()) this.#link.send(request);
    // Whatever came in the meantime.
    this.wakeups.wake(streams);
  }

  #answered(answer: Answer): void {
    switch (answer.kind) {
      case 'appended':
        return this.#appended(answer.batchId, answer.placement);
      case 'done':
      case 'rewritten':
        this.#requests.get(answer.requestId)?.resolve(answer);
        return void this.#requests.delete(answer.requestId);
      case 'failed':
        this.#requests.get(answer.requestId)?.reject(new Error('the disk of the log would not have it'));
        return void this.#requests.delete(answer.requestId);
      case 'wake':
        return this.wakeups.wake(answer.streams);
      default:
        return undefined;
    }
  }

  #appended(batchId: number, placement: Placement): void {
    const index = this.#appends.findIndex((append) => append.batchId === batchId);
    const grouped = this.#appends[index]?.grouped;
    if (grouped === undefined) return;
    this.#sentCount -= 1;
    this.#settle(index, placement.pressure === 3 ? err('full') : ok(offsetsOf(grouped, placement)));
    this.#sendAppends();
  }

  #lost(): void {
    this.#sentCount = 0;
    this.#startPatience();
  }

  #startPatience(): void {
    clearTimeout(this.#patience);
    if (this.#patienceMs === undefined || this.#isClosed) return;
    this.#patience = setTimeout(() => this.#giveUp(), this.#patienceMs);
  }

  #giveUp(): void {
    clearTimeout(this.#patience);
    this.#hasGivenUp = true;
    this.#sentCount = 0;
    for (const { resolve } of this.#appends.splice(0)) resolve(err('unreachable'));
    this.#length = 0;
    for (const { reject } of this.#requests.values()) reject(unreachableLog());
    this.#requests.clear();
    this.#partitionCount.reject(unreachableLog());
  }
}

const countIn = (answer: OwnAnswer): number => (answer.kind === 'done' ? answer.value : 0);

const unreachableLog = (): Error => new Error('the log cannot be reached');
