import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';

interface Chdb {
  readonly Session: typeof import('chdb')['Session'];
  readonly createChdbConnection: typeof import('chdb/connection')['createChdbConnection'];
}

/** Characters of a loader's error that are shown. */
const MESSAGE_LENGTH_MAX = 300;

/**
 * ClickHouse as a library of this process. It is made for Linux and macOS with glibc on x64 and arm64; elsewhere it is not there,
 * which is no reason for the rest of Postern not to run. Loaded with this module, before rights are given up: the files may be for
 * root alone.
 */
export const chdb: Result<Chdb, string> = await load();

async function load(): Promise<Result<Chdb, string>> {
  try {
    const [{ Session }, { createChdbConnection }] = await Promise.all([import('chdb'), import('chdb/connection')]);
    return ok({ Session, createChdbConnection });
  } catch (error) {
    const [why = ''] = messageOf(error).slice(0, MESSAGE_LENGTH_MAX).split('\n');
    return err(`chDB is not there for this machine (${why}): set \`store.kind\` to \`clickhouse\` or \`none\``);
  }
}
