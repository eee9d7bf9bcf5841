import { randomUUID } from 'node:crypto';
import type { Session } from 'chdb';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { READING_ROLE } from '../access.ts';
import { examine } from '../canonical.ts';
import { planSettings, type QueryLimits } from '../http-settings.ts';
import { type Refusal, refusal, refusalOf, unknownDatabase } from '../refusal.ts';
import { sqlText } from '../sql-text.ts';
import { chdb } from './chdb.ts';

/** Threads that one query may use: mail and the writer need the others. */
export const QUERY_THREADS_MAX = 2;
/** The engine's own limit on a text of SQL, octets: a query stands in a literal while it is parsed, where every sign may be two. */
const STATEMENT_OCTETS_MAX = 1_048_576;

/** A query and what it may take. */
export interface Reading {
  readonly sql: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  /** Undefined: that of the store. */
  readonly database: string | undefined;
  /** Where the query names none. */
  readonly format: string;
}

/** What a query gave. */
export interface Answer {
  readonly octets: Uint8Array;
  readonly format: string;
  readonly rows: number;
  readonly elapsedSeconds: number;
}

/** Where queries go. */
export interface ReaderPlace {
  readonly directory: string;
  readonly database: string;
  readonly limits: QueryLimits;
}

/**
 * Runs one query on a connection of its own, which takes a millisecond: settings, parameters, the role and the database of a
 * connection stay with it, so none of them can meet the next query.
 *
 * @param signal - Stops the query.
 */
export async function read(
  place: ReaderPlace,
  reading: Reading,
  signal: AbortSignal,
): Promise<Result<Answer, Refusal>> {
  if (!isReadable(reading.database, place.database)) return err(unknownDatabase(String(reading.database)));
  let session: Session;
  try {
    session = openSession(place.directory);
  } catch (error) {
    return err(refusalOf(messageOf(error)));
  }
  const tag = `reader-${randomUUID()}`;
  const stop = (): void => void kill(place.directory, tag).catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await readWith(session, place, reading, tag, signal);
  } catch (error) {
    return err(refusalOf(messageOf(error)));
  } finally {
    signal.removeEventListener('abort', stop);
    session.close();
  }
}

/** Throws what the engine says. */
function openSession(directory: string): Session {
  if (!chdb.ok) throw new Error(chdb.error);
  return new chdb.value.Session(directory);
}

/** A call of chDB cannot be taken back, but another connection can end what it runs. */
async function kill(directory: string, tag: string): Promise<void> {
  using session = openSession(directory);
  await session.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${sqlText(tag)} ASYNC`);
}

const isReadable = (asked: string | undefined, own: string): boolean =>
  asked === undefined || asked === own || /^(?:system|information_schema|INFORMATION_SCHEMA)$/.test(asked);

/** Throws what the engine says. */
async function readWith(
  session: Session,
  place: ReaderPlace,
  reading: Reading,
  tag: string,
  signal: AbortSignal,
): Promise<Result<Answer, Refusal>> {
  const { sql, parameters, settings, database, format: wanted } = reading;
  const plan = planSettings(settings, place.limits);
  const { memoryOctetsMax, resultOctetsMax } = place.limits;
  const fixed = [
    `result_overflow_mode = 'throw'`,
    `timeout_overflow_mode = 'throw'`,
    `max_threads = ${QUERY_THREADS_MAX}`,
    `max_query_size = ${STATEMENT_OCTETS_MAX}`,
    `max_temporary_data_on_disk_size_for_query = ${memoryOctetsMax}`,
    'allow_introspection_functions = 0',
    `log_comment = ${sqlText(tag)}`,
  ];
  await session.queryAsync(`SET ${[...assignments(plan.first), ...fixed].join(', ')}`);
  await session.queryAsync(`USE ${database ?? place.database}`);
  await session.queryAsync(`SET ROLE ${READING_ROLE}`);
  for (const assignment of assignments(parameters)) await session.queryAsync(`SET param_${assignment}`);
  await session.queryAsync('SET readonly = 1');
  for (const assignment of assignments(plan.behind)) await session.queryAsync(`SET ${assignment}`);
  const parsed = await session.queryAsync(`SELECT formatQuerySingleLine(${sqlText(sql)})`, { format: 'RawBLOB' });
  const canonical = parsed.text();
  const examined = examine(canonical, parameters);
  if (!examined.ok) return examined;
  if (signal.aborted) return err(refusal.unavailable);
  const format = examined.value.format ?? wanted;
  // A FORMAT clause comes before what is wanted here.
  const result = await session.queryAsync(canonical, { format: wanted });
  const octets = result.bytes();
  // The engine counts what values take, not their text.
  if (octets.length > resultOctetsMax) return err(refusal.resultTooLarge);
  return ok({ octets, format, rows: result.rowsRead, elapsedSeconds: result.elapsed });
}

/** Names were looked at when they were read. */
const assignments = (values: ReadonlyMap<string, string>): readonly string[] =>
  [...values].map(([name, value]) => `${name} = ${sqlText(value)}`);
