import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Parameters } from '../database.ts';
import { type History, type HistoryFault, historyBusy, QUERY_SECONDS_MAX, ROWS_MAX, type Table } from '../history.ts';

/** How long an answer may take beyond the query, milliseconds. */
const ANSWER_MARGIN_MS = 10_000;
const CONNECTIONS_MAX = 4;
/** Characters of an error of the engine that are shown. */
const MESSAGE_LENGTH_MAX = 300;

/** Where the history is. */
export interface HistoryServer {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
}

/** A read takes this much and no more; a server of one's own is told that it is one. */
const settings = {
  readonly: '1',
  max_execution_time: QUERY_SECONDS_MAX,
  max_result_rows: String(ROWS_MAX + 1),
  date_time_output_format: 'iso',
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_denormals: 0,
} as const;

/** The history over the HTTP interface of ClickHouse. */
export class ClickHouseHistory implements History, AsyncDisposable {
  private readonly serverOf: () => Result<HistoryServer, HistoryFault>;
  private client: ClickHouseClient | undefined;
  /** Where {@link client} goes. */
  private url = '';

  /** @param serverOf - Asked until it knows, and again where nobody answers: the store may be made, or move, after the start. */
  constructor(serverOf: () => Result<HistoryServer, HistoryFault>) {
    this.serverOf = serverOf;
  }

  async isThere(): Promise<boolean> {
    const client = this.connected();
    if (!client.ok) return false;
    const { success } = await client.value.ping();
    if (!success) await this.forgetIfMoved(client.value);
    return success;
  }

  async ask(sql: string, parameters: Parameters = {}): Promise<Result<Table, HistoryFault>> {
    const client = this.connected();
    if (!client.ok) return client;
    const asked = await tableOf(client.value, sql, parameters);
    if (asked.ok) return asked;
    if (asked.error === strangers) await this.forget(client.value);
    else if (asked.error.kind === 'away') await this.forgetIfMoved(client.value);
    return asked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client?.close();
  }

  /** The store may have got another password: the next one who asks reads it again. */
  private async forget(client: ClickHouseClient): Promise<void> {
    if (this.client === client) this.client = undefined;
    await client.close();
  }

  /** A store whose port the system chooses has another one after each start. */
  private async forgetIfMoved(client: ClickHouseClient): Promise<void> {
    const server = this.serverOf();
    if (!server.ok || server.value.url !== this.url) await this.forget(client);
  }

  private connected(): Result<ClickHouseClient, HistoryFault> {
    if (this.client !== undefined) return ok(this.client);
    const server = this.serverOf();
    if (!server.ok) return server;
    this.url = server.value.url;
    this.client = createClient({
      ...server.value,
      request_timeout: QUERY_SECONDS_MAX * 1000 + ANSWER_MARGIN_MS,
      max_open_connections: CONNECTIONS_MAX,
      clickhouse_settings: settings,
      // Faults are told by us, in one line.
      log: { level: ClickHouseLogLevel.OFF },
    });
    return ok(this.client);
  }
}

async function tableOf(
  client: ClickHouseClient,
  sql: string,
  parameters: Parameters,
): Promise<Result<Table, HistoryFault>> {
  try {
    const result = await client.query({
      query: `SELECT * FROM (\n${sql}\n) LIMIT ${ROWS_MAX + 1}`,
      format: 'JSONCompact',
      query_params: { ...parameters },
    });
    const { meta = [], data } = await result.json<unknown[]>();
    return ok({ columns: meta, rows: data.slice(0, ROWS_MAX), isCut: data.length > ROWS_MAX });
  } catch (error) {
    return err(faultOf(error));
  }
}

const away: HistoryFault = { kind: 'away', text: 'The store does not answer: see that `postern store` runs.' };
const strangers: HistoryFault = {
  kind: 'away',
  text: 'The store does not take our password: see that it runs with the same configuration, and try again.',
};
/** Codes of ClickHouse: too many queries, a wrong password. */
const known: ReadonlyMap<string, HistoryFault> = new Map([
  ['202', historyBusy],
  ['516', strangers],
]);

/** Errors of the engine have its code; all others are of the way there. */
function faultOf(error: unknown): HistoryFault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/^\d+$/.test(code)) return away;
  const fault = known.get(code);
  if (fault !== undefined) return fault;
  const text = messageOf(error).slice(0, MESSAGE_LENGTH_MAX);
  return { kind: 'refused', text: `The history cannot be asked that: ${text}` };
}
