import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { dashboards } from '../../dashboards/all.ts';
import type { MailEvent } from '../../events/event.ts';
import { ATTACKER, decisions, HOSTILE_SID, hostileSession, rowsOf, settings, shownOf } from './console-data.ts';

const PAGE = join(import.meta.dirname, '../../console/page');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** Tokens that it takes, and whose they are. */
export const tokens = { 'token-of-a-viewer': 'viewer', 'token-of-an-operator': 'operator' } as const;
type Role = (typeof tokens)[keyof typeof tokens];

/** Stands in for `postern web`: serves the page, and answers its API with made-up data. */
export class ConsoleServer implements AsyncDisposable {
  /** Acts that were asked for, as the page sent them. */
  readonly acts: Record<string, unknown>[] = [];
  /** Addresses of all requests, in order. */
  readonly requests: string[] = [];
  /** Ids of decisions that were taken back. */
  private readonly undone = new Set<string>();
  private readonly streams = new Set<{ readonly response: ServerResponse; readonly query: URLSearchParams }>();
  private readonly server: Server;
  /** What the next request for panels fails with. */
  fault: string | undefined;

  private constructor() {
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async open(port = 0): Promise<ConsoleServer> {
    const console = new ConsoleServer();
    const { promise, resolve } = Promise.withResolvers<void>();
    console.server.listen({ host: '127.0.0.1', port }, resolve);
    await promise;
    return console;
  }

  get origin(): string {
    const bound = this.server.address();
    return `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  }

  /** Live tails that are open. */
  get streamCount(): number {
    return this.streams.size;
  }

  /** An event happens: every tail whose filter it passes gets it. */
  happen(event: MailEvent): void {
    const line = JSON.stringify(event);
    for (const { response, query } of this.streams) {
      const wanted = [query.get('text'), query.get('type'), query.get('rule'), query.get('ip')];
      if (wanted.every((each) => each === null || line.includes(each))) response.write(`data: ${line}\n\n`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.server.close(() => resolve());
    this.server.closeAllConnections();
    return promise;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://console');
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (url.pathname.startsWith('/app/')) {
      file(response, url.pathname.slice('/app/'.length));
      return;
    }
    const token = url.searchParams.get('token');
    if (url.pathname === '/' && token !== null && Object.hasOwn(tokens, token)) {
      response.writeHead(303, { ...HEADERS, location: '/', 'set-cookie': cookieOf(token) }).end();
      return;
    }
    if (url.pathname === '/') {
      file(response, 'index.html');
      return;
    }
    if (url.pathname === '/api/login') {
      const sent = JSON.parse(await text(request)) as { token?: string };
      if (!Object.hasOwn(tokens, sent.token ?? '')) json(response, 401, { error: 'the token is wrong' });
      else response.writeHead(204, { ...HEADERS, 'set-cookie': cookieOf(sent.token ?? '') }).end();
      return;
    }
    const role = roleOf(request);
    if (role === undefined) json(response, 401, { error: 'sign in first' });
    else await this.answerApi(request, response, url, role);
  }

  private async answerApi(request: IncomingMessage, response: ServerResponse, url: URL, role: Role): Promise<void> {
    const [, , what = '', first = '', second = ''] = url.pathname.split('/').map(decodeURIComponent);
    switch (what) {
      case 'me':
        return json(response, 200, { role, site: 'main', gate: 'gate-1', version: '0.1.0', history: true });
      case 'dashboards':
        return json(response, 200, dashboards.map(shownOf));
      case 'panels':
        return this.answerPanel(response, first, second, url.searchParams);
      case 'variables':
        return json(response, 200, {
          values: second === 'gate' ? ['gate-1', 'gate-2'] : ['relay.denied', 'helo.syntax'],
        });
      case 'events':
        return this.openStream(request, response, url.searchParams);
      case 'sessions':
        return json(response, 200, { events: first === HOSTILE_SID ? hostileSession : [] });
      case 'blocklist':
        return json(response, 200, { decisions: this.inForce().map((each) => ({ ...each, observed: false })) });
      case 'why':
        return this.answerWhy(response, first);
      case 'config':
        return json(response, 200, { settings });
      case 'acts':
        return this.act(request, response, role);
      default:
        return json(response, 404, { error: 'there is no such thing' });
    }
  }

  private inForce() {
    return decisions.filter(({ id }) => !this.undone.has(id));
  }

  private answerPanel(response: ServerResponse, uid: string, id: string, query: URLSearchParams): void {
    const panel = dashboards.find((each) => each.uid === uid)?.panels.find((each) => each.id === id);
    if (this.fault !== undefined) return json(response, 503, { error: this.fault });
    if (panel === undefined) return json(response, 404, { error: 'there is no such panel' });
    const chosen = new Map([...query].map(([name, value]) => [name.replace(/^var-/, ''), value]));
    const rows = rowsOf(panel, { from: Number(query.get('from')), to: Number(query.get('to')), chosen });
    return json(response, 200, { columns: panel.columns, rows });
  }

  private answerWhy(response: ServerResponse, subject: string): void {
    const about = decisions.filter(({ id, value }) => id === subject || value === subject);
    const isAttacker = subject === ATTACKER || about.some(({ value }) => value === ATTACKER);
    json(response, 200, {
      subject,
      modes: 'configuration',
      ip: about[0]?.value ?? subject,
      decisions: about.map((decision) => ({
        decision,
        isObserved: false,
        ...(this.undone.has(decision.id) ? { revokedBy: 'console: a mistake' } : {}),
      })),
      evidence: { [HOSTILE_SID]: hostileSession },
      sessions: isAttacker ? [hostileSession] : [],
      coverage: {
        fromMs: hostileSession[0]?.at ?? 0,
        source: 'log',
        note: 'Nothing older is in the log. No history is kept: `store.kind` is `none`.',
      },
    });
  }

  private openStream(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': open\n\n');
    const stream = { response, query };
    this.streams.add(stream);
    request.once('close', () => this.streams.delete(stream));
  }

  private async act(request: IncomingMessage, response: ServerResponse, role: Role): Promise<void> {
    const act = JSON.parse(await text(request)) as Record<string, unknown>;
    if (role !== 'operator') return json(response, 403, { error: 'a viewer cannot act' });
    if (act['reason'] === undefined || act['reason'] === '') return json(response, 400, { error: 'say why' });
    this.acts.push(act);
    const isEnded = (action: string): boolean =>
      act['act'] === 'disallow' ? action === 'allow' : act['act'] !== 'block' && action !== 'allow';
    for (const { id, value, action } of decisions) if (value === act['value'] && isEnded(action)) this.undone.add(id);
    return json(response, 200, { done: `${String(act['value'])}: done at gate-1` });
  }
}

const cookieOf = (token: string): string => `postern=${token}; HttpOnly; SameSite=Strict; Path=/`;

function roleOf({ headers }: IncomingMessage): Role | undefined {
  const token = /(?:^|; )postern=([^;]+)/.exec(headers.cookie ?? '')?.[1];
  return Object.entries(tokens).find(([known]) => known === token)?.[1];
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

function file(response: ServerResponse, name: string): void {
  const type = TYPES[extname(name)];
  if (type === undefined || !/^[a-z-]+\.[a-z]+$/.test(name)) return json(response, 404, { error: 'no such file' });
  response.writeHead(200, { ...HEADERS, 'content-type': type });
  response.end(readFileSync(join(PAGE, name)));
}
