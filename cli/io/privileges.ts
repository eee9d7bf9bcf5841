import { execFileSync } from 'node:child_process';
import { lchownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Config } from '../config/schema.ts';
import { textOf } from './text-of.ts';

type Run = Config['run'];

const isRoot = (): boolean => process.getuid?.() === 0;

/** What the system knows a user by: its number, that of its group, or those of all its groups. Throws for an unknown one. */
function idsOf(flag: '-u' | '-g' | '-G', user: string): [number, ...number[]] {
  const text = idText(flag, user);
  const [first, ...others] = text.trim().split(' ').map(Number);
  if (first === undefined || Number.isNaN(first) || text === '') throw new Error(`the system does not know ${user}`);
  return [first, ...others];
}

function idText(flag: string, user: string): string {
  try {
    return execFileSync('id', [flag, '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

/**
 * Makes the data directory, for the user that will run. Parts start together: one may find that another has made it and not given it
 * away yet, so whoever finds an empty one of root's gives it away.
 *
 * @returns One line for the operator when it cannot be had.
 */
export function prepareDataDirectory(directory: string, { user }: Run): Result<undefined, string> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (user === undefined || !isRoot()) return ok(undefined);
    const found = lstatSync(directory);
    if (found.isDirectory() && found.uid === 0 && readdirSync(directory).length === 0)
      lchownSync(directory, idsOf('-u', user)[0], idsOf('-g', user)[0]);
    return ok(undefined);
  } catch (error) {
    return err(`dataDirectory ${directory}: ${textOf(error)}`);
  }
}

/**
 * Gives up the rights of root for good. Nothing happens where this process has none.
 *
 * @returns Whether it runs as root still (because no user is named), or one line for the operator.
 */
export function dropPrivileges({ user, group }: Run): Result<'root' | 'user', string> {
  const { setgroups, setgid, setuid } = process;
  if (!isRoot() || setgroups === undefined || setgid === undefined || setuid === undefined) return ok('user');
  if (user === undefined) return ok('root');
  try {
    const [uid] = idsOf('-u', user);
    const [gid] = group === undefined ? idsOf('-g', user) : [group];
    setgroups(idsOf('-G', user));
    setgid(gid);
    setuid(uid);
  } catch (error) {
    return err(`run.user ${user}: this process cannot become that user: ${textOf(error)}`);
  }
  return isRoot() ? err(`run.user ${user} is root`) : ok('user');
}
