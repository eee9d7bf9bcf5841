import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { FrameAssembler } from '../frame-assembler.ts';
import { type Answer, decodeAnswer, encodeRequest, PRODUCER_ID_OCTETS, type Request, WIRE_VERSION } from '../wire.ts';

/** Delay before the first attempt to connect again; it doubles with each further one. */
export const RECONNECT_DELAY_MS_MIN = 50;
/** Longest delay between two attempts. */
export const RECONNECT_DELAY_MS_MAX = 2000;
/** How long the log may take to greet; then the connection is given up. */
export const WELCOME_TIMEOUT_MS = 5000;

/** Hears what a link brings. */
export interface LinkListener {
  /** The log can be reached, again: whatever was not answered is to be sent once more. */
  welcomed(partitionCount: number): void;
  answered(answer: Answer): void;
  lost(): void;
}

/** A connection to the log process that comes back by itself, as the same producer. */
export class LogLink {
  readonly #socketPath: string;
  readonly #listener: LinkListener;
  readonly #producer = randomBytes(PRODUCER_ID_OCTETS).toString('hex');
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = RECONNECT_DELAY_MS_MIN;
  #isUp = false;
  #isClosed = false;

  constructor(socketPath: string, listener: LinkListener) {
    this.#socketPath = socketPath;
    this.#listener = listener;
    this.#connect();
  }

  /** The log has greeted. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Only while it is up. What one turn of the event loop sends goes out in one piece. */
  send(request: Request): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (socket.writableCorked === 0) {
      socket.cork();
      queueMicrotask(() => socket.uncork());
    }
    socket.write(encodeRequest(request));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #connect(): void {
    const assembler = new FrameAssembler();
    const socket = connect(this.#socketPath);
    this.#socket = socket;
    this.#timer = setTimeout(() => socket.destroy(), WELCOME_TIMEOUT_MS);
    socket.on('connect', () => this.send({ kind: 'hello', version: WIRE_VERSION, producer: this.#producer }));
    socket.on('data', (chunk: Buffer) => {
      for (const frame of assembler.push(chunk) ?? [undefined]) {
        const answer = frame === undefined ? undefined : decodeAnswer(frame);
        if (answer === undefined || !this.#take(answer)) return void socket.destroy();
      }
      return undefined;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#lose());
  }

  /** False if the answer makes no sense: it comes from another release. */
  #take(answer: Answer): boolean {
    if (this.#isUp) this.#listener.answered(answer);
    else if (answer.kind === 'welcome' && answer.version === WIRE_VERSION) {
      clearTimeout(this.#timer);
      this.#isUp = true;
      this.#delayMs = RECONNECT_DELAY_MS_MIN;
      this.#listener.welcomed(answer.partitionCount);
    } else return false;
    return true;
  }

  #lose(): void {
    clearTimeout(this.#timer);
    const wasUp = this.#isUp;
    this.#isUp = false;
    this.#socket = undefined;
    if (wasUp) this.#listener.lost();
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#connect(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, RECONNECT_DELAY_MS_MAX);
  }
}
