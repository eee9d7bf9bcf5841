import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveLog } from '../../log/io/log-server.ts';
import { openMemoryLog } from '../../log/io/memory-log.ts';
import { openSqliteLog, type SqliteLog } from '../../log/io/sqlite-log.ts';
import { openSqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import { eventLogContract, type LogUnderTest } from './event-log.contract.ts';

interface Owner {
  readonly log: SqliteLog;
  readonly directory: string;
  readonly clock: { nowMs: number };
  readonly remove: () => Promise<void>;
}

async function openOwner(): Promise<Owner> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-'));
  const clock = { nowMs: 1_750_000_000_000 };
  const opened = await openSqliteLog({
    directory,
    site: 'site',
    gate: 'log',
    partitionCount: 4,
    durable: 'os',
    now: () => clock.nowMs,
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const remove = async (): Promise<void> => {
    await opened.value[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  };
  return { log: opened.value, directory, clock, remove };
}

eventLogContract('memory', async (): Promise<LogUnderTest> => {
  const clock = { nowMs: 1_750_000_000_000 };
  const log = openMemoryLog({ partitionCount: 4, now: () => clock.nowMs });
  return { log, clock, close: () => log[Symbol.asyncDispose]() };
});

eventLogContract('sqlite, by its owner', async (): Promise<LogUnderTest> => {
  const { log, clock, remove } = await openOwner();
  return { log, clock, close: remove };
});

eventLogContract('sqlite, through the socket', async (): Promise<LogUnderTest> => {
  const { log: owned, directory, clock, remove } = await openOwner();
  const socketPath = join(directory, 'log.sock');
  const server = await serveLog({ log: owned, socketPath });
  if (!server.ok) throw new Error(JSON.stringify(server.error));
  const reader = await openSqliteLogReader({ directory, socketPath });
  if (!reader.ok) throw new Error(reader.error);
  const log = reader.value;
  const close = async (): Promise<void> => {
    await log[Symbol.asyncDispose]();
    await server.value[Symbol.asyncDispose]();
    await remove();
  };
  return { log, clock, close };
});
