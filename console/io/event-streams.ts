import type { ServerResponse } from 'node:http';
import type { MailEvent } from '../../events/event.ts';
import type { EventLog } from '../../log/event-log.ts';
import { NEVER_STORED, type Refusal, refused, securityHeaders } from '../answer.ts';
import {
  choiceOf,
  KEEP_ALIVE_MS,
  mentions,
  STREAM_HEADERS,
  STREAMS_MAX,
  streamComment,
  WAITING_OCTETS_MAX,
} from '../event-stream.ts';
import type { ConsolePorts } from '../ports.ts';
import type { Parameters } from '../route.ts';
import { EventFeed, type Watcher } from './event-feed.ts';

/** The live tails of all browsers. */
export class EventStreams implements Disposable {
  private readonly feed: EventFeed;
  private readonly filterOf: ConsolePorts['filterOf'];
  private count = 0;

  constructor(log: EventLog, filterOf: ConsolePorts['filterOf'], trouble: (error: unknown) => void) {
    this.feed = new EventFeed(log, trouble);
    this.filterOf = filterOf;
  }

  /** Answers with a stream that lasts until the browser leaves. @returns Why not. */
  async open(parameters: Parameters, response: ServerResponse): Promise<Refusal | undefined> {
    const { text, ...choice } = choiceOf(parameters);
    const filter = this.filterOf(choice);
    if (!filter.ok) return refused(400, filter.error);
    if (this.count >= STREAMS_MAX) return refused(503, `${STREAMS_MAX} streams are open already: close some.`);
    this.count += 1;
    const wants = (event: MailEvent): boolean => filter.value(event) && (text === undefined || mentions(event, text));
    const watcher: Watcher = { wants, take: (event) => write(response, event), end: () => response.end() };
    const timer = setInterval(() => write(response, streamComment('')), KEEP_ALIVE_MS);
    response.once('close', () => {
      clearInterval(timer);
      this.count -= 1;
      this.feed.remove(watcher);
    });
    response.writeHead(200, { ...securityHeaders, ...NEVER_STORED, ...STREAM_HEADERS });
    await this.feed.add(watcher);
    if (response.destroyed) this.feed.remove(watcher);
    else write(response, streamComment('follows'));
    return undefined;
  }

  [Symbol.dispose](): void {
    this.feed[Symbol.dispose]();
  }
}

/** A browser that does not read is dropped: it comes again by itself. */
function write(response: ServerResponse, text: string): void {
  if (response.destroyed || response.writableEnded) return;
  response.write(text);
  if (response.writableLength > WAITING_OCTETS_MAX) response.destroy();
}
