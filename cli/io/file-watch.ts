import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How often files are looked at, milliseconds. Polling sees renames, links and network disks, which events of the system do not. */
export const WATCH_EVERY_MS = 1000;

/**
 * Looks at files, and tells of each change once the files stand still: all of them unchanged for one round. What is read after
 * a watch was made is what the watch knows, or a change that it will tell of.
 */
export class FileWatch implements Disposable {
  private readonly files: readonly string[];
  private readonly onChange: () => void;
  private readonly timer: NodeJS.Timeout;
  private told: string;
  private last: string;
  private isLooking = false;
  private isOver = false;

  constructor(files: readonly string[], onChange: () => void, everyMs = WATCH_EVERY_MS) {
    this.files = files;
    this.onChange = onChange;
    this.told = files.map(signNow).join('|');
    this.last = this.told;
    this.timer = setInterval(() => void this.look(), everyMs).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
    this.isOver = true;
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const signs = await Promise.all(this.files.map(signOf));
    this.isLooking = false;
    const now = signs.join('|');
    const isStill = now === this.last;
    this.last = now;
    if (!isStill || now === this.told || this.isOver) return;
    this.told = now;
    this.onChange();
  }
}

/** What changes when the content of a file does; empty for a file that is not there. */
const signIn = (stats: BigIntStats | undefined): string =>
  stats === undefined ? '' : `${stats.mtimeNs} ${stats.ctimeNs} ${stats.size} ${stats.ino} ${stats.dev}`;

async function signOf(file: string): Promise<string> {
  try {
    return signIn(await stat(file, { bigint: true }));
  } catch {
    return '';
  }
}

function signNow(file: string): string {
  try {
    return signIn(statSync(file, { bigint: true }));
  } catch {
    return '';
  }
}
