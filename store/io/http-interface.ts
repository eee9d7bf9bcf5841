import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../../lib/message-of.ts';
import { requestTimeouts } from '../../lib/request-timeouts.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { contentTypeOf } from '../formats.ts';
import { type Credentials, type QueryHead, queryText, readHead } from '../http-request.ts';
import type { QueryLimits } from '../http-settings.ts';
import { nativeForRevision } from '../native.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { compressed, readBody } from './http-body.ts';
import { ReadPool } from './read-pool.ts';
import { type Answer, type Reading, read } from './reader.ts';

/** Connections at once. */
export const CONNECTIONS_MAX = 64;
/** Octets of the head of a request, its address among them. */
export const HEAD_OCTETS_MAX = 65_536;
/** How long one request may take to arrive, milliseconds. */
export const REQUEST_MS_MAX = 10_000;
/** How long an answer may take to be fetched, milliseconds: until then it holds the place of a query. */
export const ANSWER_MS_MAX = 60_000;

export interface HttpInterfaceOptions {
  readonly address: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly credentials: Credentials;
  /** Of the embedded database, which is open in this process. */
  readonly directory: string;
  readonly database: string;
  readonly limits: QueryLimits;
  /** Of connections that cannot be accepted. */
  readonly trouble: (what: string, details: object) => void;
  /** Default: {@link REQUEST_MS_MAX}. */
  readonly requestMsMax?: number;
  /** Default: {@link ANSWER_MS_MAX}. */
  readonly answerMsMax?: number;
}

/** The HTTP interface of ClickHouse, to read from the embedded database: GET and POST with a query, and `/ping`. */
export class HttpInterface implements AsyncDisposable {
  private readonly options: HttpInterfaceOptions;
  private readonly server: Server;
  private readonly pool = new ReadPool();
  private readonly expected: { readonly username: Buffer; readonly password: Buffer };

  /** Of the engine, which takes that of the machine. */
  private readonly timezone: string;

  private constructor(options: HttpInterfaceOptions, timezone: string) {
    this.options = options;
    this.timezone = timezone;
    const { credentials, requestMsMax = REQUEST_MS_MAX } = options;
    this.expected = { username: digestOf(credentials.username), password: digestOf(credentials.password) };
    this.server = createServer(
      { ...requestTimeouts(requestMsMax), maxHeaderSize: HEAD_OCTETS_MAX },
      (request, response) => {
        void this.serve(request, response);
      },
    );
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  /** @returns One line for the operator when the port cannot be had, or the database not be read. */
  static async open(options: HttpInterfaceOptions): Promise<Result<HttpInterface, string>> {
    const { address, port, trouble } = options;
    const timezone = await read(options, timezoneReading, new AbortController().signal);
    if (!timezone.ok) return err(timezone.error.text);
    const made = new HttpInterface(options, Buffer.from(timezone.value.octets).toString('utf8').trim());
    const { promise, resolve } = Promise.withResolvers<Result<HttpInterface, string>>();
    made.server.once('error', (error) => resolve(err(`cannot listen on ${address} port ${port}: ${error.message}`)));
    made.server.listen({ host: address, port }, () => {
      made.server.removeAllListeners('error');
      made.server.on('error', (error) => trouble('connections to the history cannot be accepted', { err: error }));
      resolve(ok(made));
    });
    return promise;
  }

  get port(): number {
    const bound = this.server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  /** Ends connections, and with them their queries. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.server.close(() => resolve());
    this.server.closeAllConnections();
    await Promise.all([promise, this.pool.idle()]);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that goes away in the middle is no fault of ours.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      const served = await this.answer(request, response);
      if (!served.ok) refuse(response, served.error);
    } catch (error) {
      this.options.trouble('a query of the history failed', { fault: messageOf(error) });
      refuse(response, refusal.unavailable);
    }
    // What has not been read of a body that was too long is not read any more.
    if (!request.complete) response.once('finish', () => request.destroy());
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<Result<undefined, Refusal>> {
    const head = readHead(request.method ?? '', request.url ?? '', request.headers);
    if (!head.ok) return head;
    if (head.value.kind === 'ping') {
      response.writeHead(200, { 'content-type': 'text/html; charset=UTF-8' }).end('Ok.\n');
      return ok(undefined);
    }
    const query = head.value;
    if (!this.isKnown(query.credentials)) return err(refusal.authentication);
    const body = await readBody(request, query.bodyCoding);
    if (!body.ok) return body;
    const sql = queryText(query, body.value);
    if (!sql.ok) return sql;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    if (response.destroyed) gone.abort();
    const isWanted = (): boolean => !gone.signal.aborted;
    return this.pool.run(async () => {
      const answer = await read(this.options, { ...query, sql: sql.value }, gone.signal);
      if (!answer.ok) return answer;
      const octets = octetsFor(query, answer.value);
      if (octets === undefined) return err(refusal.nativeType);
      await this.send(response, query, { ...answer.value, octets }, request.method === 'HEAD');
      return ok(undefined);
    }, isWanted);
  }

  /** Takes as long for a name that is wrong in its first letter as for one that is right. */
  private isKnown({ username, password }: Credentials): boolean {
    const isUser = timingSafeEqual(digestOf(username), this.expected.username);
    const isPassword = timingSafeEqual(digestOf(password), this.expected.password);
    return isUser && isPassword;
  }

  /** Resolves once it has been fetched, or the client is gone, or took too long. */
  private async send(response: ServerResponse, query: QueryHead, answer: Answer, isHead: boolean): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => response.destroy(), this.options.answerMsMax ?? ANSWER_MS_MAX);
    response.once('close', resolve);
    const octets = await compressed(answer.octets, query.answerCoding);
    if (response.destroyed) resolve();
    response.writeHead(200, {
      'content-type': contentTypeOf(answer.format),
      'content-length': octets.length,
      'cache-control': 'no-store',
      ...(query.answerCoding === 'identity' ? {} : { 'content-encoding': query.answerCoding }),
      'x-clickhouse-format': answer.format,
      'x-clickhouse-query-id': query.queryId ?? randomUUID(),
      'x-clickhouse-timezone': query.settings.get('session_timezone') || this.timezone,
      'x-clickhouse-summary': summaryOf(answer),
    });
    response.end(isHead ? undefined : octets);
    await closed;
    clearTimeout(timer);
  }
}

const none: ReadonlyMap<string, string> = new Map();
const timezoneReading: Reading = {
  sql: 'SELECT timezone()',
  parameters: none,
  settings: none,
  database: undefined,
  format: 'TSVRaw',
};

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Native is of the revision that the client says it is of. */
function octetsFor({ settings }: QueryHead, { format, octets }: Answer): Uint8Array | undefined {
  const revision = Number(settings.get('client_protocol_version') ?? 0);
  return format === 'Native' && revision > 0 ? nativeForRevision(octets, revision) : octets;
}

const summaryOf = ({ rows, octets, elapsedSeconds }: Answer): string =>
  JSON.stringify({
    read_rows: String(rows),
    read_bytes: String(octets.length),
    written_rows: '0',
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: String(rows),
    result_bytes: String(octets.length),
    elapsed_ns: String(Math.round(elapsedSeconds * 1e9)),
  });

function refuse(response: ServerResponse, { status, code, text }: Refusal): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': 'text/plain; charset=UTF-8',
    'cache-control': 'no-store',
    'x-clickhouse-exception-code': code,
    'x-clickhouse-format': 'TabSeparated',
  });
  response.end(`${text}\n`);
}
