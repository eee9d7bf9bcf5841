import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Characters written at a time. */
const CHUNK_LENGTH = 65_536;

/** Writes a file as a whole: after a crash there is the old one or the new one. Only this user may read it. */
export const writeWhole = (file: string, text: string): Promise<void> => writeLines(file, [text]);

/**
 * {@link writeWhole}, at once: for what is small and must not be overtaken. Throws where it cannot be written.
 *
 * @param isLasting - False for what is worth nothing after a crash of the machine: the disk is not waited for.
 */
export function writeWholeNow(file: string, text: string, isLasting = true): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    // `writeSync` may write a part of it and say nothing.
    writeFileSync(handle, text);
    if (isLasting) fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}

/** {@link writeWhole} of many lines, each with its end, without having them all at once. */
export async function writeLines(file: string, lines: Iterable<string>): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  await using handle = await open(draft, 'w', 0o600);
  await writeAll(handle, lines);
  await handle.sync();
  await rename(draft, file);
}

async function writeAll(handle: FileHandle, lines: Iterable<string>): Promise<void> {
  let waiting = '';
  for (const line of lines) {
    waiting += line;
    if (waiting.length < CHUNK_LENGTH) continue;
    await handle.appendFile(waiting);
    waiting = '';
  }
  await handle.appendFile(waiting);
}
