import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { freePorts } from '../../cli/demo/free-ports.ts';
import { until } from './postern.ts';
import { Site } from './site.ts';

/** Where the files of the page are. */
export const pageDirectory = fileURLToPath(new URL('../../console/page/', import.meta.url));

/** The whole product with its console, and a browser's requests. */
export class TestConsole {
  readonly site: Site;
  readonly viewer: string;
  readonly operator: string;
  readonly url: string;

  private constructor(site: Site, url: string) {
    this.site = site;
    this.url = url;
    const token = (name: string): string => readFileSync(join(site.data, 'web', name), 'utf8').trim();
    this.viewer = token('viewer.token');
    this.operator = token('operator.token');
  }

  static async open(change: Record<string, unknown> = {}): Promise<TestConsole> {
    const site = await Site.open({ web: { kind: 'on', port: 0 }, ...change });
    const running = await site.start();
    const address = (): string | undefined =>
      running.lines.map(({ msg }) => /^the console is at (http:\S+)$/.exec(msg)?.[1]).find((url) => url !== undefined);
    return new TestConsole(
      site,
      await until(
        () => address(),
        () => running.stderr,
      ),
    );
  }

  /** With a store that the console can find. */
  static async withStore(): Promise<TestConsole> {
    const [port] = await freePorts(1);
    const console = await TestConsole.open({ store: { kind: 'chdb', http: { port } } });
    await console.site.process.line('the store keeps the history');
    return console;
  }

  fetch(path: string, token: string | undefined = this.viewer, options: RequestInit = {}): Promise<Response> {
    const authorization: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` };
    return fetch(`${this.url}${path}`, {
      redirect: 'manual',
      ...options,
      headers: { ...authorization, ...options.headers },
    });
  }

  /** The JSON of an answer with its status. */
  // biome-ignore lint/suspicious/noExplicitAny: what a browser gets is JSON
  async get(path: string, token?: string): Promise<{ readonly status: number; readonly value: any }> {
    const response = await this.fetch(path, token);
    return { status: response.status, value: await response.json() };
  }

  async post(path: string, body: unknown, token = this.operator): Promise<{ status: number; value: unknown }> {
    const headers = { 'content-type': 'application/json' };
    const response = await this.fetch(path, token, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, value: await response.json() };
  }

  /** A live tail; its events as they come. */
  async follow(query = ''): Promise<LiveTail> {
    const tail = new LiveTail(await this.fetch(`/api/events${query}`));
    onTestFinished(() => tail.close());
    await until(
      () => (tail.text.includes(': follows') ? true : undefined),
      () => 'the tail to follow',
    );
    return tail;
  }
}

/** A stream of events as a browser reads it. */
export class LiveTail {
  text = '';
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor({ body }: Response) {
    if (body === null) throw new Error('an answer without a body');
    this.reader = body.getReader();
    void this.read();
  }

  get events(): readonly Record<string, unknown>[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json));
  }

  async close(): Promise<void> {
    await this.reader.cancel().catch(() => undefined);
  }

  private async read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for (let part = await this.reader.read(); !part.done; part = await this.reader.read())
        this.text += decoder.decode(part.value, { stream: true });
    } catch {
      // The server has dropped it.
    }
  }
}
