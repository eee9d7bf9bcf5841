import { readFileSync } from 'node:fs';
import type { HistoryServer } from '../../console/io/clickhouse-history.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Places } from '../config/places.ts';
import type { Configured } from '../io/config-file.ts';
import { readStoreHttpPassword, readStorePassword } from '../io/material.ts';
import { reachable, readAddress } from '../io/part-address.ts';

const NO_STORE = 'No history is kept: `store.kind` is `none` in the configuration.';

/** Where the history can be asked, and as whom. @returns Why it cannot, for people who look at a dashboard. */
export function historyServer({ config, folder }: Configured, places: Places): Result<HistoryServer, string> {
  const { store } = config;
  if (store.kind === 'none') return err(NO_STORE);
  if (store.kind === 'clickhouse') {
    const password = readStorePassword(config, folder);
    if (!password.ok) return err('The password of the ClickHouse server cannot be read.');
    const { url = '', username, database } = store;
    return ok({ url, username, password: password.value, database });
  }
  const named = readStoreHttpPassword(config, folder);
  const password = named.ok ? (named.value ?? passwordIn(places.storeHttpKey)) : undefined;
  const { address, port, username } = store.http;
  const url = port === 0 ? readAddress(places.storeAddress) : `http://${reachable(address)}:${port}`;
  if (password === undefined || url === undefined)
    return err('The history cannot be asked yet: see that `postern store` runs.');
  return ok({ url, username, password, database: store.database });
}

/** The store makes it when it starts for the first time. */
function passwordIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '') || undefined;
  } catch {
    return undefined;
  }
}
