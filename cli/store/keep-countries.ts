import { resolve } from 'node:path';
import type { StoreDatabase } from '../../store/database.ts';
import { CountryKeeper } from '../../store/io/country-keeper.ts';
import type { Configured } from '../io/config-file.ts';
import { readCountryFile } from '../io/country-file.ts';
import { FileWatch } from '../io/file-watch.ts';
import type { OperatorLog } from '../io/logger.ts';

/**
 * Keeps the countries of sources in the store, where the configuration names a file of them, until `signal` aborts. A file that
 * cannot be used is told of, and one that comes in its place is taken.
 */
export async function keepCountries(
  { config, folder }: Configured,
  database: StoreDatabase,
  logger: OperatorLog,
  signal: AbortSignal,
): Promise<void> {
  const { file } = config.store.countries;
  if (file === undefined) return;
  const path = resolve(folder, file);
  const keeper = new CountryKeeper(database, { trouble: (what, details) => logger.warn({ ...details, path }, what) });
  const take = (): void => {
    const countries = readCountryFile(path);
    if (countries.ok) {
      const { type, madeOn } = countries.value;
      keeper.use(countries.value);
      logger.info({ path, type, madeOn }, 'the countries of sources are looked up');
      return;
    }
    const consequence = keeper.hasCountries ? 'the earlier one stays in use' : 'no country is looked up';
    logger.warn({ path, reason: countries.error }, `the file of countries cannot be used: ${consequence}`);
  };
  using _watch = new FileWatch([path], take);
  take();
  await keeper.run(signal);
}
