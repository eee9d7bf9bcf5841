import { readFileSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import { writeWholeNow } from './atomic-file.ts';
import { textOf } from './text-of.ts';

/** Writes down where a part can be reached by other commands of this machine: the system may have chosen its port. */
export function writeAddress(file: string, url: string): Result<undefined, string> {
  try {
    writeWholeNow(file, `${url}\n`, false);
    return ok(undefined);
  } catch (error) {
    return err(`${file}: ${textOf(error)}`);
  }
}

/** Where the part was reached when it started last; undefined where it never did. */
export function readAddress(file: string): string | undefined {
  try {
    return /^(http:\/\/\S+)\n$/.exec(readFileSync(file, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Where this machine reaches what listens on an address, as it stands in a URL. */
export function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}
