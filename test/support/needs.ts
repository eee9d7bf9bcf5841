import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

/** Where Debian keeps what only an administrator runs; not in the PATH of every user. */
const ADMINISTRATION_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Are these programs in the PATH?
 *
 * @returns Nothing, or why tests that run them have to be skipped.
 * @throws Where `CI` is set: there every program must be installed and no test may be skipped.
 */
export function requireTools(...names: readonly string[]): string | undefined {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return undefined;
  const reason = `not installed: ${missing.join(', ')}`;
  if (isCi()) throw new Error(`${reason}; with CI set every test runs`);
  return reason;
}

/** A `describe` whose title says why its tests are skipped where programs are missing. */
export function describeNeeds(names: readonly string[], title: string, body: () => void): void {
  const reason = requireTools(...names);
  if (reason === undefined) describe(title, body);
  else describe.skip(`${title} (${reason})`, body);
}

function isCi(): boolean {
  const value = process.env['CI'];
  return value !== undefined && value !== '' && value !== 'false' && value !== '0';
}

function isInstalled(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...ADMINISTRATION_FOLDERS];
  return folders.some((folder) => folder !== '' && isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
