import { ok, type Result } from '../../lib/result.ts';
import { type Stream, streams } from '../event-log.ts';
import { storageFaultOf } from './database.ts';
import { type LogServer, type ServeFault, serveLog } from './log-server.ts';
import { type OpenFault, openSqliteLog, type SqliteLog, type SqliteLogOptions } from './sqlite-log.ts';

const DAY_MS = 86_400_000;

/** How long records are kept at least, room on disk permitting. */
export const RETENTION_MS_DEFAULT: Readonly<Record<Stream, number>> = {
  'postern.events': 7 * DAY_MS,
  'postern.evidence': 7 * DAY_MS,
  'postern.decisions': 30 * DAY_MS,
  'postern.snapshots': DAY_MS,
};
/** How often files past their retention are dropped. */
export const TRIM_INTERVAL_MS = 600_000;

export interface LogProcessOptions extends SqliteLogOptions {
  /** Where other processes of the host reach the log; see {@link serveLog}. */
  readonly socketPath: string;
  /** Instead of {@link RETENTION_MS_DEFAULT}. */
  readonly retentionMs?: Partial<Readonly<Record<Stream, number>>>;
}

export type LogProcessFault = OpenFault | ServeFault;

/** A log that is served. Disposing it ends the service, then closes the log. */
export interface LogProcess extends AsyncDisposable {
  readonly log: SqliteLog;
  readonly server: LogServer;
}

/** All that the log process of a host does: owns the files, serves them, drops what is past its retention. */
export async function runLogProcess(options: LogProcessOptions): Promise<Result<LogProcess, LogProcessFault>> {
  const opened = await openSqliteLog(options);
  if (!opened.ok) return opened;
  const log = opened.value;
  const served = await serveLog({ log, socketPath: options.socketPath });
  if (!served.ok) {
    await log[Symbol.asyncDispose]();
    return served;
  }
  const server = served.value;
  const { now = Date.now } = options;
  const trim = async (): Promise<void> => {
    const nowMs = now();
    for (const stream of streams) {
      await log.trim(nowMs - (options.retentionMs?.[stream] ?? RETENTION_MS_DEFAULT[stream]), stream);
    }
  };
  await trim().catch(storageFaultOf);
  // What the disk does not let through now is tried again the next time.
  const timer = setInterval(() => void trim().catch(storageFaultOf), TRIM_INTERVAL_MS).unref();
  const dispose = async (): Promise<void> => {
    clearInterval(timer);
    await server[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
  };
  return ok({ log, server, [Symbol.asyncDispose]: dispose });
}
