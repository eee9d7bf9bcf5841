import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { requestTimeouts } from '../../lib/request-timeouts.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Logger } from '../../proxy/io/logger.ts';
import { textOf } from './text-of.ts';

/** Connections at once. */
export const HTTP_CONNECTIONS_MAX = 64;
/** How long one request may take to arrive, milliseconds. */
const REQUEST_MS_MAX = 10_000;

export interface HttpServerOptions {
  readonly address: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Default: {@link REQUEST_MS_MAX}. */
  readonly requestMsMax?: number;
}

/** One answer. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Answers GET requests for a few paths. */
export class HttpServer implements AsyncDisposable {
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  /** @returns One line for the operator when the port cannot be had. */
  static open(
    { address, port, requestMsMax = REQUEST_MS_MAX }: HttpServerOptions,
    pages: ReadonlyMap<string, () => Promise<Page>>,
    logger: Logger,
  ): Promise<Result<HttpServer, string>> {
    const server = createServer(requestTimeouts(requestMsMax), (request, response) => {
      void answer(request, response, pages, logger);
    });
    server.maxConnections = HTTP_CONNECTIONS_MAX;
    const { promise, resolve } = Promise.withResolvers<Result<HttpServer, string>>();
    server.once('error', (error) => resolve(err(`http: cannot listen on ${address} port ${port}: ${textOf(error)}`)));
    server.listen({ host: address, port }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => logger.error({ err: error }, 'http connections cannot be accepted'));
      resolve(ok(new HttpServer(server)));
    });
    return promise;
  }

  get port(): number {
    const bound = this.server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.server.close(() => resolve());
    this.server.closeAllConnections();
    return promise;
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: ReadonlyMap<string, () => Promise<Page>>,
  logger: Logger,
): Promise<void> {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const page = pages.get(request.url?.split('?', 1)[0] ?? '');
  if (!isRead || page === undefined) {
    response.writeHead(isRead ? 404 : 405, { 'content-type': 'text/plain' });
    response.end(isRead ? 'not found\n' : 'only GET\n');
    return;
  }
  try {
    const { status, type, body } = await page();
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(body);
  } catch (error) {
    logger.error({ err: error }, 'a page of metrics or health failed');
    response.writeHead(500, { 'content-type': 'text/plain' });
    response.end('failed\n');
  }
}
