import { storeJournal } from '../../../cli/io/store-journal.ts';
import { openSqliteLogReader } from '../../../log/io/sqlite-log-reader.ts';
import { StoreWriter } from '../../../store/io/writer.ts';
import { openTestStore } from '../store.ts';

/**
 * The writer of a store of a test: `node store-writer.ts <log directory> <socket> <store directory> <journal> <records of a batch>`.
 * It says `ready` once it follows the log, `stored <first> <next>` for each batch, and runs until it is killed.
 */
const [directory = '', socketPath = '', store = '', journal = '', batchRecordsMax = ''] = process.argv.slice(2);
const log = await openSqliteLogReader({ directory, socketPath });
if (!log.ok) throw new Error(log.error);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const database = await openTestStore(store, 'postern');
const writer = new StoreWriter({
  log: log.value,
  database,
  journal: storeJournal(journal),
  batchRecordsMax: Number(batchRecordsMax),
  listener: {
    trouble: (what, details) => say(`trouble ${what} ${JSON.stringify(details)}`),
    stored: ({ first, next }) => say(`stored ${first} ${next}`),
  },
});
const stopped = new AbortController();
process.on('SIGTERM', () => stopped.abort());
say('begins');
await writer.begin(stopped.signal);
say('ready');
await writer.run(stopped.signal);
await database[Symbol.asyncDispose]();
await log.value[Symbol.asyncDispose]();
