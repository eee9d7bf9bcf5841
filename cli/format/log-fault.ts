import type { LogProcessFault } from '../../log/io/log-process.ts';
import { socketFaultText } from './socket-fault.ts';

/** One line for the operator on a log that cannot be opened or served. */
export function logFaultText(fault: LogProcessFault): string {
  switch (fault.kind) {
    case 'owned':
      return `another process owns ${fault.directory}: is Postern running already?`;
    case 'unusable':
      return `${'directory' in fault ? fault.directory : fault.path}: ${fault.reason}`;
    case 'path-too-long':
    case 'directory-open':
    case 'not-a-socket':
    case 'in-use':
      return socketFaultText(fault);
    default:
      return `the files are not those of this release: ${JSON.stringify(fault)}`;
  }
}
