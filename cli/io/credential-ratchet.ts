import { hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const DAY_MS = 86_400_000;
const KEY_OCTETS = 32;
/** In front of the key in the file: its day, big-endian, counted from 1970-01-01 UTC. */
const DAY_OCTETS = 4;
/** Days that are stepped over one by one; after more a new key is begun. */
export const RATCHET_DAYS_MAX = 3660;

/**
 * A key of the day: each day's is derived from the day's before, which is then erased, from memory and from the file. Whoever
 * gets the file today can make today's fingerprints, and none of yesterday's. Gates that begin with one file agree for ever.
 * The file is read and written as octets: a text that holds a key could not be erased.
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
    this.key = before === undefined ? randomBytes(KEY_OCTETS) : before.key;
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
    if (isFar) {
      this.key.fill(0);
      this.key = randomBytes(KEY_OCTETS);
    }
    this.day = day;
    this.keep();
    return this.key;
  }

  private keep(): void {
    const octets = Buffer.alloc(DAY_OCTETS + KEY_OCTETS);
    octets.writeUInt32BE(this.day);
    this.key.copy(octets, DAY_OCTETS);
    try {
      // Always the same name: what a crash leaves there is written over the next time, and never stays as an old key.
      const draft = `${this.file}.new`;
      writeFileSync(draft, octets, { mode: 0o600, flush: true });
      renameSync(draft, this.file);
    } catch (error) {
      this.onTrouble(String(error));
    } finally {
      octets.fill(0);
    }
  }
}

function read(file: string): { readonly day: number; readonly key: Buffer } | undefined {
  try {
    const octets = readFileSync(file);
    if (octets.length !== DAY_OCTETS + KEY_OCTETS) return undefined;
    return { day: octets.readUInt32BE(), key: octets.subarray(DAY_OCTETS) };
  } catch {
    return undefined;
  }
}
