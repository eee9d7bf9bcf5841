import { request } from 'node:http';
import { connect } from 'node:net';
import { brotliDecompressSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONNECTIONS_MAX, HEAD_OCTETS_MAX } from '../../store/io/http-interface.ts';
import {
  askHistory,
  testAuthorization as basic,
  openHistory,
  someLines,
  type TestHistory,
  testCredentials,
} from '../support/history.ts';

let history: TestHistory;
const ask = (query: string, parameters: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  askHistory(history, query, parameters, headers);
const { username, password } = testCredentials;

beforeAll(async () => {
  history = await openHistory();
  const inserted = await history.database.insert('events', someLines, 'test');
  if (!inserted.ok) throw new Error(inserted.error.message);
});
afterAll(() => history.close());

/** The errors that it logs are those that the tests want. */
const quiet = { log: { level: ClickHouseLogLevel.OFF } };
const client = (settings = {}) =>
  createClient({ url: history.url, username, password, database: 'postern', clickhouse_settings: settings, ...quiet });

describe('@clickhouse/client', () => {
  test('reads rows, with parameters of every kind', async () => {
    const c = client();
    const result = await c.query({
      query: `SELECT {text:String} AS text, toString({big:UInt64}) AS big, {list:Array(String)} AS list, {numbers:Array(UInt8)} AS numbers,
        {at:DateTime('UTC')} AS at, {none:Nullable(String)} AS none, count() AS count FROM events WHERE verb = {verb:String}`,
      query_params: {
        text: `it's "quoted" \\ with\ttab\nand line, ü`,
        big: '18446744073709551615',
        list: ["it's", 'a\\b', ''],
        numbers: [1, 2],
        at: new Date('2026-11-29T12:13:14Z'),
        none: null,
        verb: 'RCPT',
      },
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([
      {
        text: `it's "quoted" \\ with\ttab\nand line, ü`,
        big: '18446744073709551615',
        list: ["it's", 'a\\b', ''],
        numbers: [1, 2],
        at: '2026-11-29 12:13:14',
        none: null,
        count: 3,
      },
    ]);
    await c.close();
  });

  test('streams, pings, compresses, and is told the error of the engine', async () => {
    const c = createClient({
      url: history.url,
      username,
      password,
      compression: { response: true, request: true },
      ...quiet,
    });
    expect(await c.ping()).toEqual({ success: true });
    expect(await c.ping({ select: true })).toEqual({ success: true });
    const result = await c.query({ query: 'SELECT number FROM numbers(1000)', format: 'JSONEachRow' });
    let count = 0;
    for await (const rows of result.stream()) count += rows.length;
    expect(count).toBe(1000);
    await expect(c.query({ query: 'SELECT nonsense' })).rejects.toMatchObject({
      code: '47',
      type: 'UNKNOWN_IDENTIFIER',
    });
    await expect(c.insert({ table: 'events', values: [{ type: 'x' }], format: 'JSONEachRow' })).rejects.toMatchObject({
      code: '164',
    });
    await expect(c.command({ query: 'TRUNCATE TABLE events' })).rejects.toMatchObject({
      code: '164',
      type: 'READONLY',
    });
    await c.close();
  });

  test('may change how results look, and lower its limits', async () => {
    const c = client({ output_format_json_quote_64bit_integers: 0, max_result_rows: '2' });
    const result = await c.query({ query: 'SELECT toUInt64(7) AS n', format: 'JSONEachRow' });
    expect(await result.json()).toEqual([{ n: 7 }]);
    await expect(c.query({ query: 'SELECT number FROM numbers(3)' })).rejects.toMatchObject({ code: '396' });
    await c.close();
  });
});

describe('who may ask', () => {
  const url = () => `${history.url}/?query=SELECT+1`;
  const statusOf = async (path: string, headers: Record<string, string>) => (await fetch(path, { headers })).status;

  test('name and password come by Basic, by headers of ClickHouse, or in the address', async () => {
    expect(await statusOf(url(), { authorization: basic })).toBe(200);
    const byAddress = new URLSearchParams({ user: username, password }).toString();
    expect(await statusOf(`${url()}&${byAddress}`, {})).toBe(200);
    const ascii = { 'x-clickhouse-user': username, 'x-clickhouse-key': Buffer.from(password).toString('latin1') };
    expect((await fetch(url(), { headers: ascii })).status).toBe(200);
  });

  test('nothing is told to others, whatever they ask, and /ping needs no password', async () => {
    const wrong: Record<string, string>[] = [
      {},
      { authorization: `Basic ${Buffer.from('postern:wrong').toString('base64')}` },
      { authorization: `Basic ${Buffer.from(`other:${password}`).toString('base64')}` },
      { authorization: 'Basic !' },
      { authorization: 'Bearer x' },
      { 'x-clickhouse-user': username },
    ];
    for (const headers of wrong) {
      const response = await fetch(url(), { headers });
      expect(response.status).toBe(403);
      expect(response.headers.get('x-clickhouse-exception-code')).toBe('516');
      expect(await response.text()).toMatch(/^Code: 516\. DB::Exception: .*\(AUTHENTICATION_FAILED\)\n$/);
    }
    const ping = await fetch(`${history.url}/ping`);
    expect([ping.status, await ping.text()]).toEqual([200, 'Ok.\n']);
  });
});

describe('what is asked', () => {
  test('GET, POST, and a query that begins in the address', async () => {
    const headers = { authorization: basic };
    expect(await (await fetch(`${history.url}/?query=SELECT+1`, { headers })).text()).toBe('1\n');
    expect((await ask('SELECT 2')).text).toBe('2\n');
    expect((await ask('1 + 1', { query: 'SELECT 1 +' })).text).toBe('3\n');
    const plain = { ...headers, 'accept-encoding': 'identity' };
    const head = await fetch(`${history.url}/?query=SELECT+1`, { method: 'HEAD', headers: plain });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '2']);
    expect((await fetch(`${history.url}/`, { method: 'DELETE', headers })).status).toBe(405);
    expect((await fetch(`${history.url}/play`, { headers })).status).toBe(404);
    expect(await ask('')).toMatchObject({ status: 400, text: expect.stringContaining('Code: 62.') });
  });

  test('every format, by the query, by the address, by a header', async () => {
    const sql = "SELECT toUInt8(1) AS a, 'x' AS b";
    const seen = async (parameters: Record<string, string>, end = '') => {
      const { text, headers } = await ask(`${sql}${end}`, parameters);
      return [text, headers.get('content-type'), headers.get('x-clickhouse-format')];
    };
    expect(await seen({})).toEqual(['1\tx\n', 'text/tab-separated-values; charset=UTF-8', 'TabSeparated']);
    expect(await seen({ default_format: 'CSV' })).toEqual(['1,"x"\n', 'text/csv; charset=UTF-8; header=absent', 'CSV']);
    expect(await seen({ default_format: 'CSV' }, ' FORMAT JSONEachRow;')).toEqual([
      '{"a":1,"b":"x"}\n',
      'application/x-ndjson; charset=UTF-8',
      'JSONEachRow',
    ]);
    const json = await ask(sql, { default_format: 'JSON' });
    expect(JSON.parse(json.text)).toMatchObject({ data: [{ a: 1, b: 'x' }], rows: 1 });
    expect(json.headers.get('content-type')).toBe('application/json; charset=UTF-8');
    const native = await ask(sql, { default_format: 'Native' });
    expect(native.octets.toString('latin1')).toBe('\x02\x01\x01a\x05UInt8\x01\x01b\x06String\x01x');
    expect(native.headers.get('content-type')).toBe('application/octet-stream');
    const byHeader = await ask(sql, {}, { 'x-clickhouse-format': 'TSVWithNames' });
    expect(byHeader.text).toBe('a\tb\n1\tx\n');
    expect(await ask(sql, { default_format: 'Nonsense' })).toMatchObject({
      status: 404,
      text: expect.stringMatching(/^Code: 73\. /),
    });
  });

  test('headers of ClickHouse come with an answer', async () => {
    const { headers } = await ask('SELECT number FROM numbers(5)', { query_id: 'mine' });
    expect(headers.get('x-clickhouse-query-id')).toBe('mine');
    expect(headers.get('x-clickhouse-timezone')).toBe((await ask('SELECT timezone()')).text.trim());
    const elsewhere = await ask('SELECT toDateTime(0)', { session_timezone: 'Asia/Tokyo' });
    expect([elsewhere.text, elsewhere.headers.get('x-clickhouse-timezone')]).toEqual([
      '1970-01-01 09:00:00\n',
      'Asia/Tokyo',
    ]);
    expect(JSON.parse(headers.get('x-clickhouse-summary') ?? '')).toMatchObject({ result_rows: '5' });
    expect((await ask('SELECT 1')).headers.get('x-clickhouse-query-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('Native of a later revision, as clickhouse-go asks for it: of every table, and every type in them', async () => {
    const native = { default_format: 'Native', client_protocol_version: '54460' };
    const first = await ask("SELECT toUInt8(1) AS a, 'x' AS b", native);
    const info = '\x01\x00\x02\xff\xff\xff\xff\x00';
    expect(first.octets.toString('latin1')).toBe(`${info}\x02\x01\x01a\x05UInt8\x00\x01\x01b\x06String\x00\x01x`);
    const tables = (await ask('SHOW TABLES')).text.trim().split('\n');
    expect(tables.length).toBeGreaterThan(10);
    for (const table of tables) {
      const answer = await ask(`SELECT * FROM ${table}`, native);
      // The state of a quantile: only the engine knows how long it is.
      expect(answer.status, `${table}: ${answer.text}`).toBe(table.startsWith('latency_') ? 501 : 200);
    }
    // A column of sums lies as its values do, a dictionary's version before them: clickhouse-go before 2.41 passes over that.
    const summed = (await ask('SELECT site FROM sessions ORDER BY sid', native)).octets.toString('latin1');
    const plain = (await ask('SELECT site::LowCardinality(String) AS site FROM sessions ORDER BY sid', native)).octets;
    expect(summed).toContain('SimpleAggregateFunction(max, LowCardinality(String))');
    expect(summed.replace(/.SimpleAggregateFunction\(max, (LowCardinality\(String\))\)/s, '\x16$1')).toBe(
      plain.toString('latin1'),
    );
    const blocks =
      "SELECT number, [toLowCardinality(toString(number % 7))], (1, toNullable('x')), map('a', [1]) FROM numbers(80000)";
    expect((await ask(blocks, { ...native, max_block_size: '1' })).status).toBe(500);
    expect((await ask(`${blocks} LIMIT 20000`, native)).status).toBe(200);
  });

  test('bodies are compressed both ways', async () => {
    const raw = (
      accept: string,
      body: Buffer,
      coding: string,
    ): Promise<{ coding: string | undefined; octets: Buffer }> => {
      const { promise, resolve, reject } = Promise.withResolvers<{ coding: string | undefined; octets: Buffer }>();
      const headers = { authorization: basic, 'accept-encoding': accept, 'content-encoding': coding };
      const sent = request(`${history.url}/`, { method: 'POST', headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ coding: response.headers['content-encoding'], octets: Buffer.concat(chunks) }),
        );
      });
      sent.on('error', reject).end(body);
      return promise;
    };
    const sql = gzipSync("SELECT repeat('x', 1000)");
    const plain = `${'x'.repeat(1000)}\n`;
    const readers = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync };
    for (const [coding, reader] of Object.entries(readers)) {
      const answer = await raw(coding, sql, 'gzip');
      expect(answer.coding).toBe(coding);
      expect(reader(answer.octets).toString()).toBe(plain);
    }
    expect((await raw('zstd', sql, 'gzip')).octets.toString()).toBe(plain);
    const bomb = await raw('identity', gzipSync(Buffer.alloc(50_000_000, 0x20)), 'gzip');
    expect(bomb.octets.toString()).toMatch(/^Code: 62\. .*Max query size exceeded/);
    expect((await raw('identity', Buffer.from('SELECT 1'), 'gzip')).octets.toString()).toMatch(/^Code: 117\./);
    for (const parameter of ['compress', 'decompress'])
      expect(await ask('SELECT 1', { [parameter]: '1' })).toMatchObject({
        status: 501,
        text: expect.stringMatching(/^Code: 48\. .*use Accept-Encoding or Content-Encoding with gzip, deflate or br\./),
      });
  });

  test('the database of the address', async () => {
    expect((await ask('SELECT count() FROM events', { database: 'postern' })).text).toBe('3\n');
    expect((await ask('SELECT count() FROM one', { database: 'system' })).text).toBe('1\n');
    expect((await ask('SELECT count() > 0 FROM tables', { database: 'information_schema' })).text).toBe('1\n');
    for (const database of ['default', 'postern; DROP TABLE events', '`x`', '_local'])
      expect(await ask('SELECT 1', { database })).toMatchObject({
        status: 404,
        text: expect.stringMatching(/^Code: 81\. /),
      });
  });

  test('what a tool asks first: version, tables, columns', async () => {
    expect((await ask("SELECT displayName() != '', version() != '', revision() > 0, timezone()")).text).toMatch(
      /^1\t1\t1\t/,
    );
    expect((await ask('SHOW TABLES')).text).toContain('sessions\n');
    expect((await ask('DESCRIBE TABLE "postern"."events"')).text).toContain('logPartition\tUInt16');
    expect(
      (await ask("SELECT name FROM system.columns WHERE database = 'postern' AND table = 'mails'")).text,
    ).toContain('reversePath');
    expect((await ask('EXISTS TABLE events')).text).toBe('1\n');
    expect((await ask('SHOW CREATE TABLE events')).text).toContain('MergeTree');
    expect((await ask('EXPLAIN SELECT 1')).status).toBe(200);
    expect((await ask('WITH 1 AS x SELECT x')).text).toBe('1\n');
    expect((await ask('(SELECT 1) UNION ALL (SELECT 2)')).status).toBe(200);
  });
});

describe('what comes before a query', () => {
  test('the head of a request is limited', async () => {
    const sized = (octets: number) => ask('SELECT length({x:String})', { param_x: 'x'.repeat(octets) });
    expect((await sized(HEAD_OCTETS_MAX - 2000)).text).toBe(`${HEAD_OCTETS_MAX - 2000}\n`);
    expect((await sized(HEAD_OCTETS_MAX)).status).toBe(431);
  });

  test('connections are limited', async () => {
    const sockets = Array.from({ length: CONNECTIONS_MAX + 1 }, () => {
      const socket = connect({ host: '127.0.0.1', port: history.http.port });
      const ended = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
      socket.on('error', () => undefined).resume();
      return { socket, ended };
    });
    await Promise.any(sockets.map(({ ended }) => ended));
    for (const { socket } of sockets) socket.destroy();
    await expect.poll(async () => (await ask('SELECT 1').catch(() => undefined))?.text).toBe('1\n');
  });
});
