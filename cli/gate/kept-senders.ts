import { createHmac } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import type { Senders } from '../../proxy/io/gate-host.ts';
import { writeWholeNow } from '../io/atomic-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { textOf } from '../io/text-of.ts';
import { SENDERS_MAX, SenderMemory } from './sender-memory.ts';

export const SENDER_KEY_OCTETS = 32;
/** Lines added before the file is begun anew: it never has more than three times the addresses remembered. */
export const LINES_ADDED_MAX = 2 * SENDERS_MAX;
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
      this.memory.addText(readFileSync(file, 'utf8'), nowMs);
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
      if (this.addedCount > this.linesAddedMax) this.beginAnew();
      else appendFileSync(this.file, line, { mode: 0o600 });
    });
  }

  hasSent(localPart: string, asciiDomain: string, wallMs: number): boolean | 'unavailable' {
    return this.memory.has(this.hashOf(localPart, asciiDomain), wallMs);
  }

  /** Without what is no longer needed. */
  private beginAnew(): void {
    this.addedCount = 0;
    writeWholeNow(this.file, this.memory.toText());
  }

  private keep(nowMs: number, write: () => void): void {
    try {
      write();
    } catch (error) {
      this.memory.lost(nowMs);
      if (!this.isTold)
        this.logger.warn({ reason: textOf(error) }, 'the senders of outgoing mail cannot be written down');
      this.isTold = true;
    }
  }

  /** Servers that bounce may change the case of a local part. */
  private hashOf(localPart: string, asciiDomain: string): string {
    const address = `${localPart.toLowerCase()}@${asciiDomain}`;
    return createHmac('sha256', this.key).update(address).digest('hex').slice(0, DIGITS);
  }
}
