import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

const LF = 0x0a;
const CR = 0x0d;

/** Longest line taken, octets; what is longer is handed out in pieces of this length. */
export const LINE_OCTETS_MAX = 65_536;

/** Octets of a socket, taken as a dialogue needs them: a line, so many octets, or whatever came. It reads no further ahead than one arrival. */
export class SocketReader {
  readonly #socket: Socket;
  #waiting: Buffer[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onEnd);
    socket.pause();
  }

  /** Leaves the socket to somebody else (a TLS engine); octets that wait are dropped. */
  detach(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
    this.#socket.off('error', this.#onEnd);
    this.#waiting = [];
  }

  /** What came next; undefined at the end. */
  async some(): Promise<Buffer | undefined> {
    for (;;) {
      const octets = this.#waiting.shift();
      if (octets !== undefined) return octets;
      if (this.#ended) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#socket.resume();
      await promise;
    }
  }

  /** Gives back octets that were taken and not used; they come first again. */
  giveBack(octets: Buffer): void {
    if (octets.length > 0) this.#waiting.unshift(octets);
  }

  /** One line without its LF or CRLF, one character an octet; undefined at the end, whatever came of the last line. */
  async line(): Promise<string | undefined> {
    let line = Buffer.alloc(0);
    for (;;) {
      const octets = await this.some();
      if (octets === undefined) return undefined;
      const end = octets.indexOf(LF);
      line = Buffer.concat([line, end === -1 ? octets : octets.subarray(0, end)]);
      if (end !== -1) this.giveBack(octets.subarray(end + 1));
      if (end !== -1 || line.length > LINE_OCTETS_MAX) return line.toString('latin1', 0, lengthWithoutCr(line));
    }
  }

  /** Exactly so many octets; undefined if the end comes first. */
  async octets(count: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const octets = await this.some();
      if (octets === undefined) return undefined;
      const piece = octets.subarray(0, missing);
      pieces.push(piece);
      missing -= piece.length;
      this.giveBack(octets.subarray(piece.length));
    }
    return Buffer.concat(pieces);
  }

  readonly #onData = (octets: Buffer): void => {
    this.#waiting.push(octets);
    this.#socket.pause();
    this.#wakeUp();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wakeUp();
  };

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

const lengthWithoutCr = (line: Buffer): number => (line.at(-1) === CR ? line.length - 1 : line.length);
