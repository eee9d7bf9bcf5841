import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { DATAGRAM_OCTETS_MAX, framed, MESSAGE_OCTETS_MAX } from '../syslog.ts';

/** How long a connection may take to be there, and what was written to be taken by the system, milliseconds. */
export const SEND_MS_MAX = 10_000;

/** A server that takes messages of syslog. */
export interface SyslogServer {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
}

/** Where messages go. */
export interface Sink extends AsyncDisposable {
  /** Octets of one message, at most. */
  readonly octetsMax: number;
  /** @returns Why they could not be sent, in one line. Over a stream the system has taken them; that the server read them nobody tells. */
  send(messages: readonly string[]): Promise<Result<undefined, string>>;
}

export const openSink = (server: SyslogServer): Sink =>
  server.transport === 'udp' ? new DatagramSink(server) : new StreamSink(server);

/** RFC 5426: each message a datagram. What is lost on the way is lost. */
class DatagramSink implements Sink {
  readonly octetsMax = DATAGRAM_OCTETS_MAX;
  private readonly server: SyslogServer;
  private readonly socket: DatagramSocket;

  constructor(server: SyslogServer) {
    this.server = server;
    this.socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
    // An answer that nobody listens there; the next message may find somebody.
    this.socket.on('error', () => undefined);
  }

  async send(messages: readonly string[]): Promise<Result<undefined, string>> {
    const { host, port } = this.server;
    for (const message of messages) {
      const fault = await new Promise<Error | null>((resolve) => this.socket.send(message, port, host, resolve));
      if (fault !== null) return err(messageOf(fault));
    }
    return ok(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(() => resolve()));
  }
}

/** RFC 6587 and RFC 5425: messages with their lengths on one connection, which is made anew when it is gone. */
class StreamSink implements Sink {
  readonly octetsMax = MESSAGE_OCTETS_MAX;
  private readonly server: SyslogServer;
  private socket: Socket | undefined;

  constructor(server: SyslogServer) {
    this.server = server;
  }

  async send(messages: readonly string[]): Promise<Result<undefined, string>> {
    try {
      this.socket ??= await this.dial();
      await write(this.socket, messages.map(framed).join(''));
      return ok(undefined);
    } catch (error) {
      this.socket?.destroy();
      this.socket = undefined;
      return err(messageOf(error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket?.end();
    this.socket = undefined;
  }

  private dial(): Promise<Socket> {
    const { transport, host, port } = this.server;
    const isSecure = transport === 'tls';
    const socket = isSecure
      ? connectTls({ host, port, ...(isName(host) ? { servername: host } : {}) })
      : connect({ host, port });
    socket.unref();
    socket.setNoDelay(true);
    // Nothing is expected from there: what comes is passed over, and an end is one.
    socket.resume();
    return within(socket, (done, failed) => {
      socket.once(isSecure ? 'secureConnect' : 'connect', () => done(socket));
      socket.once('error', failed);
      socket.once('close', () => {
        if (this.socket === socket) this.socket = undefined;
        failed(new Error('the connection was closed'));
      });
    });
  }
}

const isName = (host: string): boolean => /[a-z]/i.test(host) && !host.includes(':');

const write = (socket: Socket, text: string): Promise<void> =>
  within(socket, (done, failed) => {
    socket.write(text, (error) => {
      if (error === null || error === undefined) done();
      else failed(error);
    });
  });

/** @throws Where it fails, or takes too long. */
function within<T>(
  socket: Socket,
  begin: (done: (value: T) => void, failed: (error: Error) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${SEND_MS_MAX / 1000} s`));
    }, SEND_MS_MAX);
    begin(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
