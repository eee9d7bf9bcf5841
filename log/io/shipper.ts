import { setTimeout } from 'node:timers/promises';
import type { EventLog, LogRecord, Offset } from '../event-log.ts';
import type { ReaderProgress } from '../progress.ts';
import { mirroredOf, type ShippedStream, shippedOf, shippedStreams } from '../ship.ts';

/** Group of the log of this machine under which it is remembered what has been sent on. */
export const SHIP_GROUP = 'ship';
/** How often that is remembered, milliseconds: so much is sent once more after a crash. */
export const COMMIT_EVERY_MS = 1000;
/** Delay before what the other log did not take is offered again, milliseconds. */
const RETRY_MS = 500;

export interface ShipperOptions {
  /** The log of this machine. */
  readonly spool: EventLog;
  /** Names it, and no other that ever was. */
  readonly spoolId: string;
  /** The log that all machines have in common. */
  readonly common: EventLog;
  /** Offset of the next decision of the common log, for each of its partitions. */
  readonly mirrored: MirrorFile;
  readonly listener: ShipperListener;
}

/** Where it is kept which decisions of the common log this machine has. */
export interface MirrorFile {
  load(): readonly Offset[];
  /** Throws where it cannot be written. */
  save(nextOffsets: readonly Offset[]): void;
}

export interface ShipperListener {
  trouble(what: string, details: object): void;
  /** Every decision that was in the common log at the start is in that of this machine. */
  caughtUp(): void;
}

/**
 * Sends the log of a gate's machine on to the log that all have in common, and brings back the decisions. Whatever happens between,
 * mail does not wait, and nothing is left out: a record that may have been sent is sent once more, and says where it is from.
 */
export class Shipper {
  private readonly options: ShipperOptions;
  private readonly positions = new Map<string, ReaderProgress>();
  private readonly mirroredTo: Offset[] = [];
  /** Partitions whose decisions this machine does not have yet. */
  private readonly behind = new Set<number>();

  constructor(options: ShipperOptions) {
    this.options = options;
  }

  /** How far each partition of this machine's log has been sent on. */
  get progress(): readonly ReaderProgress[] {
    return [...this.positions.values()];
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { spool, common } = this.options;
    const kept = this.options.mirrored.load();
    const ways: Promise<void>[] = [];
    for (const stream of shippedStreams) {
      for (let partition = 0; partition < spool.partitionCount; partition += 1)
        ways.push(this.ship(stream, partition, signal));
    }
    for (let partition = 0; partition < common.partitionCount; partition += 1) {
      this.mirroredTo[partition] = kept[partition] ?? 0;
      this.behind.add(partition);
    }
    for (const partition of this.behind) ways.push(this.mirror(partition, signal));
    await Promise.all(ways);
    this.options.mirrored.save(this.mirroredTo);
  }

  private async ship(stream: ShippedStream, partition: number, signal: AbortSignal): Promise<void> {
    const { spool, spoolId, listener } = this.options;
    const { first } = await spool.bounds(stream, partition);
    const committed = await spool.committed(SHIP_GROUP, stream, partition);
    if (committed > 0 && committed < first)
      listener.trouble('records left the log of this machine before they were sent on', {
        stream,
        partition,
        missing: first - committed,
      });
    const name = `${stream.slice('postern.'.length)}-${partition}`;
    let next = Math.max(first, committed);
    let done = committed;
    let doneAtMs = performance.now();
    const commit = async (): Promise<void> => {
      if (next === done) return;
      await spool.commit(SHIP_GROUP, stream, partition, next);
      done = next;
      doneAtMs = performance.now();
    };
    this.positions.set(name, { name, stream, partition, nextOffset: next });
    for await (const page of spool.follow(stream, partition, next, signal)) {
      const place = { log: spoolId, stream, partition };
      const records = page.records.flatMap((record) => shippedOf(place, record) ?? []);
      if (!(await this.append(this.options.common, records, signal))) break;
      next = page.nextOffset;
      this.positions.set(name, { name, stream, partition, nextOffset: next });
      if (performance.now() - doneAtMs >= COMMIT_EVERY_MS) await this.trying(commit);
    }
    await this.trying(commit);
  }

  private async mirror(partition: number, signal: AbortSignal): Promise<void> {
    const { common, spool, mirrored } = this.options;
    const { first, next: end } = await common.bounds('postern.decisions', partition);
    const kept = this.mirroredTo[partition] ?? 0;
    // Another log in place of the one that was read is read from its start.
    let next = kept < first || kept > end ? first : kept;
    const arrived = (): void => {
      if (next < end || !this.behind.delete(partition)) return;
      if (this.behind.size === 0) this.options.listener.caughtUp();
    };
    arrived();
    for await (const page of common.follow('postern.decisions', partition, next, signal)) {
      const records = page.records.flatMap((record) => mirroredOf(record, Date.now()) ?? []);
      if (!(await this.append(spool, records, signal))) return;
      next = page.nextOffset;
      this.mirroredTo[partition] = next;
      await this.trying(async () => mirrored.save(this.mirroredTo));
      arrived();
    }
  }

  /** Until the log has them. @returns False when `signal` aborted before. */
  private async append(log: EventLog, records: readonly LogRecord[], signal: AbortSignal): Promise<boolean> {
    if (records.length === 0) return true;
    for (;;) {
      const appended = await log.append(records);
      if (appended.ok) return true;
      if (appended.error === 'too-large' && records.length > 1) {
        const half = Math.ceil(records.length / 2);
        return (
          (await this.append(log, records.slice(0, half), signal)) &&
          (await this.append(log, records.slice(half), signal))
        );
      }
      if (signal.aborted) return false;
      await setTimeout(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** What is not remembered now is remembered the next time. */
  private async trying(remember: () => Promise<void>): Promise<void> {
    try {
      await remember();
    } catch (error) {
      this.options.listener.trouble('how far the log has been sent on cannot be written down', {
        reason: String(error),
      });
    }
  }
}
