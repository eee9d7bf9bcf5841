import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import { decodeSnapshot, encodeSnapshot, type Snapshot, type SnapshotStore } from '../snapshot.ts';

/** Octets of the largest snapshot that is read. */
export const SNAPSHOT_OCTETS_MAX = 134_217_728;

const pack = promisify(deflateRaw);
const unpack = promisify(inflateRaw);

/** Snapshots as files of one directory, each replaced as a whole; only this user may read them. */
export class FileSnapshots implements SnapshotStore {
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async load(name: string): Promise<Snapshot | undefined> {
    try {
      const packed = await readFile(this.pathOf(name));
      return decodeSnapshot(await unpack(packed, { maxOutputLength: SNAPSHOT_OCTETS_MAX }));
    } catch {
      return undefined;
    }
  }

  async save(name: string, snapshot: Snapshot): Promise<void> {
    const packed = await pack(encodeSnapshot(snapshot), { level: constants.Z_BEST_SPEED });
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const path = this.pathOf(name);
    const draft = `${path}.${process.pid}.new`;
    await using handle = await open(draft, 'w', 0o600);
    await handle.writeFile(packed);
    await handle.sync();
    await rename(draft, path);
  }

  private pathOf(name: string): string {
    return join(this.directory, `${name}.snapshot`);
  }
}
