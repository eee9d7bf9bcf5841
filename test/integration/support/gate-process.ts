import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MailEvent } from '../../../events/event.ts';

/** How often the events read so far are looked at. */
const LOOK_MS = 200;

const root = join(import.meta.dirname, '..', '..', '..');

/** A free port of loopback. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** The whole product as its user starts it: `postern start --config postern.yaml`. */
export class GateProcess implements AsyncDisposable {
  readonly directory: string;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory;
    this.#child = child;
    child.stdout?.on('data', (chunk) => this.#take(String(chunk)));
    child.stderr?.on('data', (chunk) => this.#take(String(chunk)));
  }

  /**
   * @param yaml - The configuration but for `dataDirectory`, which is given.
   * @param port - A port that must greet before this resolves; 0 waits for none.
   */
  static async start(yaml: (directory: string) => string, port: number): Promise<GateProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'postern-gate-'));
    const config = join(directory, 'postern.yaml');
    await writeFile(
      config,
      `dataDirectory: ${join(directory, 'data')}\nstore: {kind: none}\nweb: {kind: off}\n${yaml(directory)}`,
    );
    const child = spawn(process.execPath, [join(root, 'cli/main.ts'), 'start', '--config', config], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const gate = new GateProcess(directory, child);
    if (port !== 0) await gate.#untilAccepting(port);
    return gate;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The process of one of its parts; waits until it runs (again). */
  async pidOf(part: 'gate' | 'log', withinMs = 20_000): Promise<number> {
    for (const untilMs = performance.now() + withinMs; performance.now() < untilMs; ) {
      const pid = this.#runningPid(part);
      if (pid !== undefined) return pid;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no process of the ${part} runs: ${this.#output}`);
  }

  #runningPid(part: string): number | undefined {
    const pids = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'latin1').split(' ').filter(Boolean);
    const found = pids.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[2] === part);
    return found === undefined ? undefined : Number(found);
  }

  /** Everything it wrote to its terminal. */
  get output(): string {
    return this.#output;
  }

  #take(text: string): void {
    this.#output = (this.#output + text).slice(-200_000);
  }

  async #untilAccepting(port: number): Promise<void> {
    for (let attempt = 0; attempt < 150; attempt += 1) {
      if (this.#child.exitCode !== null) throw new Error(`the gate ended: ${this.#output}`);
      const accepting = await new Promise<boolean>((resolve) => {
        const socket = connect({ port, host: '127.0.0.1' });
        socket.once('connect', () => {
          resolve(true);
          socket.destroy();
        });
        socket.once('error', () => resolve(false));
      });
      if (accepting) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the gate does not accept connections: ${this.#output}`);
  }

  /** Every event recorded so far, read as a user would: `postern tail --json --from-start`. */
  async events(until: (events: readonly MailEvent[]) => boolean, withinMs = 20_000): Promise<readonly MailEvent[]> {
    const parameters = ['tail', '--json', '--from-start', '--config', join(this.directory, 'postern.yaml')];
    const child = spawn(process.execPath, [join(root, 'cli/main.ts'), ...parameters], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const events: MailEvent[] = [];
    let rest = '';
    let seen = 0;
    let looking: NodeJS.Timeout | undefined;
    const done = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`not in the log: ${JSON.stringify(events.slice(-20))}`)),
        withinMs,
      );
      child.stdout.on('data', (chunk) => {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) events.push(JSON.parse(line) as MailEvent);
      });
      // Now and then, not for each of a hundred thousand events.
      looking = setInterval(() => {
        if (events.length === seen) return;
        seen = events.length;
        if (!until(events)) return;
        clearTimeout(timer);
        resolve();
      }, LOOK_MS);
    });
    try {
      await done;
    } finally {
      clearInterval(looking);
      child.kill('SIGTERM');
    }
    return events;
  }

  /** Ends it as a service manager does, and waits. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const ended = new Promise<number | null>((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    return await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
