import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { freePorts } from '../../cli/demo/free-ports.ts';
import { encodeEvent, partitionKeyOf } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import { type EventLog, type LogRecord, type Stream, streams } from '../../log/event-log.ts';
import { type KafkaLog, openKafkaLog } from '../../log/io/kafka-log.ts';
import { connectLog } from '../../log/io/log-client.ts';
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
  machine(
    name: string,
    only: string,
    change: Record<string, unknown> = {},
    options: { readonly env?: NodeJS.ProcessEnv } = {},
  ): Machine {
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
    return new Machine(
      file,
      join(this.folder, name),
      new Postern(['start', '--config', file, '--only', only], options),
    );
  }

  /** The log that all machines have in common. */
  log(): Promise<KafkaLog> {
    return openLogUnder(this.kafka.brokers, this.prefix);
  }

  gate(name: string): Machine {
    return this.machine(name, 'log,ship,gate');
  }

  /** Analyzers and history. */
  async center(
    only = 'analyze,store',
    change: Record<string, unknown> = {},
    options: { readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<Machine> {
    const [port] = await freePorts(1);
    return this.machine('center', only, { store: { kind: 'chdb', http: { port } }, ...change }, options);
  }
}

/** The log that brokers have under a prefix, until the end of the test. */
export async function openLogUnder(brokers: readonly string[], prefix: string): Promise<KafkaLog> {
  const place = { clientId: 'test', brokers, prefix };
  const retentionMs = Object.fromEntries(streams.map((stream) => [stream, DAY_MS])) as Record<Stream, number>;
  const opened = await openKafkaLog({ place, topics: { partitionCount: 4, replicas: 1, retentionMs } });
  if (!opened.ok) throw new Error(opened.error);
  onTestFinished(() => opened.value[Symbol.asyncDispose]());
  return opened.value;
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

  /** Appends events to the log of this machine, as its gate does; `pauseMs` after so many of them. */
  async append(events: Iterable<MailEvent>, { batch = 500, pauseMs = 0 } = {}): Promise<void> {
    const socketPath = join(this.data, 'run', 'log.sock');
    await using client = connectLog({ socketPath, patienceMs: 60_000, subscribe: false });
    let records: LogRecord[] = [];
    const flush = async (): Promise<void> => {
      expect((await client.append(records)).ok).toBe(true);
      records = [];
      await setTimeout(pauseMs);
    };
    for (const event of events) {
      records.push({ stream: 'postern.events', key: partitionKeyOf(event) ?? '', payload: encodeEvent(event) });
      if (records.length === batch) await flush();
    }
    if (records.length > 0) await flush();
  }

  /** Asks the history of this machine; `away` where it cannot be asked. */
  async ask(sql: string): Promise<string> {
    const url = /http:\S+/.exec((await this.process.beginning('the history is at')).msg)?.[0] ?? '';
    const password = readFileSync(join(this.data, 'store', 'http.key'), 'utf8').trim();
    const authorization = `Basic ${Buffer.from(`postern:${password}`).toString('base64')}`;
    try {
      const answer = await fetch(url, { method: 'POST', headers: { authorization }, body: sql });
      return (await answer.text()).trim();
    } catch {
      return 'away';
    }
  }

  /** The code of the greeting for an address. */
  async greeting(ip: string): Promise<number> {
    const client = await this.connect(ip);
    const code = await client.code();
    client.destroy();
    return code;
  }
}

/** Said by a part that was quicker than the log of its machine. */
const NOT_THERE_YET = 'the event log is not there yet';

/** What a part of a machine warned of, or worse: each line with its fault. A machine that is slow to start is none. */
export const faultsOf = ({ process: { lines } }: Machine, of: string): readonly string[] =>
  lines.flatMap(({ part, level, msg, fault }) =>
    part === of && level >= 40 && msg !== NOT_THERE_YET ? [`${msg}: ${String(fault)}`] : [],
  );

/** How many events of a type, and of addresses that begin so, are in a log. */
export async function eventsIn(log: EventLog, type: string, ip = ''): Promise<number> {
  const isOne = (payload: string): boolean =>
    payload.includes(`"type":"${type}"`) && (ip === '' || payload.includes(`"ip":"${ip}`));
  let count = 0;
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    const { first, next } = await log.bounds('postern.events', partition);
    for (let from = first; from < next; ) {
      const page = await log.read('postern.events', partition, from, 1000);
      count += page.records.filter(({ payload }) => isOne(payload)).length;
      from = page.nextOffset;
    }
  }
  return count;
}

/** Guesses addresses until the gate ends it, or so many times. @returns The last code. */
export async function harvest(gate: Machine, ip: string, from = 0, times = 9): Promise<number> {
  const client = await gate.connect(ip);
  if ((await client.code()) !== 220) return 421;
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@spam.example>']) expect(await client.say(line)).toBe(250);
  let code = 0;
  for (let count = 0; count < times && code !== 421; count += 1) {
    client.send(`RCPT TO:<guess${from + count}@example.com>\r\n`);
    code = await client.code();
    await setTimeout(150);
  }
  client.destroy();
  return code;
}
