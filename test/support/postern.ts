import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** Longest time a test waits for one thing, milliseconds. */
const PATIENCE_MS = 30_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end. */
export async function postern(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  const running = new Postern(args, options);
  await running.closed;
  return { code: running.code, stdout: running.stdout, stderr: running.stderr };
}

/** One line of the operator's log. */
export interface OperatorLine {
  readonly part: string;
  readonly pid: number;
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A command that goes on until it is told to end. All of its processes go with the test. */
export class Postern {
  stdout = '';
  stderr = '';
  readonly closed: Promise<unknown>;
  private readonly process: ChildProcess;

  constructor(
    args: readonly string[],
    { cwd, env, main = MAIN }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly main?: string } = {},
  ) {
    this.process = spawn(process.execPath, [main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.closed = once(this.process, 'close');
    onTestFinished(() => this.killAll());
  }

  get code(): number | null {
    return this.process.exitCode;
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    await this.closed;
    return this.code;
  }

  /** The lines of the operator's log so far. */
  get lines(): readonly OperatorLine[] {
    return this.stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  }

  /** Waits for the line of that message, behind the first `after` lines; more than one of them may be there already. */
  line(message: string, after = 0): Promise<OperatorLine> {
    return this.lineWith((msg) => msg === message, message, after);
  }

  /** Waits for a line whose message begins so. */
  beginning(message: string): Promise<OperatorLine> {
    return this.lineWith((msg) => msg.startsWith(message), message, 0);
  }

  private lineWith(isIt: (msg: string) => boolean, what: string, after: number): Promise<OperatorLine> {
    return until(
      () => this.lines.slice(after).find(({ msg }) => isIt(msg)),
      () => `"${what}" in:\n${this.stderr}`,
    );
  }

  private killAll(): void {
    const { pid } = this.process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  }
}

/** Asks again and again until there is something. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: () => string,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  for (const started = performance.now(); performance.now() - started < patienceMs; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error(`not seen in time: ${what()}`);
}
