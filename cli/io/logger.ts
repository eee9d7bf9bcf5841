import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { Config } from '../config/schema.ts';
import { formatLogLine } from '../format/log-line.ts';

/** Octets of lines that wait for a slow reader of stderr; beyond them lines are dropped: mail never waits for a log line. */
export const WAITING_OCTETS_MAX = 1_048_576;

export type OperatorLog = Logger;

/**
 * Lines for the operator on stderr: for people where it is a terminal, one JSON object a line otherwise. Nothing from the
 * network gets into a line unescaped, and no secret does at all.
 */
export function openLogger(part: string, level: Config['logging']['level']): OperatorLog {
  const options = { level, base: { part, pid: process.pid } };
  return pino(options, process.stderr.isTTY ? terminal : quiet());
}

const terminal: DestinationStream = {
  write: (line) => process.stderr.write(`${formatLogLine(line)}\n`),
};

function quiet(): DestinationStream {
  const stream = destination({ fd: 2, sync: false, maxLength: WAITING_OCTETS_MAX });
  // Whoever read it has gone: there is nobody to tell.
  stream.on('error', () => undefined);
  return stream;
}
