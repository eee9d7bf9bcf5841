import { readFileSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import type { History, HistoryFault } from '../../store/history.ts';
import { ClickHouseHistory, type HistoryServer } from '../../store/io/clickhouse-history.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import { store } from '../config/store-schema.ts';
import { type Configured, configurationOf } from '../io/config-file.ts';
import { readStoreHttpPassword, readStorePassword } from '../io/material.ts';

const storeDefaults = store.parse({});
const noStore: HistoryFault = {
  kind: 'none',
  text: 'No history is kept: `store.kind` is `none` in the configuration.',
};
const away = (text: string): { readonly ok: false; readonly error: HistoryFault } => err({ kind: 'away', text });

/**
 * The history of a data directory, for a command. Without a configuration of it there is the password that an embedded store made
 * there, and the port is the one that it has if nobody chose another.
 */
export function historyOf(flags: Pick<ConfigFlagValues, 'config' | 'data'>, dataDirectory: string): ClickHouseHistory {
  const places = placesIn(dataDirectory);
  const configured = configurationOf(flags);
  return new ClickHouseHistory(() =>
    configured === undefined ? serverByDefault(places) : historyServer(configured, places),
  );
}

/** Where no history is kept. */
export const noHistory: History = { isThere: async () => false, ask: async () => err(noStore) };

function serverByDefault({ storeHttpKey }: Places): Result<HistoryServer, HistoryFault> {
  const password = passwordIn(storeHttpKey);
  if (password === undefined)
    return err({ kind: 'none', text: 'No history is known of: if one is kept, name the configuration with --config.' });
  const { http, database } = storeDefaults;
  return ok({ url: urlOf(http), username: http.username, password, database });
}

/** Where the history can be asked, and as whom. */
export function historyServer({ config, folder }: Configured, places: Places): Result<HistoryServer, HistoryFault> {
  const { store: kept } = config;
  if (kept.kind === 'none') return err(noStore);
  if (kept.kind === 'clickhouse') {
    const password = readStorePassword(config, folder);
    if (!password.ok) return away('The password of the ClickHouse server cannot be read.');
    const { url = '', username, database } = kept;
    return ok({ url, username, password: password.value, database });
  }
  if (kept.http.port === 0) return away('The port of the history is not known: `store.http.port` is 0.');
  const named = readStoreHttpPassword(config, folder);
  const password = named.ok ? (named.value ?? passwordIn(places.storeHttpKey)) : undefined;
  if (password === undefined) return away('The history cannot be asked yet: see that `postern store` runs.');
  return ok({ url: urlOf(kept.http), username: kept.http.username, password, database: kept.database });
}

const urlOf = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  `http://${reachable(address)}:${port}`;

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
