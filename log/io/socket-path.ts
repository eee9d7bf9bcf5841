import { lstatSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { err, ok, type Result } from '../../lib/result.ts';

/** Octets of the longest path of a Unix socket that every system takes. */
export const SOCKET_PATH_OCTETS_MAX = 103;

/** Why a socket cannot be made at a path. */
export interface SocketPathFault {
  readonly kind:
    | 'path-too-long'
    /** Others than the owner can reach into the directory; it should have mode 0700. */
    | 'directory-open'
    /** There is something at the path that is not a socket. */
    | 'not-a-socket'
    /** A process answers there. */
    | 'in-use';
  readonly path: string;
}

/** Makes room for a socket: its directory, with mode 0700, and no file left by a process that was killed. */
export async function clearSocketPath(path: string): Promise<Result<void, SocketPathFault>> {
  if (Buffer.byteLength(path) > SOCKET_PATH_OCTETS_MAX) return err({ kind: 'path-too-long', path });
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if ((statSync(directory).mode & 0o077) !== 0) return err({ kind: 'directory-open', path: directory });
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return ok(undefined);
  if (!found.isSocket()) return err({ kind: 'not-a-socket', path });
  if (await answers(path)) return err({ kind: 'in-use', path });
  rmSync(path, { force: true });
  return ok(undefined);
}

/** Does a process accept connections there? */
function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => {
    socket.destroy();
    resolve(true);
  });
  socket.once('error', (error: NodeJS.ErrnoException) =>
    resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
  );
  return promise;
}
