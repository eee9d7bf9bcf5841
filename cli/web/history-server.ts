import { readFileSync } from 'node:fs';
import type { HistoryServer } from '../../console/io/clickhouse-history.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Places } from '../config/places.ts';
import type { Configured } from '../io/config-file.ts';
import { readStoreHttpPassword, readStorePassword } from '../io/material.ts';

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
  if (store.http.port === 0) return err('The port of the history is not known: `store.http.port` is 0.');
  const named = readStoreHttpPassword(config, folder);
  const password = named.ok ? (named.value ?? passwordIn(places.storeHttpKey)) : undefined;
  if (password === undefined) return err('The history cannot be asked yet: see that `postern store` runs.');
  const url = `http://${reachable(store.http.address)}:${store.http.port}`;
  return ok({ url, username: store.http.username, password, database: store.database });
}

/** The store makes it when it starts for the first time. */
function passwordIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '') || undefined;
  } catch {
    return undefined;
  }
}

/** Where this machine reaches what listens on an address, as it stands in a URL. */
export function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}
