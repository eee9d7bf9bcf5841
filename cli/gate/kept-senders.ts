import { createHmac } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Senders } from '../../proxy/io/gate-host.ts';
import { writeWholeNow } from '../io/atomic-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { textOf } from '../io/text-of.ts';
import { SENDERS_MAX, SenderMemory } from './sender-memory.ts';

export const SENDER_KEY_OCTETS = 32;
/** Lines added before the file is begun anew: it never has more than three times the addresses remembered. */
export const LINES_ADDED_MAX = 2 * SENDERS_MAX;
/** How long lines wait for the disk, milliseconds. */
const SYNC_AFTER_MS = 1000;
/** In the mark of a file that was closed in good order. */
const CLOSED = 'closed';
/** Hexadecimal digits of a hash. */
const DIGITS = 16;

/**
 * The addresses with which mail went out, in a file that every new one is added to at once: one that a crash took away would
 * have its bounces refused. Nothing of it is in clear.
 */
export class KeptSenders implements Senders {
  private readonly memory: SenderMemory;
  private readonly file: string;
  private readonly key: Buffer;
  private readonly logger: OperatorLog;
  private readonly linesAddedMax: number;
  private isTold = false;
  /** The file has everything that the memory has. */
  private isWhole = false;
  private isSyncing = false;

  /** Lines added since the file was begun anew. */
  private addedCount = 0;

  /** Takes over what the file has. `key`: {@link SENDER_KEY_OCTETS}, of this site alone. */
  constructor(file: string, key: Buffer, logger: OperatorLog, linesAddedMax = LINES_ADDED_MAX) {
    const nowMs = Date.now();
    this.memory = new SenderMemory(nowMs);
    this.file = file;
    this.key = key;
    this.logger = logger;
    this.linesAddedMax = linesAddedMax;
    try {
      this.memory.addText(readFileSync(file, 'utf8'), (mark) => this.isOurs(mark), nowMs);
    } catch {
      // A first start, or a lost file: for a week nothing is said to be forged.
    }
    this.keep(nowMs, () => this.beginAnew());
  }

  note(localPart: string, asciiDomain: string, wallMs: number): void {
    const line = this.memory.note(this.hashOf(localPart, asciiDomain), wallMs);
    if (line === undefined) return;
    this.keep(wallMs, () => {
      this.addedCount += 1;
      // After a loss the file must say so before anything is added to it.
      if (this.addedCount > this.linesAddedMax || !this.isWhole) this.beginAnew();
      else this.append(line);
    });
  }

  hasSent(localPart: string, asciiDomain: string, wallMs: number): boolean | 'unavailable' {
    return this.memory.has(this.hashOf(localPart, asciiDomain), wallMs);
  }

  /** Nothing comes any more. */
  close(): void {
    this.keep(Date.now(), () => this.beginAnew(this.markOf(CLOSED)));
  }

  /** Without what is no longer needed. */
  private beginAnew(mark = this.markOf(bootId())): void {
    this.addedCount = 0;
    writeWholeNow(this.file, this.memory.toText(mark));
    this.isWhole = true;
  }

  /** On the disk within a moment: mail does not wait for it. */
  private append(line: string): void {
    appendFileSync(this.file, line, { mode: 0o600 });
    if (this.isSyncing) return;
    this.isSyncing = true;
    void syncLater(this.file).finally(() => {
      this.isSyncing = false;
    });
  }

  /** Under another secret every address is another one; and where the machine went down the last lines may be missing. */
  private isOurs(mark: string): boolean {
    return mark === this.markOf(CLOSED) || mark === this.markOf(bootId());
  }

  private markOf(state: string): string {
    return `${createHmac('sha256', this.key).update('mark').digest('hex').slice(0, DIGITS)}-${state}`;
  }

  private keep(nowMs: number, write: () => void): void {
    try {
      write();
    } catch (error) {
      this.memory.lost(nowMs);
      this.isWhole = false;
      this.forget();
      if (!this.isTold)
        this.logger.warn({ reason: textOf(error) }, 'the senders of outgoing mail cannot be written down');
      this.isTold = true;
    }
  }

  /** What is on the disk says more than is true: a start that read it would take addresses that sent for ones that did not. */
  private forget(): void {
    try {
      rmSync(this.file, { force: true });
    } catch {
      // It is told already that nothing can be written there.
    }
  }

  /** Servers that bounce may change the case of a local part. */
  private hashOf(localPart: string, asciiDomain: string): string {
    const address = `${localPart.toLowerCase()}@${asciiDomain}`;
    return createHmac('sha256', this.key).update(address).digest('hex').slice(0, DIGITS);
  }
}

/** What is written while this waits goes with it. */
async function syncLater(file: string): Promise<void> {
  await sleep(SYNC_AFTER_MS, undefined, { ref: false });
  try {
    await using handle = await open(file, 'r');
    await handle.datasync();
  } catch {
    // The lines are with the system; if the machine goes down with them, the mark tells.
  }
}

/** Another one after each start of the machine; where the system does not say, after each start of this program. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return String(process.pid);
  }
}
