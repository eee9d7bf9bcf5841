import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { err, ok, type Result } from '../../lib/result.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot, type SnapshotFault, type SnapshotStore } from '../snapshot.ts';

/** Octets of the largest snapshot that is read. */
export const SNAPSHOT_OCTETS_MAX = 134_217_728;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/**
 * Snapshots as files of one directory, each replaced as a whole; only this user may read them. They are packed with gzip, whose
 * checksum tells octets that a disk has changed: a state with another number in it would decide on, and nobody would know why.
 */
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
    try {
      return decodeSnapshot(await unpack(packed, { maxOutputLength: SNAPSHOT_OCTETS_MAX }));
    } catch {
      return err('damaged');
    }
  }

  async save(name: string, snapshot: Snapshot): Promise<void> {
    const packed = await pack(encodeSnapshot(snapshot), { level: constants.Z_BEST_SPEED });
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
