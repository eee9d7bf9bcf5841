import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { CertificatePem } from '../../proxy/io/tls.ts';

/** Longest time a script waits for one thing to arrive, milliseconds. */
const PATIENCE_MS = 10_000;

/** One connection to the scripted server, with full control of its octets. */
export class UpstreamConnection {
  socket: Socket | TLSSocket;
  /** Everything ever received, one character an octet. */
  received = '';
  /** How much of it was taken by the script. */
  private taken = 0;
  ended = false;
  closed = false;
  private readonly waiting = new Set<() => void>();

  constructor(socket: Socket | TLSSocket) {
    this.socket = socket;
    this.listen();
  }

  send(octets: string | Uint8Array): void {
    this.socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  fin(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (holds()) resolve();
    };
    const timer = setTimeout(
      () => reject(new Error(`upstream waited in vain for ${what}: ${JSON.stringify(this.rest.slice(0, 400))}`)),
      PATIENCE_MS,
    );
    this.waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(look);
    }
  }

  /** Takes everything up to and with `end`; undefined when the client left before. */
  async take(end: string): Promise<string | undefined> {
    await this.until(() => this.rest.includes(end) || this.ended || this.closed, JSON.stringify(end));
    const at = this.rest.indexOf(end);
    if (at === -1) return undefined;
    const found = this.rest.slice(0, at + end.length);
    this.taken += found.length;
    return found;
  }

  /** Takes `count` octets; undefined when the client left before. */
  async takeOctets(count: number): Promise<string | undefined> {
    await this.until(() => this.rest.length >= count || this.ended || this.closed, `${count} octets`);
    if (this.rest.length < count) return undefined;
    const found = this.rest.slice(0, count);
    this.taken += count;
    return found;
  }

  /** Takes one line, without its CRLF. */
  async line(): Promise<string | undefined> {
    return (await this.take('\r\n'))?.slice(0, -2);
  }

  /** Takes one line and answers it. */
  async answer(reply: string): Promise<string | undefined> {
    const line = await this.line();
    if (line !== undefined) this.send(`${reply}\r\n`);
    return line;
  }

  toEnd(): Promise<void> {
    return this.until(() => this.ended || this.closed, 'the end');
  }

  /** Shakes hands as a TLS server over the plaintext connection. */
  async startTls(pem: CertificatePem, options: TLSSocketOptions = {}): Promise<void> {
    const raw = this.socket;
    raw.pause();
    raw.removeAllListeners('data');
    raw.removeAllListeners('end');
    raw.removeAllListeners('close');
    // The handshake may have come in one segment with what was taken last.
    if (this.rest !== '') raw.unshift(Buffer.from(this.rest, 'latin1'));
    this.taken = this.received.length;
    const secured = new TLSSocket(raw, { isServer: true, key: pem.key, cert: pem.certificate, ...options });
    this.socket = secured;
    this.listen();
    await once(secured, 'secure');
  }

  private get rest(): string {
    return this.received.slice(this.taken);
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
    socket.on('error', () => this.look());
    socket.on('close', () => {
      this.closed = true;
      this.look();
    });
  }

  private look(): void {
    for (const each of this.waiting) each();
  }
}

export type Script = (connection: UpstreamConnection) => Promise<void>;

/** A server behind whose every octet the test decides. */
export class ScriptedUpstream implements AsyncDisposable {
  readonly connections: UpstreamConnection[] = [];
  /** What scripts threw; a test that wants none looks here. */
  readonly faults: string[] = [];
  private readonly server: Server;
  private script: Script;

  private constructor(server: Server, script: Script) {
    this.server = server;
    this.script = script;
    server.on('connection', (socket) => {
      const connection = new UpstreamConnection(socket);
      this.connections.push(connection);
      this.script(connection).catch((error: unknown) => this.faults.push(String(error)));
    });
  }

  static async listen(script: Script = smtpServer()): Promise<ScriptedUpstream> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const upstream = new ScriptedUpstream(server, script);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The latest connection; waits for it. */
  async connection(index = 0): Promise<UpstreamConnection> {
    while (this.connections[index] === undefined) await once(this.server, 'connection');
    return this.connections[index];
  }

  /** Other behaviour for the connections from now on. */
  behave(script: Script): void {
    this.script = script;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.server.close();
    if (this.server.listening) await once(this.server, 'close');
  }
}

export interface SmtpServerOptions {
  readonly greeting?: string;
  readonly keywords?: readonly string[];
  /** Offers and accepts STARTTLS with this certificate. */
  readonly tls?: CertificatePem;
  /** Another reply to a line; undefined for the usual one. Called with the whole line. */
  readonly answer?: (line: string) => string | undefined | Promise<string | undefined>;
  /** Whole bodies, end of data included, as they came. */
  readonly bodies?: string[];
}

export const defaultKeywords: readonly string[] = [
  'PIPELINING',
  'SIZE 10485760',
  '8BITMIME',
  'CHUNKING',
  'SMTPUTF8',
  'DSN',
  'ENHANCEDSTATUSCODES',
  'AUTH PLAIN LOGIN',
];

/** A well-behaved mail server that accepts everything. */
export function smtpServer(options: SmtpServerOptions = {}): Script {
  return async (connection) => {
    connection.send(`${options.greeting ?? '220 upstream.example ESMTP'}\r\n`);
    for (;;) {
      const line = await connection.line();
      if (line === undefined) {
        connection.fin();
        return;
      }
      const chosen = await options.answer?.(line);
      const reply = chosen ?? usualReply(line, options);
      const chunk = /^BDAT (\d+)/.exec(line)?.[1];
      if (chunk !== undefined) await connection.takeOctets(Number(chunk));
      connection.send(`${reply}\r\n`);
      if (line === 'DATA' && reply.startsWith('354')) {
        const body = await connection.take('\r\n.\r\n');
        if (body === undefined) return;
        options.bodies?.push(body);
        connection.send(`${(await options.answer?.('.')) ?? '250 2.0.0 queued'}\r\n`);
      }
      if (line === 'STARTTLS' && reply.startsWith('220') && options.tls !== undefined)
        await connection.startTls(options.tls);
      if (line === 'QUIT') {
        connection.fin();
        return;
      }
    }
  };
}

function usualReply(line: string, options: SmtpServerOptions): string {
  const keywords = [...(options.keywords ?? defaultKeywords), ...(options.tls === undefined ? [] : ['STARTTLS'])];
  switch (line.split(' ')[0]) {
    case 'EHLO':
      return ['upstream.example', ...keywords]
        .map((each, index, all) => `250${index + 1 === all.length ? ' ' : '-'}${each}`)
        .join('\r\n');
    case 'DATA':
      return '354 go ahead';
    case 'STARTTLS':
      return '220 2.0.0 ready';
    case 'QUIT':
      return '221 2.0.0 bye';
    case 'AUTH':
      return '235 2.7.0 welcome';
    default:
      return '250 2.0.0 ok';
  }
}
