import { setImmediate } from 'node:timers/promises';
import { decodeEvent, partitionKeyOf } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import type { EventLog, StoredRecord } from '../../log/event-log.ts';
import { streamEvent } from '../event-stream.ts';

const STREAM = 'postern.events';
/** Records that are told in one go. */
const SLICE_RECORDS = 100;

/** Somebody who looks at events as they happen. */
export interface Watcher {
  wants(event: MailEvent): boolean;
  /** Takes one event of the stream, as it is sent. */
  take(text: string): void;
  /** There will be no more: the log cannot be followed. */
  end(): void;
}

/** One follower of the log for everybody who looks; it rests while nobody does. */
export class EventFeed implements Disposable {
  private readonly log: EventLog;
  private readonly trouble: (error: unknown) => void;
  private readonly watchers = new Set<Watcher>();
  private following: { readonly stop: AbortController; readonly begun: Promise<void> } | undefined;

  constructor(log: EventLog, trouble: (error: unknown) => void) {
    this.log = log;
    this.trouble = trouble;
  }

  /** Resolves once events are seen: none that happens from then on is missed. */
  async add(watcher: Watcher): Promise<void> {
    this.watchers.add(watcher);
    this.following ??= this.begin();
    await this.following.begun;
  }

  remove(watcher: Watcher): void {
    this.watchers.delete(watcher);
    if (this.watchers.size === 0) this.stop();
  }

  [Symbol.dispose](): void {
    this.endAll();
  }

  private begin(): { readonly stop: AbortController; readonly begun: Promise<void> } {
    const stop = new AbortController();
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    void this.follow(stop.signal, resolve).catch((error: unknown) => {
      resolve();
      if (stop.signal.aborted) return;
      this.trouble(error);
      this.endAll();
    });
    return { stop, begun };
  }

  private async follow(signal: AbortSignal, begun: () => void): Promise<void> {
    const partitions = Array.from({ length: this.log.partitionCount }, (_, partition) => partition);
    const bounds = await Promise.all(partitions.map((partition) => this.log.bounds(STREAM, partition)));
    begun();
    await Promise.all(
      bounds.map(async ({ next }, partition) => {
        for await (const page of this.log.follow(STREAM, partition, next, signal)) {
          for (let start = 0; start < page.records.length && !signal.aborted; start += SLICE_RECORDS) {
            this.tell(partition, page.records.slice(start, start + SLICE_RECORDS));
            // What was written goes out before more is: whoever reads is never behind because of a flood alone.
            await setImmediate();
          }
        }
      }),
    );
  }

  private tell(partition: number, records: readonly StoredRecord[]): void {
    for (const { offset, payload } of records) {
      const event = decodeEvent(payload);
      if (!event.ok) continue;
      // Events without a source stand in every partition; they are shown once.
      if (partition !== 0 && partitionKeyOf(event.value) === undefined) continue;
      const text = streamEvent(partition, offset, payload);
      for (const watcher of this.watchers) if (watcher.wants(event.value)) watcher.take(text);
    }
  }

  private stop(): void {
    this.following?.stop.abort();
    this.following = undefined;
  }

  private endAll(): void {
    this.stop();
    for (const watcher of this.watchers) watcher.end();
    this.watchers.clear();
  }
}
