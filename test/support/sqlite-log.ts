import { onTestFinished } from 'vitest';
import { openSqliteLog, type SqliteLog, type SqliteLogOptions } from '../../log/io/sqlite-log.ts';

/** A clock that moves when the test says so. */
export interface TestClock {
  nowMs: number;
}

/** Opens a log of four partitions; it is closed with the test, if it is not before. */
export async function openTestLog(
  directory: string,
  options: Partial<SqliteLogOptions> = {},
): Promise<{ readonly log: SqliteLog; readonly clock: TestClock }> {
  const clock = { nowMs: 1_750_000_000_000 };
  const opened = await openSqliteLog({
    directory,
    site: 'site',
    gate: 'log',
    partitionCount: 4,
    durable: 'os',
    now: () => clock.nowMs,
    ...options,
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  onTestFinished(() => opened.value[Symbol.asyncDispose]());
  return { log: opened.value, clock };
}
