import { chmodSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { err, ok, type Result } from '../../lib/result.ts';
import { clearSocketPath } from '../../log/io/socket-path.ts';
import { socketFaultText } from '../format/socket-fault.ts';
import { textOf } from './text-of.ts';

/** Longest request, octets, and longest answer. */
export const REQUEST_OCTETS_MAX = 4096;
export const ANSWER_OCTETS_MAX = 65_536;
/** How long either side waits for the other, milliseconds. */
export const LINE_TIMEOUT_MS = 5000;
/** Connections at once. */
export const LINE_CONNECTIONS_MAX = 16;

/** Answers one line with one line; it never rejects. */
export type Answer = (line: string) => Promise<string>;

/** A Unix socket of this user alone that answers one line with one line. */
export class LineServer implements AsyncDisposable {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(answer: Answer) {
    this.server = createServer((socket) => this.serve(socket, answer));
    this.server.maxConnections = LINE_CONNECTIONS_MAX;
  }

  /** @returns One line for the operator when the socket cannot be had, or another process answers on it. */
  static async open(path: string, answer: Answer): Promise<Result<LineServer, string>> {
    const cleared = await clearSocketPath(path);
    if (!cleared.ok) return err(socketFaultText(cleared.error));
    const line = new LineServer(answer);
    const { promise, resolve } = Promise.withResolvers<Result<LineServer, string>>();
    line.server.once('error', (error) => resolve(err(`${path}: ${textOf(error)}`)));
    // Nobody else may connect, not even for a moment.
    const mask = process.umask(0o177);
    try {
      line.server.listen(path, () => {
        chmodSync(path, 0o600);
        resolve(ok(line));
      });
    } catch (error) {
      resolve(err(`${path}: ${textOf(error)}`));
    } finally {
      process.umask(mask);
    }
    return promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.server.close(() => resolve());
    for (const socket of this.sockets) socket.destroy();
    return promise;
  }

  private serve(socket: Socket, answer: Answer): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    readLine(socket, REQUEST_OCTETS_MAX, (line) => {
      if (line.ok) void answer(line.value).then((text) => socket.end(`${text}\n`));
      else socket.destroy();
    });
  }
}

/** Asks one line of whoever owns the socket. */
export function askLine(path: string, request: string): Promise<Result<string, string>> {
  const { promise, resolve } = Promise.withResolvers<Result<string, string>>();
  const socket = createConnection(path, () => socket.write(`${request}\n`));
  readLine(socket, ANSWER_OCTETS_MAX, (line) => {
    socket.destroy();
    resolve(line);
  });
  return promise;
}

/** Calls back once: with the first line, or why there is none. */
function readLine(socket: Socket, octetsMax: number, done: (line: Result<string, string>) => void): void {
  let octets = Buffer.alloc(0);
  let isDone = false;
  const finish = (line: Result<string, string>): void => {
    if (isDone) return;
    isDone = true;
    done(line);
  };
  socket.setTimeout(LINE_TIMEOUT_MS, () => {
    finish(err('no answer in time'));
    socket.destroy();
  });
  socket.on('data', (chunk: Buffer) => {
    octets = Buffer.concat([octets, chunk]);
    const end = octets.indexOf('\n');
    if ((end === -1 ? octets.length : end) > octetsMax) finish(err('too long'));
    else if (end !== -1) finish(ok(octets.toString('utf8', 0, end)));
  });
  socket.on('error', (error) => finish(err(textOf(error))));
  socket.on('close', () => finish(err('no answer')));
}
