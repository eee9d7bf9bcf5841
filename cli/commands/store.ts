import { setTimeout } from 'node:timers/promises';
import { Forgetter } from '../../events/forgetter.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { ReaderProgress } from '../../log/progress.ts';
import type { StoreDatabase } from '../../store/database.ts';
import { forgetInHistory } from '../../store/io/history-forgetter.ts';
import { StoreUnavailable } from '../../store/io/positions.ts';
import { StoreWriter } from '../../store/io/writer.ts';
import { configFlags } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import { runCommand, type Usage } from '../flags.ts';
import { ForgetRequests } from '../forget/requests.ts';
import { type DoForget, TakeUp } from '../forget/take-up.ts';
import { type Rank, standBehindMail } from '../io/behind-mail.ts';
import type { Configured } from '../io/config-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { awaitWholeLog } from '../io/open-log.ts';
import { openStore } from '../io/open-store.ts';
import { runPart, settleUnprivileged } from '../io/part.ts';
import { progressWriter } from '../io/progress-writer.ts';
import { openStoreHttp } from '../io/store-http.ts';
import { storeJournal } from '../io/store-journal.ts';
import { onStop, tellReady } from '../io/supervised.ts';
import { keepCountries } from '../store/keep-countries.ts';
import { rebuild } from '../store/rebuild.ts';

const usage = {
  verb: 'store',
  summary: 'keeps the history: brings the event log into the database that `store` in the configuration names',
  details: [
    'Mail never waits for it: what it has not read yet is in the log.',
    '--rebuild empties the database and fills it from the log, with progress; no store may be running then.',
  ].join('\n'),
  flags: {
    rebuild: { text: 'Empties the database and fills it from the log once more.' },
    'discard-older': { text: 'With --rebuild: also where the log does not reach back as far as the history.' },
    ...configFlags,
  },
} as const satisfies Usage;

/** Queries and merges must not slow down mail, and memory that they take must not end it. */
const RANK: Rank = { niceness: 19, isIdle: true, outOfMemoryScore: 900 };
/** How often it is told how far the store has read, milliseconds. */
const PROGRESS_EVERY_MS = 1000;
/** Delay before a store that cannot be opened is tried again, milliseconds. */
const OPEN_RETRY_MS = 5000;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, (values) =>
    runPart(
      {
        name: 'store',
        cannotRun: 'the store cannot run',
        run: (configured, logger) =>
          values.rebuild === true
            ? rebuild(configured, values['discard-older'] === true)
            : keepStore(configured, logger),
      },
      values,
    ),
  );

async function keepStore(configured: Configured, logger: OperatorLog): Promise<Result<undefined, string>> {
  const { config } = configured;
  standBehindMail(RANK, logger);
  const settled = settleUnprivileged(config);
  if (!settled.ok) return settled;
  // ClickHouse looks at the folder that it is in, and that of root may be for root alone. All paths are whole by now.
  process.chdir(config.dataDirectory);
  const stopped = new AbortController();
  onStop((reason) => stopped.abort(reason));
  const places = placesIn(config.dataDirectory);
  const openedLog = await awaitWholeLog(configured, logger, stopped.signal);
  if (openedLog === undefined) return ok(undefined);
  await using log = openedLog;
  const openedStore = await openUntilItIs(configured, places, logger, stopped.signal);
  if (!openedStore.ok) return openedStore;
  if (openedStore.value === undefined) return ok(undefined);
  await using database = openedStore.value;
  await using _http = await openStoreHttp(configured, places, logger);
  await Promise.all([
    write({ log, database, places, logger, signal: stopped.signal }),
    keepCountries(configured, database, logger, stopped.signal),
  ]);
  return ok(undefined);
}

/** A server may be away for days; an embedded database that cannot be opened will not be better in a while. */
async function openUntilItIs(
  { config, folder }: Configured,
  places: Places,
  logger: OperatorLog,
  signal: AbortSignal,
): Promise<Result<StoreDatabase | undefined, string>> {
  let last = '';
  while (!signal.aborted) {
    const opened = await openStore(config, folder, places, {
      trouble: (what, details) => logger.warn(details, what),
      well: (what, details) => logger.info(details, what),
    });
    if (opened.ok || config.store.kind !== 'clickhouse') return opened;
    if (opened.error !== last) logger.warn({ fault: opened.error }, 'the ClickHouse server cannot be used yet');
    last = opened.error;
    await setTimeout(OPEN_RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return ok(undefined);
}

const readersOf = (writer: StoreWriter): readonly ReaderProgress[] =>
  writer.states.map(({ stream, partition, next }) => ({
    name: `${stream.slice('postern.'.length)}-${partition}`,
    stream,
    partition,
    nextOffset: next,
  }));

interface Writing {
  readonly log: EventLog;
  readonly database: StoreDatabase;
  readonly places: Places;
  readonly logger: OperatorLog;
  readonly signal: AbortSignal;
}

async function write({ log, database, places, logger, signal }: Writing): Promise<void> {
  const writer = new StoreWriter({
    log,
    database,
    journal: storeJournal(places.storeJournal),
    listener: { trouble: (what, details) => logger.warn(details, what) },
  });
  if (!(await beginUntilItCan(writer, logger, signal))) return;
  logger.info({}, 'the store keeps the history');
  tellReady();
  const tell = progressWriter(places.storeProgress, logger, 'how far the store is cannot be written down');
  const timer = setInterval(() => tell(readersOf(writer)), PROGRESS_EVERY_MS);
  const takeUp = new TakeUp(new ForgetRequests(places.forget, 'store'), forgetIn(writer, database, signal), logger);
  await Promise.all([writer.run(signal), takeUp.run(signal)]);
  clearInterval(timer);
  logger.info({ reason: String(signal.reason) }, 'the store has stopped');
}

/** A server may go away between two questions. @returns False when `signal` aborted before. */
async function beginUntilItCan(writer: StoreWriter, logger: OperatorLog, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await writer.begin(signal);
      return true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      logger.warn({ fault: error.message }, 'the store cannot go on yet');
      await setTimeout(OPEN_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return false;
}

/** First what the writer has read, then what the database has: so nothing comes back. */
const forgetIn =
  (writer: StoreWriter, database: StoreDatabase, signal: AbortSignal): DoForget =>
  async ({ forgetting, isDryRun }, onColumn) => {
    const forgetter = new Forgetter(forgetting);
    if (!isDryRun) await writer.changeRead((line) => forgetter.line(line));
    const counted = await forgetInHistory({ database, forgetter, isDryRun, signal, onColumn });
    // The database may repeat what it was asked.
    return counted.ok ? counted : err(forgetter.text(counted.error.message));
  };
