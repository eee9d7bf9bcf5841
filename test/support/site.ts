import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { decodeEvent } from '../../events/codec.ts';
import type { EventByType, EventType, MailEvent } from '../../events/event.ts';
import { Postern, until } from './postern.ts';
import { RawClient } from './raw-client.ts';
import { ScriptedUpstream, type SmtpServerOptions, smtpServer } from './scripted-upstream.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The whole product in front of a server behind, as `postern start` runs it. */
export class Site {
  readonly folder = temporaryDirectory();
  readonly upstream: ScriptedUpstream;
  /** The configuration; {@link write} puts it into the file. */
  config: Record<string, unknown>;
  private running: Postern | undefined;

  private constructor(upstream: ScriptedUpstream) {
    this.upstream = upstream;
    this.config = {
      hostname: 'gate.example.com',
      gate: 'gate-1',
      dataDirectory: 'data',
      listeners: [{ role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0 }],
      upstreams: { default: { host: '127.0.0.1', port: upstream.port } },
      domains: { names: ['example.com'] },
      http: { port: 0 },
      // Tests of theirs have them.
      store: { kind: 'none' },
      web: { kind: 'off' },
      shutdownGraceMs: 1000,
    };
  }

  static async open(change: Record<string, unknown> = {}, server: SmtpServerOptions = {}): Promise<Site> {
    const upstream = await ScriptedUpstream.listen(smtpServer(server));
    onTestFinished(() => upstream[Symbol.asyncDispose]());
    const site = new Site(upstream);
    Object.assign(site.config, change);
    return site;
  }

  get file(): string {
    return join(this.folder, 'postern.yaml');
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  get process(): Postern {
    if (this.running === undefined) throw new Error('it was not started');
    return this.running;
  }

  write(change: Record<string, unknown> = {}): void {
    writeFileSync(this.file, stringify({ ...this.config, ...change }));
  }

  async start(env: NodeJS.ProcessEnv = {}): Promise<Postern> {
    this.write();
    this.running = new Postern(['start', '--config', this.file], { env });
    await this.running.line('metrics and health');
    await this.running.line('listening');
    return this.running;
  }

  /** Where the gate listens now: the last line of that message counts, since a gate may have been started again. */
  get port(): number {
    return this.portIn('listening');
  }

  private portIn(message: string): number {
    return Number(this.process.lines.findLast(({ msg }) => msg === message)?.['port']);
  }

  /** A client that was greeted and greeted back. */
  async client(): Promise<RawClient> {
    const client = await RawClient.connect(this.portIn('listening'));
    onTestFinished(() => client.destroy());
    expect(await client.code()).toBe(220);
    expect(await client.say('EHLO c.example.net')).toBe(250);
    return client;
  }

  /** The code that a forward-path of a new client gets. */
  async rcpt(forwardPath: string): Promise<number> {
    const client = await this.client();
    expect(await client.say('MAIL FROM:<a@example.net>')).toBe(250);
    const code = await client.say(`RCPT TO:<${forwardPath}>`);
    client.destroy();
    return code;
  }

  async send(forwardPath = 'b@example.com', client?: RawClient): Promise<number> {
    const sender = client ?? (await this.client());
    expect(await sender.say('MAIL FROM:<a@example.net>')).toBe(250);
    expect(await sender.say(`RCPT TO:<${forwardPath}>`)).toBe(250);
    expect(await sender.say('DATA')).toBe(354);
    return sender.say('Subject: x\r\n\r\nhello\r\n.');
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.portIn('metrics and health')}${path}`);
  }

  /** Every event in the log, each once, in the order of time. */
  async events(): Promise<readonly MailEvent[]> {
    const tail = new Postern(['tail', '--data', this.data, '--from-start', '--json']);
    let seen = -1;
    await until(
      async () => {
        const isStill = seen === tail.stdout.length && seen > 0;
        seen = tail.stdout.length;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return isStill ? true : undefined;
      },
      () => `events from postern tail: ${tail.stderr}`,
    );
    expect(await tail.stop()).toBe(0);
    return tail.stdout
      .trim()
      .split('\n')
      .map((line) => {
        const event = decodeEvent(line);
        if (!event.ok) throw new Error(`${JSON.stringify(event.error)}: ${line}`);
        return event.value;
      });
  }

  async of<T extends EventType>(type: T): Promise<readonly EventByType<T>[]> {
    return (await this.events()).filter((event): event is EventByType<T> => event.type === type);
  }
}
