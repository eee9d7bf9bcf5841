import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../../cli/demo/free-ports.ts';
import { describeNeeds } from '../needs.ts';
import { textOf } from '../packaging.ts';

/** Has the library of chDB for this kind of machine. */
const PACKAGE = '@chdb/lib-linux-x64-gnu';
const LIBRARY = fileURLToPath(new URL(`../../../node_modules/${PACKAGE}/libchdb.so`, import.meta.url));
const LAUNCHER = fileURLToPath(new URL('server.py', import.meta.url));
/** Longest time until a server answers, milliseconds: one second on an idle machine. */
const START_MS_MAX = 30_000;
/** Characters of what a server printed that an error shows. */
const OUTPUT_LENGTH_MAX = 4000;

/** What a server of ClickHouse needs, as names of programs and packages. */
const needs: readonly string[] = ['python3', ...(existsSync(LIBRARY) ? [] : [PACKAGE])];

/** A `describe` whose title says why its tests are skipped where there is no ClickHouse. `more`: programs that it needs besides. */
export function describeClickHouse(title: string, body: () => void, more: readonly string[] = []): void {
  describeNeeds([...needs, ...more], title, body);
}

/** Passwords of the users of docker-compose.yml. */
export const composePasswords = {
  CLICKHOUSE_STORE_PASSWORD: 'of the store',
  CLICKHOUSE_READER_PASSWORD: "of the 'reader': ü",
  CLICKHOUSE_GRAFANA_PASSWORD: 'of Grafana',
} as const;

/** The users of docker-compose.yml, and one whom this process alone can be, without a password. */
export function usersOfCompose(): string {
  const text = textOf('packaging/compose/clickhouse/users.xml');
  // A server merges the file with one of its own; here it stands alone.
  const without = '<default remove="remove"/>';
  const user =
    '<default><no_password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>';
  if (!text.includes(without)) throw new Error(`users.xml does not say ${without}`);
  return text
    .replace(without, user)
    .replace('<profiles>', '<profiles><default/>')
    .replace('</clickhouse>', '<quotas><default/></quotas></clickhouse>');
}

export interface ClickHouseOptions {
  /** Text of users.xml. Default: the user `default`, without a password. */
  readonly users?: string;
  /** Variables that users.xml takes passwords from. */
  readonly environment?: Readonly<Record<string, string>>;
  /** One of several servers that replicate tables to each other: its name (the macro `replica`), and the port of their ZooKeeper. */
  readonly replica?: { readonly name: string; readonly zooKeeperPort: number };
}

/** A server of ClickHouse on a free port of the loopback, in a folder that goes with it. */
export class ClickHouseServer implements AsyncDisposable {
  readonly port: number;
  private readonly folder: string;
  private readonly options: ClickHouseOptions;
  private process: ChildProcess | undefined;

  private constructor(folder: string, port: number, options: ClickHouseOptions) {
    this.folder = folder;
    this.port = port;
    this.options = options;
  }

  /** Resolves when it answers. */
  static async start(options: ClickHouseOptions = {}): Promise<ClickHouseServer> {
    const server = await ClickHouseServer.prepare(options);
    try {
      await server.restart();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** A server that {@link restart} starts. */
  static async prepare(options: ClickHouseOptions = {}): Promise<ClickHouseServer> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-clickhouse-'));
    const [port = 0] = await freePorts(1);
    if (options.users !== undefined) writeFileSync(join(folder, 'users.xml'), options.users);
    writeFileSync(join(folder, 'config.xml'), configurationOf(folder, port, options));
    return new ClickHouseServer(folder, port, options);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it printed: errors. */
  get output(): string {
    return readFileSync(join(this.folder, 'output'), 'utf8');
  }

  /** SIGKILL; resolves when nothing of it is left. */
  async kill(): Promise<void> {
    const child = this.process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** SIGSTOP and SIGCONT freeze it for a while. */
  signal(name: NodeJS.Signals): void {
    this.process?.kill(name);
  }

  /** Starts it on what it has and where it was; it is killed first if it runs. Resolves when it answers. */
  async restart(): Promise<void> {
    await this.kill();
    const output = openSync(join(this.folder, 'output'), 'a');
    const replicaPort = this.options.replica === undefined ? 0 : this.port;
    const files = [`--config-file=${join(this.folder, 'config.xml')}`, `--path=${join(this.folder, 'data')}`];
    const child = spawn('python3', [LAUNCHER, realpathSync(LIBRARY), String(replicaPort), ...files], {
      cwd: this.folder,
      stdio: ['ignore', output, output],
      env: { ...process.env, ...this.options.environment },
    });
    closeSync(output);
    this.process = child;
    for (const startedMs = performance.now(); !(await this.isThere()); await setTimeout(50)) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() - startedMs > START_MS_MAX)
        throw new Error(`ClickHouse did not start:\n${this.output.slice(-OUTPUT_LENGTH_MAX)}`);
    }
  }

  /** What it had is gone; it does not run. */
  loseDisk(): void {
    rmSync(join(this.folder, 'data'), { recursive: true, force: true });
  }

  /** What a statement gives to the user `default`, as text. */
  async query(sql: string): Promise<string> {
    const answer = await fetch(this.url, { method: 'POST', body: sql });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${text.trim()} in ${sql}`);
    return text;
  }

  /** The rows of a statement without a format. */
  async rows<Row = Record<string, unknown>>(sql: string): Promise<readonly Row[]> {
    const text = await this.query(`${sql} FORMAT JSONEachRow`);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async isThere(): Promise<boolean> {
    try {
      await this.query('SELECT 1');
      return true;
    } catch {
      return false;
    }
  }
}

function configurationOf(folder: string, port: number, { users, replica }: ClickHouseOptions): string {
  const elements = [
    `<http_port>${port}</http_port>`,
    '<listen_host>127.0.0.1</listen_host>',
    '<logger><level>error</level><console_log_level>error</console_log_level><console>1</console></logger>',
  ];
  if (users !== undefined) elements.push(`<users_config>${join(folder, 'users.xml')}</users_config>`);
  if (replica !== undefined)
    elements.push(
      // There the launcher has it listen to the other replicas.
      '<listen_host>127.0.0.2</listen_host>',
      `<macros><shard>1</shard><replica>${replica.name}</replica></macros>`,
      // How long what could not be fetched from one that was killed is left alone: a minute otherwise.
      '<merge_tree><max_postpone_time_for_failed_replicated_fetches_ms>500</max_postpone_time_for_failed_replicated_fetches_ms></merge_tree>',
      `<zookeeper>
        <node><host>127.0.0.1</host><port>${replica.zooKeeperPort}</port></node>
        <!-- So long one that was killed is taken for alive. -->
        <session_timeout_ms>8000</session_timeout_ms>
        <!-- A server takes a session under its own UUID for one it has left behind, and all of them have the same one here. -->
        <sessions_path>/clickhouse/sessions/${replica.name}</sessions_path>
      </zookeeper>`,
    );
  return `<clickhouse>\n${elements.join('\n')}\n</clickhouse>\n`;
}
