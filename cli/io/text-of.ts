import { messageOf } from '../../lib/message-of.ts';

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'there is no such folder'],
  ['EISDIR', 'it is a folder'],
  ['EACCES', 'this user may not'],
  ['EPERM', 'this user may not'],
  ['ENOSPC', 'the disk is full'],
  ['EROFS', 'the disk can only be read'],
  ['ECONNREFUSED', 'nobody listens there'],
  ['ENOTFOUND', 'the name is not known'],
  ['EADDRINUSE', 'another program listens there'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['ETIMEDOUT', 'no answer'],
]);

/** What an error says, in one line for people. */
export function textOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = messageOf(error);
  return reasons.get(code) ?? text.split('\n', 1)[0] ?? '';
}
