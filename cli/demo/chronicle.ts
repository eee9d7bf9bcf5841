import { setTimeout as sleep } from 'node:timers/promises';
import { decodeEvent } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import type { EventLog } from '../../log/event-log.ts';

/** Longest wait for the log to tell of something, such as the end of sessions whose clients have left, milliseconds. */
export const SETTLE_MS_MAX = 10_000;
/** How often that is looked for, milliseconds. */
const SETTLE_EVERY_MS = 20;

/** Everything the event log tells, as it is told: read from the files, as any other reader would. */
export class Chronicle {
  readonly events: MailEvent[] = [];
  readonly #bySource = new Map<string, MailEvent[]>();
  readonly #onEvent: (event: MailEvent) => void;
  #keeps = true;

  /** @param onEvent - Called with each event of the log as it appears. */
  constructor(onEvent: (event: MailEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Follows all partitions from their beginning until `signal` aborts. */
  async follow(log: Pick<EventLog, 'partitionCount' | 'follow'>, signal: AbortSignal): Promise<void> {
    const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
    await Promise.all(partitions.map((partition) => this.#followPartition(log, partition, signal)));
  }

  /** Events of one client address. */
  of(source: string): readonly MailEvent[] {
    return this.#bySource.get(source) ?? [];
  }

  /** Goes on telling, but keeps nothing more. */
  keepNoMore(): void {
    this.#keeps = false;
  }

  /** Waits until the log tells of the start of the gate. */
  started(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.events.some(({ type }) => type === 'gate-started'), signal);
  }

  /** Waits until the log tells that another configuration is in force. */
  configured(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.events.some(({ type }) => type === 'config-changed'), signal);
  }

  /** Waits until the log tells the end of so many sessions of this source. */
  settled(source: string, sessionCount: number, signal: AbortSignal): Promise<void> {
    const endCount = (): number => this.of(source).filter(({ type }) => type === 'session-closed').length;
    return this.#until(() => endCount() >= sessionCount, signal);
  }

  /** Waits until something holds, but not for ever: what is missing then is for the judge to say. */
  async #until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + SETTLE_MS_MAX;
    while (!holds() && performance.now() < deadline) await sleep(SETTLE_EVERY_MS, undefined, { signal });
  }

  async #followPartition(log: Pick<EventLog, 'follow'>, partition: number, signal: AbortSignal): Promise<void> {
    for await (const { records } of log.follow('postern.events', partition, 0, signal)) {
      for (const { payload } of records) this.#take(payload, partition);
    }
  }

  #take(payload: string, partition: number): void {
    const decoded = decodeEvent(payload);
    if (!decoded.ok) throw new Error(`the log holds something that is no event: ${payload.slice(0, 200)}`);
    const event = decoded.value;
    const source = 'ip' in event ? event.ip : undefined;
    // Events of no source stand in every partition.
    if (source === undefined && partition !== 0) return;
    if (this.#keeps) this.#keep(event, source);
    this.#onEvent(event);
  }

  #keep(event: MailEvent, source: string | undefined): void {
    this.events.push(event);
    if (source === undefined) return;
    const known = this.#bySource.get(source);
    if (known === undefined) this.#bySource.set(source, [event]);
    else known.push(event);
  }
}
