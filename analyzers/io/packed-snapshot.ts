import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { err, type Result } from '../../lib/result.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot, type SnapshotFault } from '../snapshot.ts';

/** Octets of the largest snapshot that is read. */
export const SNAPSHOT_OCTETS_MAX = 134_217_728;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/**
 * A snapshot packed with gzip, whose checksum tells octets that a disk has changed: a state with another number in it would decide
 * on, and nobody would know why.
 */
export const packSnapshot = (snapshot: Snapshot): Promise<Buffer> =>
  pack(encodeSnapshot(snapshot), { level: constants.Z_BEST_SPEED });

export async function unpackSnapshot(packed: Uint8Array): Promise<Result<Snapshot, SnapshotFault>> {
  try {
    return decodeSnapshot(await unpack(packed, { maxOutputLength: SNAPSHOT_OCTETS_MAX }));
  } catch {
    return err('damaged');
  }
}
