import type { Socket } from 'node:net';
import { unreachable } from '../../lib/assert.ts';
import type { Stream } from '../event-log.ts';
import { FrameAssembler } from '../frame-assembler.ts';
import {
  type Answer,
  BATCHES_IN_FLIGHT_MAX,
  decodeRequest,
  encodeAnswer,
  type Request,
  WIRE_VERSION,
} from '../wire.ts';
import { storageFaultOf } from './database.ts';
import type { SqliteLog } from './sqlite-log.ts';

/** Octets of answers that a client has not read; beyond them it is disconnected. */
export const UNREAD_OCTETS_MAX = 1_048_576;
/** How long a connection may take to say who it is. */
export const HELLO_TIMEOUT_MS = 5000;

/** What the server asks of a connection. */
export interface ConnectionHost {
  readonly log: SqliteLog;
  /** The connection is over; `malformed` if its client did not keep to the protocol. */
  ended(connection: LogConnection, malformed: boolean): void;
}

/**
 * One client of the log process. Whatever it sends can end its own connection at most.
 *
 * What one turn of the event loop has read is committed before anything more is read, so a client that is faster than the
 * disk waits for room in its socket; what waits here is bounded by the batches that it may have under way.
 */
export class LogConnection {
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #assembler = new FrameAssembler();
  readonly #timer: NodeJS.Timeout;
  #producer: string | undefined;
  #batchesInFlight = 0;
  #isSubscribed = false;
  #isMalformed = false;
  /** Streams to wake the client for once the wake-up before is on its way; undefined while none is. */
  #unsentWakes: Set<Stream> | undefined;

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#timer = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(this.#timer);
      host.ended(this, this.#isMalformed);
    });
  }

  /** Tells a subscriber that streams have more; what cannot be sent yet is sent together. */
  wake(streams: readonly Stream[]): void {
    if (!this.#isSubscribed) return;
    if (this.#unsentWakes !== undefined) {
      for (const stream of streams) this.#unsentWakes.add(stream);
      return;
    }
    this.#unsentWakes = new Set();
    this.#send({ kind: 'wake', streams }, () => {
      const unsent = [...(this.#unsentWakes ?? [])];
      this.#unsentWakes = undefined;
      if (unsent.length > 0) this.wake(unsent);
    });
  }

  /** Ends it at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const frames = this.#assembler.push(chunk);
    if (frames === undefined) return this.#reject();
    for (const frame of frames) {
      const request = decodeRequest(frame, this.#host.log.partitionCount);
      if (request === undefined || !this.#accepts(request)) return this.#reject();
      this.#handle(request);
    }
  }

  /** Says the protocol that this may come now? */
  #accepts(request: Request): boolean {
    if (request.kind === 'hello') return this.#producer === undefined && request.version === WIRE_VERSION;
    return this.#producer !== undefined && (request.kind !== 'append' || this.#batchesInFlight < BATCHES_IN_FLIGHT_MAX);
  }

  #reject(): void {
    this.#isMalformed = true;
    this.#socket.destroy();
  }

  #handle(request: Request): void {
    const { log } = this.#host;
    switch (request.kind) {
      case 'hello':
        clearTimeout(this.#timer);
        this.#producer = request.producer;
        return this.#send({ kind: 'welcome', version: WIRE_VERSION, partitionCount: log.partitionCount });
      case 'append':
        return void this.#append(request);
      case 'subscribe':
        this.#isSubscribed = true;
        return undefined;
      case 'commit':
        return void this.#answer(
          request.requestId,
          log.commit(request.group, request.stream, request.partition, request.offset).then(() => 0),
        );
      case 'trim':
        return void this.#answer(request.requestId, log.trim(request.beforeAtMs, request.stream));
      case 'suspect':
        return this.#examine(request.stream, request.fileNumber);
      case 'rewrite':
        return void this.#rewrite(request);
      case 'scrub':
        return void this.#answer(request.requestId, log.scrub());
      default:
        return unreachable(request);
    }
  }

  async #append({ batchId, batch }: Extract<Request, { kind: 'append' }>): Promise<void> {
    this.#batchesInFlight += 1;
    const outcome = await this.#host.log.submit({ batch, producer: { id: this.#producer ?? '', batchId } });
    this.#batchesInFlight -= 1;
    const placement = outcome.ok ? outcome.value : ({ pressure: 3, firsts: [] } as const);
    this.#send({ kind: 'appended', batchId, placement });
  }

  #rewrite({ requestId, rewriting }: Extract<Request, { kind: 'rewrite' }>): Promise<void> {
    const outcomes = this.#host.log.rewrite(rewriting);
    return this.#answerWith(
      requestId,
      outcomes.then((each) => ({ kind: 'rewritten', requestId, outcomes: each })),
    );
  }

  #answer(requestId: number, result: Promise<number>): Promise<void> {
    return this.#answerWith(
      requestId,
      result.then((value) => ({ kind: 'done', requestId, value })),
    );
  }

  async #answerWith(requestId: number, answer: Promise<Answer>): Promise<void> {
    try {
      this.#send(await answer);
    } catch (error) {
      storageFaultOf(error);
      this.#send({ kind: 'failed', requestId });
    }
  }

  #examine(stream: Stream, fileNumber: number): void {
    try {
      this.#host.log.examine(stream, fileNumber);
    } catch (error) {
      // It could not be looked at now; a reader that still cannot read it says so again.
      storageFaultOf(error);
    }
  }

  /** What one turn of the event loop sends goes out in one piece. */
  #send(answer: Answer, onSent?: () => void): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (socket.writableLength > UNREAD_OCTETS_MAX) return void socket.destroy();
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    socket.write(encodeAnswer(answer), () => onSent?.());
  }
}
