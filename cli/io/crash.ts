import { writeSync } from 'node:fs';
import { EXIT_FAULT } from '../flags.ts';
import { formatLogLine } from '../format/log-line.ts';

/**
 * A fault of the program that nobody caught ends the process, with one line: nothing is
 * known of its state any more. Its supervisor starts the part again.
 */
export function endOnCrash(part: string): void {
  process.on('uncaughtException', (error) => {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const fields = { level: 60, time: Date.now(), part, pid: process.pid, err: { type: name, message, stack } };
    const line = JSON.stringify({ ...fields, msg: 'a fault of the program ended this part' });
    try {
      // The ordinary logger may be what failed, and would not be heard before the end.
      writeSync(2, `${process.stderr.isTTY ? formatLogLine(line) : line}\n`);
    } finally {
      process.exit(EXIT_FAULT);
    }
  });
}
