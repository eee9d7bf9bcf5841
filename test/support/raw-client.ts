import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';

/** Longest time a test waits for one thing to arrive, milliseconds. */
const PATIENCE_MS = 10_000;

/** One reply as a client sees it. */
export interface SeenReply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** A client with full control of its octets: nothing is sent, read or closed that the test did not ask for. */
export class RawClient {
  socket: Socket | TLSSocket;
  /** Everything received and not yet taken, one character an octet. */
  received = '';
  /** FIN was received. */
  ended = false;
  /** The socket is gone; `error` says why, if it was not orderly. */
  closed = false;
  error: string | undefined;
  private secured = false;
  private readonly waiting = new Set<() => void>();

  constructor(socket: Socket | TLSSocket) {
    this.socket = socket;
    this.listen();
  }

  static async connect(
    port: number,
    host = '127.0.0.1',
    options: { allowHalfOpen?: boolean } = {},
  ): Promise<RawClient> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true, ...options });
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  static async connectTls(port: number, options: ConnectionOptions = {}, host = '127.0.0.1'): Promise<RawClient> {
    const socket = tlsConnect({ port, host, rejectUnauthorized: false, servername: 'mx.example.com', ...options });
    const client = new RawClient(socket);
    await once(socket, 'secureConnect');
    return client;
  }

  send(octets: string | Uint8Array): void {
    this.socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Half-closes. */
  fin(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Stops reading, for good or until `resume`. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Waits until something holds; looks again whenever anything happens on the socket. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (holds()) resolve();
    };
    const timer = setTimeout(() => {
      reject(
        new Error(
          `waited in vain for ${what}; received ${JSON.stringify(this.received.slice(0, 400))}, ended ${this.ended}, closed ${this.closed}, error ${this.error}`,
        ),
      );
    }, PATIENCE_MS);
    this.waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(look);
    }
  }

  /** Takes one whole reply, however many lines it has. */
  async reply(): Promise<SeenReply> {
    const whole = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/;
    await this.until(() => whole.test(this.received) || this.closed || this.ended, 'a reply');
    const found = whole.exec(this.received)?.[0];
    if (found === undefined) {
      throw new Error(
        `no reply: received ${JSON.stringify(this.received.slice(0, 400))}, ended ${this.ended}, error ${this.error}`,
      );
    }
    this.received = this.received.slice(found.length);
    const lines = found.split('\r\n').slice(0, -1);
    return { code: Number(found.slice(0, 3)), lines: lines.map((line) => line.slice(4)) };
  }

  /** Takes one reply and gives its code. */
  async code(): Promise<number> {
    return (await this.reply()).code;
  }

  /** Sends one command line and gives the code of its reply. */
  async say(line: string): Promise<number> {
    this.send(`${line}\r\n`);
    return this.code();
  }

  /** Waits for FIN or the end of the socket, and gives what came before it. */
  async toEnd(): Promise<string> {
    await this.until(() => this.ended || this.closed, 'the end');
    return this.received;
  }

  /** Shakes hands as a TLS client over the plaintext connection. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const raw = this.socket;
    raw.removeAllListeners('data');
    raw.removeAllListeners('end');
    raw.removeAllListeners('close');
    const secured = tlsConnect({ socket: raw, rejectUnauthorized: false, servername: 'mx.example.com', ...options });
    this.socket = secured;
    this.received = '';
    this.listen();
    await this.until(() => this.secured || this.closed, 'TLS');
    if (this.closed) throw new Error(`no TLS: ${this.error}`);
    return secured;
  }

  private listen(): void {
    const { socket } = this;
    socket.on('data', (octets: Buffer) => {
      this.received += octets.toString('latin1');
      this.look();
    });
    socket.on('end', () => {
      this.ended = true;
      this.look();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error ??= error.code ?? error.message;
      this.look();
    });
    socket.on('close', () => {
      this.closed = true;
      this.look();
    });
    socket.on('secureConnect', () => {
      this.secured = true;
      this.look();
    });
  }

  private look(): void {
    for (const each of this.waiting) each();
  }
}
