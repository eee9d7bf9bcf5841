import { hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { jsonOf } from '../../lib/json.ts';

const DAY_MS = 86_400_000;
const KEY_OCTETS = 32;
/** Days that are stepped over one by one; after more a new key is begun. */
export const RATCHET_DAYS_MAX = 3660;

const kept = z.object({ day: z.int().nonnegative(), key: z.hex().length(KEY_OCTETS * 2) });

/**
 * A key of the day: each day's is derived from the day's before, which is then erased, from memory and from the file. Whoever
 * gets the file today can make today's fingerprints, and none of yesterday's. Gates that begin with one file agree for ever.
 */
export class CredentialRatchet {
  private readonly file: string;
  private readonly onTrouble: (reason: string) => void;
  private day: number;
  private key: Buffer;

  /** Goes on from the file, or begins a key where there is none that can be read. */
  constructor(file: string, nowMs: number, onTrouble: (reason: string) => void) {
    this.file = file;
    this.onTrouble = onTrouble;
    const before = read(file);
    this.day = before?.day ?? Math.floor(nowMs / DAY_MS);
    this.key = before === undefined ? randomBytes(KEY_OCTETS) : Buffer.from(before.key, 'hex');
    if (before === undefined) this.keep();
    this.keyAt(nowMs);
  }

  /** The key of the day of a time; where the clock went back, that of the last day. */
  keyAt(atMs: number): Buffer {
    const day = Math.floor(atMs / DAY_MS);
    if (day <= this.day) return this.key;
    const isFar = day - this.day > RATCHET_DAYS_MAX;
    for (let step = this.day; step < day && !isFar; step += 1) {
      const next = Buffer.from(hkdfSync('sha256', this.key, '', 'postern credential day', KEY_OCTETS));
      this.key.fill(0);
      this.key = next;
    }
    if (isFar) this.key = randomBytes(KEY_OCTETS);
    this.day = day;
    this.keep();
    return this.key;
  }

  private keep(): void {
    try {
      const draft = `${this.file}.${process.pid}.new`;
      writeFileSync(draft, `${JSON.stringify({ day: this.day, key: this.key.toString('hex') })}\n`, { mode: 0o600 });
      renameSync(draft, this.file);
    } catch (error) {
      this.onTrouble(String(error));
    }
  }
}

function read(file: string): z.infer<typeof kept> | undefined {
  try {
    return kept.safeParse(jsonOf(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
