import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from '../../proxy/io/logger.ts';

/** Delay before a part is started again, milliseconds: it doubles with each death up to the longest. */
export const RESTART_DELAY_MS_MIN = 250;
export const RESTART_DELAY_MS_MAX = 30_000;
/** A part that lived this long starts again with the shortest delay, milliseconds. */
export const STABLE_AFTER_MS = 60_000;
/** How long a part may take to end beyond what it was given, milliseconds; then it is killed. */
export const STOP_MARGIN_MS = 10_000;

/** What a part tells its supervisor. */
export interface Ready {
  readonly kind: 'ready';
}

/** What a supervisor tells a part; a second time: at once. */
export interface Stop {
  readonly kind: 'stop';
}

/** One child process. */
export interface Part {
  readonly name: string;
  /** Arguments of Node. */
  readonly argv: readonly string[];
  /** Mail does not depend on it: it is started again even if it never was ready. */
  readonly isSpare?: boolean;
  /** How long it may take to end when asked, milliseconds. */
  readonly stopMs: () => number;
}

export interface SupervisorOptions {
  /** In the order in which they are started; they are stopped in the opposite order, one after the other. */
  readonly parts: readonly Part[];
  readonly logger: Logger;
}

/** Delay before the next start of a part that died `deaths` times in a row, milliseconds. */
export const restartDelayMs = (deaths: number): number =>
  Math.min(RESTART_DELAY_MS_MAX, RESTART_DELAY_MS_MIN * 2 ** Math.min(deaths - 1, 20));

/** A part and its process. */
class Running {
  readonly part: Part;
  /** The process, while there is one. */
  child: ChildProcess | undefined;
  /** Some process of it was ready once. */
  wasReady = false;
  /** Its present process is. */
  isReady = false;
  /** A signal for when it is. */
  pending: NodeJS.Signals | undefined;
  deaths = 0;
  /** It was asked to end. */
  isAsked = false;
  startedAtMs = 0;
  timer: NodeJS.Timeout | undefined;
  /** Called when the process has ended. */
  onEnd: (() => void) | undefined;

  constructor(part: Part) {
    this.part = part;
  }
}

/**
 * Runs the parts of Postern as child processes, and starts one that dies again. A part that ends before it was ever ready has
 * something to say to the operator: then everything ends with its exit code.
 */
export class Supervisor {
  private readonly running: readonly Running[];
  private readonly logger: Logger;
  private readonly ended = Promise.withResolvers<number>();
  private stopping: Promise<void> | undefined;

  constructor({ parts, logger }: SupervisorOptions) {
    this.running = parts.map((part) => new Running(part));
    this.logger = logger;
  }

  /** Starts all parts. @returns The exit code, once everything has ended. */
  run(): Promise<number> {
    for (const part of this.running) this.start(part);
    return this.ended.promise;
  }

  /** Passes a signal on to one part, as soon as it is ready for it. */
  signal(name: string, signal: NodeJS.Signals): void {
    const running = this.running.find(({ part }) => part.name === name);
    if (running === undefined) return;
    if (running.isReady) running.child?.kill(signal);
    else running.pending = signal;
  }

  /** Ends all parts, the last one first, so that what it still says is heard by those before it. */
  stop(exitCode: number): Promise<void> {
    this.stopping ??= this.stopAll(exitCode);
    return this.stopping;
  }

  /** Asks the part that is ending now once more: at once, without waiting for its sessions. */
  hurry(): void {
    for (const { child, isAsked } of this.running) if (child !== undefined && isAsked) askToStop(child);
  }

  /** Ends all parts without asking. */
  kill(): void {
    for (const { child } of this.running) child?.kill('SIGKILL');
  }

  private async stopAll(exitCode: number): Promise<void> {
    for (const { timer } of this.running) clearTimeout(timer);
    for (const each of this.running.toReversed()) await this.stopOne(each);
    this.ended.resolve(exitCode);
  }

  private async stopOne(running: Running): Promise<void> {
    const { child, part } = running;
    if (child === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    running.onEnd = resolve;
    running.isAsked = true;
    askToStop(child);
    const timer = setTimeout(() => {
      this.logger.error({ name: part.name }, 'a part does not end and is killed');
      child.kill('SIGKILL');
    }, part.stopMs() + STOP_MARGIN_MS);
    await promise;
    clearTimeout(timer);
  }

  private start(running: Running): void {
    const { part } = running;
    const child = spawn(process.execPath, part.argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    running.child = child;
    running.startedAtMs = performance.now();
    child.on('message', (message: unknown) => {
      if (isReady(message)) this.ready(running);
    });
    child.on('error', (error) => this.logger.error({ err: error, name: part.name }, 'a part cannot be started'));
    // Without a process (it could not be started) there is no `exit`.
    child.on('close', (code, signal) => this.over(running, code, signal));
  }

  private ready(running: Running): void {
    running.wasReady = true;
    running.isReady = true;
    if (running.pending !== undefined) running.child?.kill(running.pending);
    running.pending = undefined;
  }

  private over(running: Running, code: number | null, signal: NodeJS.Signals | null): void {
    const { part, wasReady } = running;
    running.child = undefined;
    running.isReady = false;
    running.onEnd?.();
    if (this.stopping !== undefined) return;
    if (!wasReady && part.isSpare !== true) {
      void this.stop(code ?? 1);
      return;
    }
    const livedMs = performance.now() - running.startedAtMs;
    running.deaths = livedMs >= STABLE_AFTER_MS ? 1 : running.deaths + 1;
    const delayMs = restartDelayMs(running.deaths);
    this.logger.error({ name: part.name, code, signal, delayMs }, 'a part died and is started again');
    running.timer = setTimeout(() => this.start(running), delayMs);
  }
}

function askToStop(child: ChildProcess): void {
  const stop: Stop = { kind: 'stop' };
  // Where it has just ended there is nobody to ask.
  if (child.connected) child.send(stop, () => undefined);
}

const isReady = (message: unknown): message is Ready =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready';
