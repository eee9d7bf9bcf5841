import { encodeEvent } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import { priorityOf } from '../../events/priority.ts';
import { networkKey } from '../../lib/ip.ts';
import type { Result } from '../../lib/result.ts';
import type { Appender } from '../../log/appender.ts';
import type { AppendFault } from '../../log/event-log.ts';
import { GapCounter, type GapReason } from '../../log/gap.ts';
import { EventQueue, type QueuedEvent } from '../event-queue.ts';

/** Octets of events that may wait for the log. */
export const QUEUE_OCTETS_MAX_DEFAULT = 67_108_864;
/** Events that may wait for the log. */
export const QUEUE_EVENTS_MAX_DEFAULT = 200_000;
/** How long an event waits for others to be sent with. */
export const BATCH_DELAY_MS = 5;
/** Events that are sent without waiting for more. */
export const BATCH_EVENTS = 256;
/** Most events, and octets of them, that are sent at once when many have piled up. */
export const BATCH_LIMITS = { eventsMax: 2048, octetsMax: 524_288 } as const;
/** How long after a refusal of the log a batch is sent again. */
export const RETRY_DELAY_MS = 1000;
/** After so long without an acknowledgement the log counts as unreachable. */
export const STALL_MS = 5000;
/** How long `flush` waits for a log that does not acknowledge. */
export const FLUSH_TIMEOUT_MS = 5000;
/** A gap is told of once the queue is less full than this. */
export const GAP_FILL = 0.5;
/** Addresses whose key is remembered. */
export const KEYS_MAX = 4096;

/** What a recorder works with. */
export interface RecorderOptions {
  readonly client: Appender;
  readonly site: string;
  readonly gate: string;
  /** Default {@link QUEUE_OCTETS_MAX_DEFAULT}. */
  readonly queueOctetsMax?: number;
  /** Default {@link QUEUE_EVENTS_MAX_DEFAULT}. */
  readonly queueEventsMax?: number;
  /** Default {@link FLUSH_TIMEOUT_MS}. */
  readonly flushTimeoutMs?: number;
}

/** Counters since the start, in events. At any time `recorded = acknowledged + dropped + queued`. */
export interface RecorderCounters {
  /** Given to `record`, and gaps of our own. */
  readonly recorded: number;
  /** Durable in the log, or dropped and counted by the log itself near its disk cap. */
  readonly acknowledged: number;
  /** Dropped here, and counted in a gap. */
  readonly dropped: number;
  /** Waiting, or on their way. */
  readonly queued: number;
}

/** The gate's way into the event log. */
export interface Recorder {
  /** Never waits, never throws. Events of one session keep their order. */
  record(event: MailEvent): void;
  /** Resolves when everything recorded is durable, or after a while: for an orderly end. */
  flush(): Promise<void>;
  /** How full the queue is, 0 to 1. */
  readonly pressure: number;
  /** Why events are not getting into the log now; undefined while they do. */
  readonly failing: 'full' | 'unreachable' | undefined;
  readonly counters: RecorderCounters;
}

/** A recorder that writes to a log process, or to a log in this process. */
export const createRecorder = (options: RecorderOptions): Recorder => new LogRecorder(options);

const gapReasons = { full: 'disk-full', unreachable: 'log-unreachable' } as const;

/** Events to be sent together, in order. */
type Batch = readonly QueuedEvent[];

class LogRecorder implements Recorder {
  readonly #client: Appender;
  readonly #site: string;
  readonly #gate: string;
  readonly #flushTimeoutMs: number;
  readonly #queue: EventQueue;
  readonly #keys = new Map<string, string>();
  readonly #flushing = new Set<() => void>();
  #gap = new GapCounter();
  /** Batches that were refused, and come before what is in the queue. */
  #again: Batch[] = [];
  #inFlight: Batch = [];
  #sentAtMs = 0;
  #refusal: 'full' | 'unreachable' | undefined;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #order = 0;
  #acknowledged = 0;
  #dropped = 0;

