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
  /** Others that have the same, and are asked where it cannot be reached. Default: none. */
  readonly otherUrls?: readonly string[];
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
  /** Of the addresses: the one that is asked. It goes on to the next where nobody answers. */
  private turn = 0;
  private serverCount = 1;

  /** @param serverOf - Asked until it knows, and again where nobody answers: the store may be made, or move, after the start. */
  constructor(serverOf: () => Result<HistoryServer, HistoryFault>) {
    this.serverOf = serverOf;
  }

  async isThere(): Promise<boolean> {
    const there = await this.tryEach(async (client) => ((await client.ping()).success ? ok(true) : err(away)));
    return there.ok;
  }

  ask(sql: string, parameters: Parameters = {}): Promise<Result<Table, HistoryFault>> {
    return this.tryEach((client) => tableOf(client, sql, parameters));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client?.close();
  }

  /** Asks one server after the other, from the last one that answered on, until one is there. */
  private async tryEach<T>(
    work: (client: ClickHouseClient) => Promise<Result<T, HistoryFault>>,
  ): Promise<Result<T, HistoryFault>> {
    for (let tried = 1; ; tried += 1) {
      const client = this.connected();
      if (!client.ok) return client;
      const asked = await work(client.value);
      if (asked.ok || asked.error.kind !== 'away') return asked;
      await this.leave(client.value, asked.error);
      if (tried >= this.serverCount) return asked;
    }
  }

  /** The next one is asked from now on: of several servers another one, of one the same anew if it moved, or knows us no more. */
  private async leave(client: ClickHouseClient, fault: HistoryFault): Promise<void> {
    // Others who waited for the same one go with whoever came first.
    if (this.client !== client) return;
    this.turn += 1;
    // One may have got another password; and a store whose port the system chooses has another one after each start.
    if (fault !== strangers) {
      const server = this.serverOf();
      if (server.ok && this.urlAt(server.value) === this.url) return;
    }
    this.client = undefined;
    await client.close();
  }

  private urlAt({ url, otherUrls = [] }: HistoryServer): string {
    const urls = [url, ...otherUrls];
    return urls[this.turn % urls.length] ?? url;
  }

  private connected(): Result<ClickHouseClient, HistoryFault> {
    if (this.client !== undefined) return ok(this.client);
    const server = this.serverOf();
    if (!server.ok) return server;
    const { username, password, database, otherUrls = [] } = server.value;
    this.serverCount = 1 + otherUrls.length;
    this.url = this.urlAt(server.value);
    this.client = createClient({
      url: this.url,
      username,
      password,
      database,
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
