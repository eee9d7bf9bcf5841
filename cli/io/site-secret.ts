import { hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { err, ok, type Result } from '../../lib/result.ts';
import { textOf } from './text-of.ts';

/** Octets of a secret at least, and at most. */
export const SECRET_OCTETS_MIN = 32;
export const SECRET_OCTETS_MAX = 4096;

/** The secret of a site: nothing but keys that are derived from it ever leaves it. */
export class SiteSecret {
  readonly #octets: Buffer;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** A key for one purpose; different labels give keys that tell nothing of each other (HKDF, RFC 5869). */
  derive(label: string, octetCount: number): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#octets, 'postern', label, octetCount));
  }
}

/** Reads the secret, or makes one where the configuration names none. @returns One line for the operator when there is none. */
export function openSiteSecret(named: string | undefined, own: string): Result<SiteSecret, string> {
  const path = named ?? own;
  try {
    if (named === undefined) makeOnce(own, randomBytes(SECRET_OCTETS_MIN));
    const octets = readFileSync(path);
    if (octets.length < SECRET_OCTETS_MIN || octets.length > SECRET_OCTETS_MAX) {
      return err(`${path}: a secret has ${SECRET_OCTETS_MIN} to ${SECRET_OCTETS_MAX} octets`);
    }
    return ok(new SiteSecret(octets));
  } catch (error) {
    return err(`${path}: ${textOf(error)}`);
  }
}

/** Makes a file that only this user may read. Two processes may want to make it: the first one does. */
export function makeOnce(path: string, octets: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
    throw error;
  }
  try {
    writeSync(file, octets);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
