import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../../lib/message-of.ts';
import { requestTimeouts } from '../../lib/request-timeouts.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { EventLog } from '../../log/event-log.ts';
import { LogUnavailable } from '../../log/log-unavailable.ts';
import { type Answer, jsonAnswer, NEVER_STORED, refusalAnswer, refused, securityHeaders } from '../answer.ts';
import { cookieHeader, type Role, tokenOfLogin, tokensIn } from '../credentials.ts';
import { STREAMS_MAX } from '../event-stream.ts';
import type { ConsolePorts } from '../ports.ts';
import { type ApiRoute, type Route, readRoute } from '../route.ts';
import { Api } from './api.ts';
import { readJson } from './body.ts';
import { EventStreams } from './event-streams.ts';
import type { PageFiles } from './page-files.ts';
import type { Tokens } from './tokens.ts';

/** Connections at once: every stream, and as many for questions. */
export const CONNECTIONS_MAX = 2 * STREAMS_MAX;
/** How long one request may take to arrive, milliseconds. */
export const REQUEST_TIMEOUT_MS = 10_000;

export interface ConsoleOptions {
  readonly address: string;
  readonly port: number;
  readonly tokens: Tokens;
  readonly page: PageFiles;
  readonly ports: ConsolePorts;
  readonly log: EventLog;
  trouble(what: string, details: object): void;
}

/** The console over HTTP. */
export class ConsoleServer implements AsyncDisposable {
  private readonly options: ConsoleOptions;
  private readonly api: Api;
  private readonly streams: EventStreams;
  private readonly server: Server;

  private constructor(options: ConsoleOptions) {
    this.options = options;
    const { ports, log, trouble } = options;
    this.api = new Api(ports);
    this.streams = new EventStreams(log, ports.filterOf, (error) =>
      trouble('the events cannot be followed', { fault: messageOf(error) }),
    );
    this.server = createServer(requestTimeouts(REQUEST_TIMEOUT_MS), (request, response) =>
      this.serve(request, response),
    );
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  /** @returns Why the port cannot be had, in one line. */
  static async open(options: ConsoleOptions): Promise<Result<ConsoleServer, string>> {
    const console = new ConsoleServer(options);
    const { server } = console;
    const { address: host, port, trouble } = options;
    const { promise, resolve } = Promise.withResolvers<Result<ConsoleServer, string>>();
    server.once('error', (error) => resolve(err(`cannot listen on ${host} port ${port}: ${messageOf(error)}`)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => trouble('the console cannot accept connections', { fault: messageOf(error) }));
      resolve(ok(console));
    });
    return promise;
  }

  get port(): number {
    const bound = this.server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.streams[Symbol.dispose]();
    this.server.close(() => resolve());
    this.server.closeAllConnections();
    return promise;
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    // Whoever leaves in the middle is no fault of ours.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    this.answer(request, response)
      .catch((error: unknown) => {
        if (error instanceof LogUnavailable)
          return refusalAnswer(refused(503, `The event log cannot be read now: ${error.message}.`));
        // What was asked may hold a token.
        this.options.trouble('the console failed to answer', { fault: messageOf(error) });
        return refusalAnswer(refused(500, 'That did not work: the log of the operator says why.'));
      })
      .then((answer) => {
        if (answer !== undefined) send(response, answer);
      })
      .catch(() => response.destroy());
  }

  /** @returns Undefined where a stream was begun. */
  private async answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    const route = readRoute(request.method ?? '', request.url ?? '');
    if (!route.ok) return refusalAnswer(route.error);
    switch (route.value.kind) {
      case 'home':
        return this.home(route.value, this.roleOf(request));
      case 'file':
        return (
          this.options.page.answer(route.value.name, request.headers['if-none-match']) ??
          refusalAnswer(refused(404, 'There is no such file.'))
        );
      case 'login':
        return this.login(request);
      default:
        return this.question(route.value, request, response);
    }
  }

  private roleOf({ headers }: IncomingMessage): Role | undefined {
    return this.options.tokens.roleOf(tokensIn(headers));
  }

  /** A link with a token becomes a cookie, so that the token does not stay in the address. */
  private home({ token }: Extract<Route, { kind: 'home' }>, role: Role | undefined): Answer {
    const { page, tokens } = this.options;
    if (token === undefined) return page.index(200);
    if (tokens.roleOf([token]) === undefined) return page.index(role === undefined ? 401 : 200);
    return { status: 303, headers: { ...NEVER_STORED, Location: '/', 'Set-Cookie': cookieHeader(token) }, body: '' };
  }

  private async login(request: IncomingMessage): Promise<Answer> {
    const body = await readJson(request);
    if (!body.ok) return refusalAnswer(body.error);
    const token = tokenOfLogin(body.value) ?? '';
    const role = this.options.tokens.roleOf([token]);
    if (role === undefined) return unauthorised();
    const answer = jsonAnswer({ role });
    return { ...answer, headers: { ...answer.headers, 'Set-Cookie': cookieHeader(token) } };
  }

  private async question(
    route: ApiRoute,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer | undefined> {
    const role = this.roleOf(request);
    if (role === undefined) return unauthorised();
    if (route.kind === 'events') {
      const refusal = await this.streams.open(route.parameters, response);
      return refusal === undefined ? undefined : refusalAnswer(refusal);
    }
    const body = route.kind === 'acts' ? await readJson(request) : ok(undefined);
    return body.ok ? this.api.answer(route, role, body.value) : refusalAnswer(body.error);
  }
}

const unauthorised = (): Answer => refusalAnswer(refused(401, 'A token is needed: `postern web --link` prints it.'));

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const length = status === 304 ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  response.writeHead(status, { ...securityHeaders, ...headers, ...length });
  response.end(body);
}
