import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { type ConnectionHost, LogConnection } from './log-connection.ts';
import { clearSocketPath, type SocketPathFault } from './socket-path.ts';
import type { SqliteLog } from './sqlite-log.ts';

/** Clients of one log process at a time; more are turned away. */
export const CONNECTIONS_MAX = 64;

export interface LogServerOptions {
  readonly log: SqliteLog;
  /** The socket gets mode 0600; its directory is made with mode 0700, and must have no other. */
  readonly socketPath: string;
  /** Default {@link CONNECTIONS_MAX}. */
  readonly connectionsMax?: number;
}

/** Why the log cannot be served. */
export type ServeFault =
  | SocketPathFault
  | { readonly kind: 'unusable'; readonly path: string; readonly reason: string };

/** Numbers of a server at work, for health and metrics. */
export interface LogServerStatus {
  readonly connectionCount: number;
  /** Connections ended because their client did not keep to the protocol. */
  readonly malformedCount: number;
  /** Connections turned away because there were too many. */
  readonly refusedCount: number;
}

/** Serves a log to other processes of this host over a Unix socket. The log itself is closed by whoever opened it. */
export async function serveLog(options: LogServerOptions): Promise<Result<LogServer, ServeFault>> {
  const path = options.socketPath;
  try {
    const cleared = await clearSocketPath(path);
    if (!cleared.ok) return cleared;
    const server = new LogServer(options);
    try {
      await server.listen(path);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return ok(server);
  } catch (error) {
    return err({ kind: 'unusable', path, reason: messageOf(error) });
  }
}

export class LogServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Set<LogConnection>();
  readonly #host: ConnectionHost;
  readonly #unlisten: () => void;
  #malformedCount = 0;
  #refusedCount = 0;

  constructor({ log, connectionsMax = CONNECTIONS_MAX }: LogServerOptions) {
    this.#host = {
      log,
      ended: (connection, malformed) => {
        this.#connections.delete(connection);
        if (malformed) this.#malformedCount += 1;
      },
    };
    this.#server = createServer({ highWaterMark: 262_144 }, (socket) => this.#accept(socket));
    this.#server.maxConnections = connectionsMax;
    this.#server.on('drop', () => {
      this.#refusedCount += 1;
    });
    this.#unlisten = log.wakeups.listen((streams) => {
      for (const connection of this.#connections) connection.wake(streams);
    });
  }

  get status(): LogServerStatus {
    return {
      connectionCount: this.#connections.size,
      malformedCount: this.#malformedCount,
      refusedCount: this.#refusedCount,
    };
  }

  /** Rejects if it cannot. */
  async listen(path: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(path, resolve);
    await promise;
    this.#server.off('error', reject);
    // Out of file descriptors, say: clients try again, and those that are connected go on.
    this.#server.on('error', () => undefined);
    chmodSync(path, 0o600);
  }

  /** Ends every connection; clients resend what was not acknowledged to whoever serves the log next. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unlisten();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const connection of this.#connections) connection.destroy();
    await promise;
  }

  #accept(socket: Socket): void {
    this.#connections.add(new LogConnection(socket, this.#host));
  }
}
