import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '../../cli/demo/free-ports.ts';
import { type BrokerListener, type BrokerPlace, loggingProperties, serverProperties } from './broker-files.ts';
import { kafkaJars } from './jars.ts';

/** Longest time until a broker takes connections, milliseconds: four seconds on an idle machine. */
const START_MS_MAX = 90_000;
const HEAP_MIB = 384;

export interface ClusterOptions {
  /** Default: 1. */
  readonly brokers?: number;
  /** Default: the one that tests run against. */
  readonly version?: string;
  /** Ways in besides the port that asks for nothing, which brokers use among themselves. */
  readonly listeners?: readonly BrokerListener[];
  /** Who may come in by SCRAM. */
  readonly users?: readonly ScramUser[];
  /** Lines added to every `server.properties`. */
  readonly properties?: readonly string[];
}

export interface ScramUser {
  readonly name: string;
  readonly password: string;
}

interface Broker {
  readonly place: BrokerPlace;
  readonly folder: string;
  process: ChildProcess | undefined;
}

/** Apache Kafka on free ports of loopback, in a folder that goes with it. */
export class KafkaCluster implements AsyncDisposable {
  private readonly folder: string;
  private readonly jars: string;
  private readonly brokers: readonly Broker[];
  private readonly listeners: readonly BrokerListener[];

  private constructor(folder: string, jars: string, brokers: readonly Broker[], listeners: readonly BrokerListener[]) {
    this.folder = folder;
    this.jars = jars;
    this.brokers = brokers;
    this.listeners = listeners;
  }

  /** Fetches what is not there yet, formats storage, and waits until every broker takes connections. */
  static async start(options: ClusterOptions = {}): Promise<KafkaCluster> {
    const { brokers: count = 1, version, listeners = [], users = [], properties = [] } = options;
    const jars = await kafkaJars(version);
    const folder = mkdtempSync(join(tmpdir(), 'postern-kafka-'));
    const perBroker = 2 + listeners.length;
    const ports = await freePorts(perBroker * count);
    const places = Array.from({ length: count }, (_, index): BrokerPlace => {
      const [port = 0, controllerPort = 0, ...listenerPorts] = ports.slice(index * perBroker, (index + 1) * perBroker);
      const dataDirectory = join(folder, String(index + 1), 'data');
      return { id: index + 1, port, controllerPort, listenerPorts, dataDirectory };
    });
    const brokers = places.map((place) => ({ place, folder: join(folder, String(place.id)), process: undefined }));
    const cluster = new KafkaCluster(folder, jars, brokers, listeners);
    for (const { place, folder: own } of brokers) {
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, 'log4j2.properties'), loggingProperties);
      writeFileSync(
        join(own, 'server.properties'),
        [serverProperties(place, places, listeners), ...properties, ''].join('\n'),
      );
    }
    await cluster.format(users);
    await Promise.all(brokers.map(({ place }) => cluster.startBroker(place.id)));
    return cluster;
  }

  /** `host:port` of every broker. */
  get addresses(): readonly string[] {
    return this.brokers.map(({ place }) => `127.0.0.1:${place.port}`);
  }

  /** `host:port` of every broker, by one of the ways in that it was started with. */
  addressesBy(name: string): readonly string[] {
    const index = this.listeners.findIndex((listener) => listener.name === name);
    return this.brokers.map(({ place }) => `127.0.0.1:${place.listenerPorts[index]}`);
  }

  /** Starts a broker that does not run. Resolves when it takes connections. */
  async startBroker(id: number): Promise<void> {
    const broker = this.broker(id);
    const child = spawn('java', [...this.javaOptions(broker), 'kafka.Kafka', 'server.properties'], {
      cwd: broker.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    broker.process = child;
    for (const output of [child.stdout, child.stderr])
      output?.on('data', (chunk: Buffer) => appendFileSync(join(broker.folder, 'output'), chunk));
    const ports = [broker.place.port, ...broker.place.listenerPorts];
    for (const startedMs = performance.now(); ; await setTimeout(100)) {
      if ((await Promise.all(ports.map(isOpen))).every(Boolean)) return;
      if (child.exitCode !== null || performance.now() - startedMs > START_MS_MAX)
        throw new Error(`broker ${id} of Kafka did not start:\n${this.outputOf(id)}`);
    }
  }

  /** A signal for a broker: SIGKILL, or SIGSTOP and SIGCONT to freeze it for a while. */
  signal(id: number, name: NodeJS.Signals): void {
    this.broker(id).process?.kill(name);
  }

  /** Kills a broker at once. */
  async kill(id: number): Promise<void> {
    const { process: child } = this.broker(id);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** What a broker printed: warnings and errors. */
  outputOf(id: number): string {
    try {
      return readFileSync(join(this.broker(id).folder, 'output'), 'utf8');
    } catch {
      return '';
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.brokers.map(({ place }) => this.kill(place.id)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private broker(id: number): Broker {
    const found = this.brokers.find(({ place }) => place.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  /** Storage of KRaft: one broker is a quorum of its own, several are named to each other. */
  private async format(users: readonly ScramUser[]): Promise<void> {
    const [first] = this.brokers;
    if (first === undefined) throw new Error('a cluster has a broker');
    const clusterId = await this.tool(first, ['random-uuid']);
    const directoryIds = await Promise.all(this.brokers.map(() => this.tool(first, ['random-uuid'])));
    const quorum =
      this.brokers.length === 1
        ? ['--standalone']
        : [
            '--initial-controllers',
            this.brokers
              .map(({ place }, index) => `${place.id}@127.0.0.1:${place.controllerPort}:${directoryIds[index]}`)
              .join(','),
          ];
    const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
      users.flatMap(({ name, password }) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`]),
    );
    for (const broker of this.brokers)
      await this.tool(broker, ['format', ...quorum, ...scram, '-t', clusterId, '-c', 'server.properties']);
  }

  private async tool(broker: Broker, args: readonly string[]): Promise<string> {
    const options = this.javaOptions(broker);
    const { stdout } = await promisify(execFile)('java', [...options, 'kafka.tools.StorageTool', ...args], {
      cwd: broker.folder,
    });
    return stdout.trim().split('\n').at(-1) ?? '';
  }

  private javaOptions({ folder }: Broker): readonly string[] {
    const logging = `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`;
    return [`-Xms${HEAP_MIB / 2}m`, `-Xmx${HEAP_MIB}m`, '-XX:+UseG1GC', logging, '-cp', join(this.jars, '*')];
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
