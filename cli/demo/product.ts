import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** How long the product may take to stop before it is killed, milliseconds. */
export const STOP_MS_MAX = 10_000;
/** Octets of its messages that are kept for the case that it fails. */
export const MESSAGES_OCTETS_MAX = 65_536;

/**
 * `postern start` as a process of its own, as a postmaster would run it. It leads a process group, so that Ctrl-C ends the
 * demo first, and the whole group can be killed if the demo ends without having stopped it.
 */
export class Product implements AsyncDisposable {
  /** The last of what it wrote to stderr and stdout. */
  messages = '';
  /** Resolves when it has ended, for whatever reason. */
  readonly exited: Promise<unknown>;
  readonly #process: ChildProcess;

  constructor(configFile: string) {
    this.#process = spawn(process.execPath, [MAIN, 'start', '--config', configFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.exited = once(this.#process, 'exit');
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.messages = (this.messages + text).slice(-MESSAGES_OCTETS_MAX);
      });
    }
    process.on('exit', this.#kill);
  }

  /** SIGHUP: it reads its configuration again. */
  hangUp(): void {
    this.#process.kill('SIGHUP');
  }

  get hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Stops it in order, or kills it when that takes too long. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasExited) {
      this.#process.kill('SIGTERM');
      const impatience = setTimeout(this.#kill, STOP_MS_MAX);
      await this.exited;
      clearTimeout(impatience);
    }
    this.#kill();
    process.off('exit', this.#kill);
  }

  /** Whoever is left of the group, whether its leader is there or not. */
  readonly #kill = (): void => {
    if (this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  };
}
