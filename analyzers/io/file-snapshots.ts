import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Snapshot, SnapshotFault, SnapshotStore } from '../snapshot.ts';
import { packSnapshot, unpackSnapshot } from './packed-snapshot.ts';

/** Snapshots as files of one directory, each replaced as a whole; only this user may read them. */
export class FileSnapshots implements SnapshotStore {
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async load(name: string): Promise<Result<Snapshot | undefined, SnapshotFault>> {
    let packed: Uint8Array;
    try {
      packed = await readFile(this.pathOf(name));
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? ok(undefined) : err('unreadable');
    }
    return unpackSnapshot(packed);
  }

  async save(name: string, snapshot: Snapshot): Promise<void> {
    const packed = await packSnapshot(snapshot);
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const path = this.pathOf(name);
    // Always the same name: what a process leaves that is killed here is written over by the next.
    const draft = `${path}.new`;
    await using handle = await open(draft, 'w', 0o600);
    await handle.writeFile(packed);
    await handle.sync();
    await rename(draft, path);
  }

  private pathOf(name: string): string {
    return join(this.directory, `${name}.snapshot`);
  }
}
