import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import { HttpInterface } from '../../store/io/http-interface.ts';
import { pathText } from '../config/fault.ts';
import type { Places } from '../config/places.ts';
import type { Configured } from './config-file.ts';
import type { OperatorLog } from './logger.ts';
import { readStoreHttpPassword } from './material.ts';
import { reachable, writeAddress } from './part-address.ts';
import { makeOnce } from './site-secret.ts';
import { textOf } from './text-of.ts';

/** Octets of a password that is made, as base64url in its file. */
const PASSWORD_OCTETS = 32;

/**
 * The HTTP interface of an embedded history. Where it cannot be opened the operator is told, and the history is kept all the same:
 * a port that another ClickHouse has is no reason to lose events.
 */
export async function openStoreHttp(
  configured: Configured,
  places: Places,
  logger: OperatorLog,
): Promise<AsyncDisposable | undefined> {
  if (configured.config.store.kind !== 'chdb') return undefined;
  // One that was killed has left it.
  rmSync(places.storeAddress, { force: true });
  const opened = await open(configured, places, logger);
  if (!opened.ok) {
    logger.error({ fault: opened.error }, 'the history cannot be read over HTTP');
    return undefined;
  }
  const url = `http://${reachable(configured.config.store.http.address)}:${opened.value.port}`;
  const written = writeAddress(places.storeAddress, url);
  if (!written.ok) logger.warn({ fault: written.error }, 'the console may not know where the history is');
  logger.info({}, `the history is at ${url}`);
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      // Whoever has this port next is not to be asked, with our password.
      rmSync(places.storeAddress, { force: true });
      await opened.value[Symbol.asyncDispose]();
    },
  };
}

async function open(
  { config, folder }: Configured,
  places: Places,
  logger: OperatorLog,
): Promise<Result<HttpInterface, string>> {
  const { http, database } = config.store;
  const named = readStoreHttpPassword(config, folder);
  if (!named.ok) return err(`${pathText(named.error.path)}: ${named.error.problem}; ${named.error.hint}`);
  const password = named.value === undefined ? ownPassword(places.storeHttpKey) : ok(named.value);
  if (!password.ok) return password;
  return HttpInterface.open({
    address: http.address,
    port: http.port,
    credentials: { username: http.username, password: password.value },
    directory: places.store,
    database,
    limits: http,
    trouble: (what, details) => logger.warn(details, what),
  });
}

/** Made at the first start, for this user alone. */
function ownPassword(path: string): Result<string, string> {
  try {
    makeOnce(path, Buffer.from(`${randomBytes(PASSWORD_OCTETS).toString('base64url')}\n`));
    const password = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    return password === '' ? err(`${path}: is empty`) : ok(password);
  } catch (error) {
    return err(`${path}: ${textOf(error)}`);
  }
}
