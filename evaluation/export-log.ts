import { closeSync, openSync, writeSync } from 'node:fs';
import type { MailEvent } from '../events/event.ts';
import { MailLog } from './mail-log.ts';

/** So many characters are written at a time. */
const CHUNK_LENGTH = 1 << 20;

/**
 * Writes events as the `mail.log` of a Postfix. A file that is there is overwritten.
 *
 * @returns How many lines were written.
 * @throws Where the file cannot be written.
 */
export function exportLog(path: string, events: Iterable<MailEvent>): number {
  const log = new MailLog();
  const file = openSync(path, 'w');
  let lineCount = 0;
  let chunk = '';
  try {
    for (const event of events) {
      for (const line of log.linesOf(event)) {
        lineCount += 1;
        chunk += `${line}\n`;
      }
      if (chunk.length < CHUNK_LENGTH) continue;
      writeSync(file, chunk);
      chunk = '';
    }
    writeSync(file, chunk);
  } finally {
    closeSync(file);
  }
  return lineCount;
}
