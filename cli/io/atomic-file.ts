import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a file as a whole: after a crash there is the old one or the new one. Only this user may read it. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  await using handle = await open(draft, 'w', 0o600);
  await handle.writeFile(text);
  await handle.sync();
  await rename(draft, file);
}
