import { stat } from 'node:fs/promises';

/** How often files are looked at, milliseconds. Polling sees renames, links and network disks, which events of the system do not. */
export const WATCH_EVERY_MS = 1000;

/** Looks at files, and tells of each change once the files stand still: all of them unchanged for one round. */
export class FileWatch implements Disposable {
  private readonly files: readonly string[];
  private readonly onChange: () => void;
  private readonly timer: NodeJS.Timeout;
  private told: string | undefined;
  private last: string | undefined;
  private looking = false;

  constructor(files: readonly string[], onChange: () => void, everyMs = WATCH_EVERY_MS) {
    this.files = files;
    this.onChange = onChange;
    this.timer = setInterval(() => void this.look(), everyMs);
    this.timer.unref();
    void this.look();
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    const signs = await Promise.all(this.files.map(signOf));
    this.looking = false;
    const now = signs.join('|');
    const isFirst = this.told === undefined;
    const isStill = now === this.last;
    this.last = now;
    if (isFirst) this.told = now;
    else if (isStill && now !== this.told) {
      this.told = now;
      this.onChange();
    }
  }
}

/** What changes when the content of a file does; empty for a file that is not there. */
async function signOf(file: string): Promise<string> {
  try {
    const { mtimeNs, size, ino, dev } = await stat(file, { bigint: true });
    return `${mtimeNs} ${size} ${ino} ${dev}`;
  } catch {
    return '';
  }
}
