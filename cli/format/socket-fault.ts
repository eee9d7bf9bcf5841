import { SOCKET_PATH_OCTETS_MAX, type SocketPathFault } from '../../log/io/socket-path.ts';

/** One line for the operator on a socket that cannot be made. */
export function socketFaultText({ kind, path }: SocketPathFault): string {
  switch (kind) {
    case 'path-too-long':
      return `${path} is too long for a socket (${SOCKET_PATH_OCTETS_MAX} octets): choose a shorter dataDirectory`;
    case 'directory-open':
      return `${path} must belong to Postern alone: chmod 700 ${path}`;
    case 'not-a-socket':
      return `${path} is in the way: it is no socket`;
    case 'in-use':
      return `another Postern uses ${path}: give each its own dataDirectory`;
  }
}
