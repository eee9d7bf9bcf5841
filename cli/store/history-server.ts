import { readFileSync } from 'node:fs';
import { err, ok, type Result } from '../../lib/result.ts';
import type { History, HistoryFault } from '../../store/history.ts';
import { ClickHouseHistory, type HistoryServer } from '../../store/io/clickhouse-history.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import { store } from '../config/store-schema.ts';
import { type Configured, configurationOf } from '../io/config-file.ts';
import { readStoreHttpPassword, readStorePassword } from '../io/material.ts';
import { reachable, readAddress } from '../io/part-address.ts';

const storeDefaults = store.parse({});
const noStore: HistoryFault = {
  kind: 'none',
  text: 'No history is kept: `store.kind` is `none` in the configuration.',
};
const notYet: HistoryFault = {
  kind: 'away',
  text: 'The history cannot be asked yet: see that `postern store` runs.',
};

/**
 * The history of a data directory, for a command. Without a configuration of it there are the password that an embedded store made
 * there, and the address that it wrote down.
 */
export function historyOf(flags: Pick<ConfigFlagValues, 'config' | 'data'>, dataDirectory: string): ClickHouseHistory {
  const places = placesIn(dataDirectory);
  const configured = configurationOf(flags);
  return new ClickHouseHistory(() =>
    configured === undefined ? serverInDirectory(places) : historyServer(configured, places),
  );
}

/** Where no history is kept. */
export const noHistory: History = { isThere: async () => false, ask: async () => err(noStore) };

function serverInDirectory({ storeHttpKey, storeAddress }: Places): Result<HistoryServer, HistoryFault> {
  const password = passwordIn(storeHttpKey);
  if (password === undefined)
    return err({ kind: 'none', text: 'No history is known of: if one is kept, name the configuration with --config.' });
  const url = readAddress(storeAddress);
  const { http, database } = storeDefaults;
  return url === undefined ? err(notYet) : ok({ url, username: http.username, password, database });
}

/** Where the history can be asked, and as whom. */
export function historyServer({ config, folder }: Configured, places: Places): Result<HistoryServer, HistoryFault> {
  const { store: kept } = config;
  if (kept.kind === 'none') return err(noStore);
  if (kept.kind === 'clickhouse') {
    const password = readStorePassword(config, folder);
    if (!password.ok) return err({ kind: 'away', text: 'The password of the ClickHouse server cannot be read.' });
    const { replicas, username, database } = kept;
    const [url = kept.url ?? '', ...otherUrls] = replicas;
    return ok({ url, otherUrls, username, password: password.value, database });
  }
  const named = readStoreHttpPassword(config, folder);
  const password = named.ok ? (named.value ?? passwordIn(places.storeHttpKey)) : undefined;
  const { address, port, username } = kept.http;
  const url = port === 0 ? readAddress(places.storeAddress) : `http://${reachable(address)}:${port}`;
  if (password === undefined || url === undefined) return err(notYet);
  return ok({ url, username, password, database: kept.database });
}

/** The store makes it when it starts for the first time. */
function passwordIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '') || undefined;
  } catch {
    return undefined;
  }
}
