import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../../cli/demo/free-ports.ts';
import { jarsOf } from '../../../scripts/kafka/jars.ts';

const ZOOKEEPER_VERSION = '3.9.3';
const POM = fileURLToPath(new URL('zookeeper-pom.xml', import.meta.url));
/** Longest time until it serves, milliseconds: two seconds on an idle machine. */
const START_MS_MAX = 60_000;
const HEAP_MIB = 128;
/** Longest time until it says what it is, milliseconds. */
const ANSWER_MS_MAX = 1000;

/** Programs that it needs. */
export const zooKeeperNeeds: readonly string[] = ['java', 'mvn', 'setpriv'];

/** One server of Apache ZooKeeper on a free port of the loopback, in a folder that goes with it. */
export class ZooKeeper implements AsyncDisposable {
  readonly port: number;
  private readonly folder: string;
  private readonly jars: string;
  private process: ChildProcess | undefined;

  private constructor(folder: string, port: number, jars: string) {
    this.folder = folder;
    this.port = port;
    this.jars = jars;
  }

  /** Fetches what is not there yet. Resolves when it serves. */
  static async start(): Promise<ZooKeeper> {
    const jars = await jarsOf('zookeeper', ZOOKEEPER_VERSION, POM);
    const folder = mkdtempSync(join(tmpdir(), 'postern-zookeeper-'));
    const [port = 0] = await freePorts(1);
    const settings = [
      'tickTime=500',
      `dataDir=${join(folder, 'data')}`,
      `clientPort=${port}`,
      'clientPortAddress=127.0.0.1',
      // Another port, which nobody asks.
      'admin.enableServer=false',
      // Sessions as long as ClickHouse asks for, and as short.
      'minSessionTimeout=1000',
      'maxSessionTimeout=60000',
    ];
    writeFileSync(join(folder, 'zoo.cfg'), `${settings.join('\n')}\n`);
    const server = new ZooKeeper(folder, port, jars);
    try {
      await server.restart();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** Starts it on what it has and where it was; it is killed first if it runs. Resolves when it serves. */
  async restart(): Promise<void> {
    await this.kill();
    const output = openSync(join(this.folder, 'output'), 'a');
    const options = [`-Xmx${HEAP_MIB}m`, '-XX:+UseSerialGC', '-cp', join(this.jars, '*')];
    const main = ['org.apache.zookeeper.server.quorum.QuorumPeerMain', 'zoo.cfg'];
    // It goes with the test that started it, however that ends.
    const bound = ['setpriv', '--pdeathsig', 'KILL'];
    const [program = '', ...rest] = [...bound, 'java', ...options, ...main];
    const child = spawn(program, rest, {
      cwd: this.folder,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    this.process = child;
    for (const startedMs = performance.now(); !(await serves(this.port)); await setTimeout(100)) {
      if (child.exitCode !== null || performance.now() - startedMs > START_MS_MAX)
        throw new Error(`ZooKeeper did not start:\n${readFileSync(join(this.folder, 'output'), 'utf8')}`);
    }
  }

  /** SIGKILL; resolves when nothing of it is left. */
  async kill(): Promise<void> {
    const child = this.process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** It says what it is when it serves, and otherwise that it does not yet. */
async function serves(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  // One that is starting may leave the question unanswered.
  socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
  try {
    await once(socket, 'connect');
    socket.write('srvr');
    return (await text(socket)).startsWith('Zookeeper version');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
