import { setTimeout as delay } from 'node:timers/promises';
import { decodeDecision, decodeEvent } from '../../events/codec.ts';
import type { DecisionEvent } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import type { EventLog, Offset, Page, StoredRecord, Stream } from '../../log/event-log.ts';
import { cefOf } from '../cef.ts';
import { type Sender, syslogMessage } from '../syslog.ts';
import type { Sink } from './sink.ts';

/** Delay before a page that was not taken is sent again, milliseconds: it doubles up to the longest. */
export const RETRY_MS_MIN = 500;
export const RETRY_MS_MAX = 30_000;
/** The group under which the log remembers how far it is. */
const GROUP = 'siem';

const streams = ['postern.events', 'postern.decisions'] as const satisfies readonly Stream[];

export interface ForwarderOptions {
  readonly log: EventLog;
  readonly sink: Sink;
  readonly sender: Sender;
  /** Of Postern. */
  readonly version: string;
  readonly leastSeverity: number;
  readonly trouble: (what: string, details: object) => void;
}

/** Sends what happens to a program for security events: once, and once more what was under way when either side ended. */
export class Forwarder {
  private readonly options: ForwarderOptions;
  private isTold = false;
  /** One page after the other: the sink is one. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: ForwarderOptions) {
    this.options = options;
  }

  /** Sends until `signal` aborts, from where it was; the first time from now on. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.options;
    const places = streams.flatMap((stream) =>
      Array.from({ length: log.partitionCount }, (_, partition) => ({ stream, partition })),
    );
    await Promise.all(places.map(({ stream, partition }) => this.follow(stream, partition, signal)));
  }

  private async follow(stream: Stream, partition: number, signal: AbortSignal): Promise<void> {
    const { log } = this.options;
    const committed = await log.committed(GROUP, stream, partition);
    const { next } = await log.bounds(stream, partition);
    for await (const page of log.follow(stream, partition, committed === 0 ? next : committed, signal)) {
      if (!(await this.inTurn(() => this.send(stream, partition, page, signal)))) return;
      await log.commit(GROUP, stream, partition, page.nextOffset satisfies Offset);
    }
  }

  /** @returns False when `signal` aborted before it was sent. */
  private async send(stream: Stream, partition: number, page: Page, signal: AbortSignal): Promise<boolean> {
    const { sink, trouble } = this.options;
    const messages = page.records.flatMap((record) => this.messageOf(stream, partition, record) ?? []);
    if (messages.length === 0) return true;
    for (let delayMs = RETRY_MS_MIN; ; delayMs = Math.min(RETRY_MS_MAX, 2 * delayMs)) {
      const sent = await sink.send(messages);
      if (sent.ok) {
        if (this.isTold) trouble('the SIEM takes events again', {});
        this.isTold = false;
        return true;
      }
      if (signal.aborted) return false;
      if (!this.isTold) trouble('the SIEM does not take events; they wait in the log', { reason: sent.error });
      this.isTold = true;
      await delay(delayMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private messageOf(stream: Stream, partition: number, record: StoredRecord): string | undefined {
    const event = eventIn(stream, partition, record);
    if (event === undefined) return undefined;
    const { version, leastSeverity, sender, sink } = this.options;
    const line = cefOf(event, version, leastSeverity);
    return line === undefined
      ? undefined
      : syslogMessage(sender, new Date(event.at).toISOString(), line.severity, line.text, sink.octetsMax);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

/** Control events are in every partition: those of the first count. */
function eventIn(stream: Stream, partition: number, { payload }: StoredRecord): MailEvent | DecisionEvent | undefined {
  const decoded = stream === 'postern.events' ? decodeEvent(payload) : decodeDecision(payload);
  if (!decoded.ok) return undefined;
  const event = decoded.value;
  return stream === 'postern.events' && partition > 0 && !('ip' in event) ? undefined : event;
}