  constructor(options: RecorderOptions) {
    const { queueEventsMax = QUEUE_EVENTS_MAX_DEFAULT, queueOctetsMax = QUEUE_OCTETS_MAX_DEFAULT } = options;
    this.#client = options.client;
    this.#site = options.site;
    this.#gate = options.gate;
    this.#flushTimeoutMs = options.flushTimeoutMs ?? FLUSH_TIMEOUT_MS;
    this.#queue = new EventQueue({ eventsMax: queueEventsMax, octetsMax: queueOctetsMax }, (event) =>
      this.#drop(event, this.#dropReason()),
    );
  }

  record(event: MailEvent): void {
    this.#order += 1;
    const isControl = !('ip' in event);
    this.#queue.push({
      stream: 'postern.events',
      key: isControl ? '' : this.#keyOf(event.ip),
      payload: encodeEvent(event),
      everyPartition: isControl,
      priority: priorityOf(event),
      type: event.type,
      atMs: event.at,
      order: this.#order,
    });
    this.#schedule();
  }

  flush(): Promise<void> {
    if (this.#queue.fill < GAP_FILL) this.#tellGap();
    this.#send();
    if (this.#isIdle) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#flushTimeoutMs);
    this.#flushing.add(resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#flushing.delete(resolve);
    });
  }

  get pressure(): number {
    return Math.min(1, this.#queue.fill);
  }

  get failing(): 'full' | 'unreachable' | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    return this.#inFlight.length > 0 && performance.now() - this.#sentAtMs > STALL_MS ? 'unreachable' : undefined;
  }

  get counters(): RecorderCounters {
    const waiting = this.#again.reduce((sum, batch) => sum + batch.length, this.#inFlight.length);
    return {
      recorded: this.#order,
      acknowledged: this.#acknowledged,
      dropped: this.#dropped,
      queued: this.#queue.count + waiting,
    };
  }

  get #isIdle(): boolean {
    return this.#inFlight.length === 0 && this.#again.length === 0 && this.#queue.count === 0;
  }

  /** See `partitionKeyOf`; the events of one session come close together. */
  #keyOf(ip: string): string {
    let key = this.#keys.get(ip);
    if (key === undefined) {
      if (this.#keys.size >= KEYS_MAX) this.#keys.clear();
      key = networkKey(ip);
      this.#keys.set(ip, key);
    }
    return key;
  }

  /** Sends what waits: at once if it is enough or somebody waits for it, else together with what comes next. */
  #schedule(): void {
    if (this.#inFlight.length > 0 || this.#refusal !== undefined || this.#immediate !== undefined) return;
    if (this.#queue.count >= BATCH_EVENTS || this.#flushing.size > 0 || this.#again.length > 0) {
      this.#immediate = setImmediate(() => {
        this.#immediate = undefined;
        this.#send();
      });
    } else if (this.#timer === undefined && this.#queue.count > 0) {
      this.#timer = setTimeout(() => this.#send(), BATCH_DELAY_MS);
    }
  }

  /** One batch on its way at a time: that keeps their order, whatever the log says to one of them. */
  #send(): void {
    if (this.#inFlight.length > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#again.shift() ?? this.#queue.take(BATCH_LIMITS);
    if (batch.length === 0) return;
    this.#inFlight = batch;
    this.#sentAtMs = performance.now();
    void this.#client.append(batch).then((outcome) => this.#settle(batch, outcome));
  }

  #settle(batch: Batch, outcome: Result<unknown, AppendFault>): void {
    this.#inFlight = [];
    this.#refusal = undefined;
    if (outcome.ok) this.#acknowledged += batch.length;
    else if (outcome.error === 'too-large') this.#split(batch);
    else {
      this.#refusal = outcome.error;
      this.#again.unshift(batch);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#send(), RETRY_DELAY_MS).unref();
      return;
    }
    if (this.#queue.fill < GAP_FILL) this.#tellGap();
    if (this.#isIdle) for (const resolve of this.#flushing) resolve();
    this.#schedule();
  }

  #split(batch: Batch): void {
    const [first] = batch;
    const middle = Math.ceil(batch.length / 2);
    if (batch.length > 1) this.#again.unshift(batch.slice(0, middle), batch.slice(middle));
    else if (first !== undefined) this.#drop(first, 'too-large');
  }

  #dropReason(): GapReason {
    const { failing } = this;
    if (failing !== undefined) return gapReasons[failing];
    return this.#client.connected ? 'queue-full' : 'log-unreachable';
  }

  #drop(event: QueuedEvent, reason: GapReason): void {
    this.#dropped += 1;
    this.#gap.add(event.type, event.atMs, reason);
  }

  #tellGap(): void {
    if (this.#gap.isEmpty) return;
    const event = this.#gap.toEvent({ site: this.#site, gate: this.#gate }, Date.now());
    this.#gap = new GapCounter();
    this.record(event);
  }
}
