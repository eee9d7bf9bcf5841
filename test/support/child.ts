import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** A process of our own that a test can kill. */
export class Child {
  /** What it has said so far. */
  readonly lines: string[] = [];
  readonly #process: ChildProcessByStdio<null, Readable, null>;

  private constructor(script: string, args: readonly string[], fileOctetsMax: number | undefined) {
    const path = fileURLToPath(new URL(`./processes/${script}`, import.meta.url));
    const command = [process.execPath, path, ...args];
    // Without the trap the signal of the limit would end the process; with it the write fails.
    const limit = `trap '' XFSZ; ulimit -f ${Math.floor((fileOctetsMax ?? 0) / 1024)}; exec "$@"`;
    const [program = '', ...rest] = fileOctetsMax === undefined ? command : ['bash', '-c', limit, 'bash', ...command];
    this.#process = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => this.kill());
  }

  /**
   * Starts `test/support/processes/<script>` and waits for its first line.
   *
   * @param fileOctetsMax - No file that it writes can become longer: what a disk that fails is like.
   */
  static async start(script: string, args: readonly string[], fileOctetsMax?: number): Promise<Child> {
    const child = new Child(script, args, fileOctetsMax);
    const reader = createInterface({ input: child.#process.stdout });
    reader.on('line', (line) => child.lines.push(line));
    await once(reader, 'line');
    return child;
  }

  /** SIGKILL; resolves when nothing of it is left and all it said has been read. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await closed;
  }

  /** Any other signal. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }
}
