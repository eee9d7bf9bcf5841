import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreDatabase } from '../../store/database.ts';
import type { QueryLimits } from '../../store/http-settings.ts';
import { openChdb } from '../../store/io/clickhouse-database.ts';
import { HttpInterface, type HttpInterfaceOptions } from '../../store/io/http-interface.ts';
import { migrate } from '../../store/io/migrate.ts';

/** Nothing that a test asks comes near them, if it does not mean to. */
export const testLimits: QueryLimits = {
  secondsMax: 30,
  memoryOctetsMax: 268_435_456,
  resultRowsMax: 100_000,
  resultOctetsMax: 1_048_576,
};

export const testCredentials = { username: 'postern', password: "the 'right' one: ü" };

/** An embedded history with its HTTP interface. */
export interface TestHistory {
  readonly directory: string;
  readonly database: StoreDatabase;
  readonly http: HttpInterface;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly troubles: readonly string[];
  readonly close: () => Promise<void>;
}

/** chDB has one directory a process, so a file of tests opens one history. */
export async function openHistory(
  limits: Partial<QueryLimits> = {},
  times: Pick<HttpInterfaceOptions, 'requestMsMax' | 'answerMsMax'> = {},
): Promise<TestHistory> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-'));
  const opened = await openChdb(directory, 'postern');
  if (!opened.ok) throw new Error(opened.error.message);
  const migrated = await migrate(opened.value);
  if (!migrated.ok) throw new Error(migrated.error);
  const troubles: string[] = [];
  const http = await HttpInterface.open({
    address: '127.0.0.1',
    port: 0,
    credentials: testCredentials,
    directory,
    database: 'postern',
    limits: { ...testLimits, ...limits },
    trouble: (what) => troubles.push(what),
    ...times,
  });
  if (!http.ok) throw new Error(http.error);
  const close = async (): Promise<void> => {
    await http.value[Symbol.asyncDispose]();
    await opened.value[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${http.value.port}`;
  return { directory, database: opened.value, http: http.value, url, troubles, close };
}

/** An answer of the HTTP interface. */
export interface Asked {
  readonly status: number;
  readonly text: string;
  readonly octets: Buffer;
  readonly headers: Headers;
}

export const testAuthorization = `Basic ${Buffer.from(`${testCredentials.username}:${testCredentials.password}`).toString('base64')}`;

/** POST of a query, with parameters of the address. */
export async function askHistory(
  { url }: TestHistory,
  query: string,
  parameters: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const response = await fetch(`${url}/?${new URLSearchParams(parameters).toString()}`, {
    method: 'POST',
    body: query,
    headers: { authorization: testAuthorization, ...headers },
  });
  const octets = Buffer.from(await response.arrayBuffer());
  return { status: response.status, text: octets.toString('utf8'), octets, headers: response.headers };
}

/** Three commands, RCPT. */
export const someLines: readonly string[] = [1, 2, 3].map((n) =>
  JSON.stringify({ logOffset: n, type: 'command', verb: 'RCPT', sid: `00000000-0000-7000-8000-00000000000${n}` }),
);
