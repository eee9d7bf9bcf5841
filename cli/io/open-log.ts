import { openSqliteLogReader, type SqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import { placesIn } from '../config/places.ts';

/** How long the log may take to be reached when there are no files yet, milliseconds. */
const PATIENCE_MS = 5000;

/** Opens the event log of a data directory for reading; tells the operator where there is none. */
export async function openLogOrTell(dataDirectory: string): Promise<SqliteLogReader | undefined> {
  const places = placesIn(dataDirectory);
  const opened = await openSqliteLogReader({
    directory: places.log,
    socketPath: places.logSocket,
    patienceMs: PATIENCE_MS,
  });
  if (opened.ok) return opened.value;
  process.stderr.write(`postern: there is no event log in ${dataDirectory}: is Postern running?\n`);
  return undefined;
}
