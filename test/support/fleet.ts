import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { freePorts } from '../../cli/demo/free-ports.ts';
import { type Stream, streams } from '../../log/event-log.ts';
import { type KafkaLog, openKafkaLog } from '../../log/io/kafka-log.ts';
import { Postern } from './postern.ts';
import { RawClient } from './raw-client.ts';
import { ScriptedUpstream, smtpServer } from './scripted-upstream.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const DAY_MS = 86_400_000;

/** A mail server behind that knows nobody whose name begins with `guess`. */
const answer = (line: string): string | undefined =>
  line.startsWith('RCPT') && line.includes('guess') ? '550 5.1.1 no such user' : undefined;

type KafkaSettings = Readonly<Record<string, unknown>> & { readonly brokers: readonly string[] };

/** Gates on machines of their own, and one machine with analyzers and history, with Kafka between them. */
export class Fleet {
  readonly prefix = `${randomBytes(4).toString('hex')}.`;
  private readonly folder = temporaryDirectory();
  private readonly kafka: KafkaSettings;
  private readonly upstream: ScriptedUpstream;
  private readonly secretFile: string;

  private constructor(kafka: KafkaSettings, upstream: ScriptedUpstream) {
    this.kafka = kafka;
    this.upstream = upstream;
    this.secretFile = join(this.folder, 'site.key');
    writeFileSync(this.secretFile, randomBytes(32), { mode: 0o600 });
  }

  /** `settings`: others in `log.kafka`. */
  static async open(brokers: readonly string[], settings: Record<string, unknown> = {}): Promise<Fleet> {
    const upstream = await ScriptedUpstream.listen(smtpServer({ answer }));
    onTestFinished(() => upstream[Symbol.asyncDispose]());
    return new Fleet({ brokers, ...settings }, upstream);
  }

  /** Starts the parts of one machine. Its configuration and data are in a folder of its name. */
  machine(name: string, only: string, change: Record<string, unknown> = {}): Machine {
    const file = join(this.folder, `${name}.yaml`);
    const config = {
      hostname: `${name}.example.com`,
      gate: name,
      dataDirectory: join(this.folder, name),
      listeners: [
        { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
      ],
      upstreams: { default: { host: '127.0.0.1', port: this.upstream.port } },
      domains: { names: ['example.com'] },
      networks: { balancers: ['127.0.0.1'] },
      limits: { slowDelayMs: 10 },
      watch: { documentationRanges: true, scenarios: { 'recipient-harvest': 'enforce' } },
      log: { kind: 'kafka', kafka: { prefix: this.prefix, partitions: 4, replicas: 1, ...this.kafka } },
      privacy: { secretFile: this.secretFile },
      http: { port: 0 },
      store: { kind: 'none' },
      web: { kind: 'off' },
      shutdownGraceMs: 1000,
      ...change,
    };
    writeFileSync(file, stringify(config));
    return new Machine(file, join(this.folder, name), new Postern(['start', '--config', file, '--only', only]));
  }

  /** The log that all machines have in common. */
  async log(): Promise<KafkaLog> {
    const place = { clientId: 'test', brokers: this.kafka.brokers, prefix: this.prefix };
    const retentionMs = Object.fromEntries(streams.map((stream) => [stream, DAY_MS])) as Record<Stream, number>;
    const opened = await openKafkaLog({ place, topics: { partitionCount: 4, replicas: 1, retentionMs } });
    if (!opened.ok) throw new Error(opened.error);
    onTestFinished(() => opened.value[Symbol.asyncDispose]());
    return opened.value;
  }

  gate(name: string): Machine {
    return this.machine(name, 'log,ship,gate');
  }

  /** Analyzers and history. */
  async center(only = 'analyze,store', change: Record<string, unknown> = {}): Promise<Machine> {
    const [port] = await freePorts(1);
    return this.machine('center', only, { store: { kind: 'chdb', http: { port } }, ...change });
  }
}

/** What runs on one machine. */
export class Machine {
  readonly file: string;
  readonly data: string;
  readonly process: Postern;

  constructor(file: string, data: string, process: Postern) {
    this.file = file;
    this.data = data;
    this.process = process;
  }

  /** A client that a balancer says is at an address, before its greeting. */
  async connect(ip: string): Promise<RawClient> {
    const { port } = await this.process.line('listening');
    const client = await RawClient.connect(Number(port));
    onTestFinished(() => client.destroy());
    client.send(`PROXY TCP4 ${ip} 192.0.2.1 4242 25\r\n`);
    return client;
  }

  /** Sends one mail, which the server behind accepts. @returns How long all of it took, milliseconds. */
  async mail(ip: string): Promise<number> {
    const startedMs = performance.now();
    const client = await this.connect(ip);
    expect(await client.code()).toBe(220);
    for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>'])
      expect(await client.say(line)).toBe(250);
    expect(await client.say('DATA')).toBe(354);
    expect(await client.say('Subject: x\r\n\r\ny\r\n.')).toBe(250);
    client.destroy();
    return performance.now() - startedMs;
  }

  /** The code of the greeting for an address. */
  async greeting(ip: string): Promise<number> {
    const client = await this.connect(ip);
    const code = await client.code();
    client.destroy();
    return code;
  }
}
