import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QUERY_OCTETS_MAX } from '../../store/http-request.ts';
import { QUERIES_MAX, QUERIES_WAITING_MAX } from '../../store/io/read-pool.ts';
import { openHistory, type TestHistory, testCredentials } from '../support/history.ts';

let history: TestHistory;
let outside: string;
const { username, password } = testCredentials;
const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

beforeAll(async () => {
  outside = mkdtempSync(join(tmpdir(), 'postern-outside-'));
  writeFileSync(join(outside, 'secret.csv'), 'word,number\nsesame,42\n');
  history = await openHistory();
  const rows = [1, 2, 3].map((n) => JSON.stringify({ logOffset: n, type: 'command', verb: 'RCPT', sid: `${n}` }));
  const lines = rows.map((row, n) => row.replace(/"sid":"\d"/, `"sid":"00000000-0000-0000-0000-00000000000${n + 1}"`));
  const inserted = await history.database.insert('events', lines, 'test');
  if (!inserted.ok) throw new Error(inserted.error.message);
});

afterAll(async () => {
  await history.close();
  rmSync(outside, { recursive: true, force: true });
});

interface Asked {
  readonly status: number;
  readonly text: string;
  readonly octets: Buffer;
  readonly headers: Headers;
}

/** POST of a query, with more parameters of the address. */
async function ask(query: string, parameters: Record<string, string> = {}, init: RequestInit = {}): Promise<Asked> {
  const address = `${history.url}/?${new URLSearchParams(parameters).toString()}`;
  const response = await fetch(address, { method: 'POST', body: query, headers: { authorization: basic }, ...init });
  const octets = Buffer.from(await response.arrayBuffer());
  return { status: response.status, text: octets.toString('utf8'), octets, headers: response.headers };
}

const client = (settings = {}) =>
  createClient({ url: history.url, username, password, database: 'postern', clickhouse_settings: settings });

describe('@clickhouse/client', () => {
  test('reads rows, with parameters of every kind', async () => {
    const c = client();
    const result = await c.query({
      query: `SELECT {text:String} AS text, toString({big:UInt64}) AS big, {list:Array(String)} AS list, {numbers:Array(UInt8)} AS numbers,
        {at:DateTime} AS at, {none:Nullable(String)} AS none, count() AS count FROM events WHERE verb = {verb:String}`,
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
    const c = createClient({ url: history.url, username, password, compression: { response: true, request: true } });
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
    const head = await fetch(`${history.url}/?query=SELECT+1`, { method: 'HEAD', headers });
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
    const byHeader = await ask(sql, {}, { headers: { authorization: basic, 'x-clickhouse-format': 'TSVWithNames' } });
    expect(byHeader.text).toBe('a\tb\n1\tx\n');
    expect(await ask(sql, { default_format: 'Nonsense' })).toMatchObject({
      status: 404,
      text: expect.stringMatching(/^Code: 73\. /),
    });
  });

  test('headers of ClickHouse come with an answer', async () => {
    const { headers } = await ask('SELECT number FROM numbers(5)', { query_id: 'mine' });
    expect(headers.get('x-clickhouse-query-id')).toBe('mine');
    expect(headers.get('x-clickhouse-timezone')).toBe('UTC');
    expect(JSON.parse(headers.get('x-clickhouse-summary') ?? '')).toMatchObject({ result_rows: '5' });
    expect((await ask('SELECT 1')).headers.get('x-clickhouse-query-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('bodies are compressed both ways', async () => {
    const raw = (
      accept: string,
      body: Buffer,
      coding: string,
    ): Promise<{ coding: string | undefined; octets: Buffer }> => {
      const { promise, resolve, reject } = Promise.withResolvers<{ coding: string | undefined; octets: Buffer }>();
      const headers = { authorization: basic, 'accept-encoding': accept, 'content-encoding': coding };
      const sent = request(`${history.url}/?enable_http_compression=1`, { method: 'POST', headers }, (response) => {
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
    expect((await ask('SELECT 1', { compress: '1' })).status).toBe(501);
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

describe('nothing but reading', () => {
  const refused = async (
    sql: string,
    code: number | RegExp,
    parameters: Record<string, string> = {},
  ): Promise<void> => {
    const { status, text, headers } = await ask(sql, parameters);
    const at = `${sql}: ${text}`;
    expect(status, at).toBeGreaterThanOrEqual(400);
    expect(text, at).toMatch(
      code instanceof RegExp ? code : new RegExp(`^Code: ${code}\\. DB::Exception: .*\\([A-Z_0-9]+\\)\\n$`),
    );
    expect(headers.get('x-clickhouse-exception-code'), at).toMatch(/^\d+$/);
    expect(text, at).not.toContain('sesame');
  };

  test('no write', async () => {
    const writes = [
      "INSERT INTO events (type) VALUES ('x')",
      'INSERT INTO events SELECT * FROM events',
      'WITH x AS (SELECT 1) INSERT INTO events SELECT * FROM x',
      'CREATE TABLE x (a UInt8) ENGINE = Memory',
      'CREATE TEMPORARY TABLE x (a UInt8)',
      'DROP TABLE events',
      'TRUNCATE TABLE events',
      'ALTER TABLE events DELETE WHERE 1',
      'DELETE FROM events WHERE 1',
      'OPTIMIZE TABLE events',
      'RENAME TABLE events TO x',
      'SYSTEM STOP MERGES',
      'SYSTEM SHUTDOWN',
      'KILL QUERY WHERE 1',
      "BACKUP DATABASE postern TO File('/tmp/x')",
      "RESTORE DATABASE postern FROM File('/tmp/x')",
      'CREATE USER x',
      'GRANT SELECT ON *.* TO default',
      'CREATE FUNCTION f AS x -> x',
      'CHECK TABLE events',
      'USE system',
      'EXECUTE AS default SELECT 1',
      'SET ROLE DEFAULT',
      'SET readonly = 0',
      "SET param_x = '1'",
      'DETACH TABLE events',
    ];
    for (const sql of writes) await refused(sql, /^Code: (164|497|62|344)\. /);
    expect((await ask('SELECT count() FROM events')).text).toBe('3\n');
    await refused('SELECT 1 SETTINGS max_threads = 64', 164);
    await refused('SELECT 1 SETTINGS readonly = 0', 164);
    await refused('SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)', 164);
    await refused('SELECT * FROM (SELECT 1 AS SETTINGS SETTINGS `max_execution_time` = 0)', 164);
    await refused('SELECT * FROM (SELECT 1 settings/* */readonly=0)', 164);
    await refused('EXPLAIN SELECT 1 SETTINGS max_threads = 64', 164);
    expect((await ask("SHOW SETTINGS LIKE 'readonly'")).text).toBe('readonly\tUInt64\t1\n');
    expect((await ask('SELECT 1 AS SETTINGS, SETTINGS = 1')).text).toBe('1\t1\n');
  });

  test('no file and no address', async () => {
    const file = join(outside, 'secret.csv');
    for (const sql of [
      `SELECT * FROM file('${file}')`,
      `SELECT file('${file}')`,
      `SELECT /* */ \`f\\x69le\`('${file}')`,
      `SELECT "file"('${file}')`,
      `SELECT arrayMap(file, ['${file}'])`,
      `SELECT arrayMap(x -> file(x), ['${file}'])`,
      `SELECT * APPLY(file) FROM (SELECT '${file}' AS path)`,
      `SELECT * APPLY (x -> file(x)) FROM (SELECT '${file}' AS path)`,
      `SELECT 1 UNION ALL SELECT length(file('${file}'))`,
      `WITH (SELECT file('${file}')) AS x SELECT x`,
      `WITH file AS f SELECT arrayMap(f, ['${file}'])`,
      `EXPLAIN SELECT file('${file}')`,
      `EXPLAIN QUERY TREE SELECT file('${file}')`,
      `DESCRIBE TABLE file('${file}')`,
      `DESCRIBE (SELECT * FROM file('${file}'))`,
      `SELECT * FROM eval('SELECT file(''${file}'')')`,
      `SELECT * FROM (SELECT * FROM eval('SELECT file(''${file}'')') SETTINGS allow_experimental_eval_table_function = 1)`,
      `SELECT * FROM (SELECT * FROM file('${file}') SETTINGS readonly = 0)`,
      `SELECT * FROM view(SELECT file('${file}'))`,
      `SELECT * FROM default.\`${file}\``,
      `DESCRIBE TABLE default.\`${file}\``,
      `EXISTS TABLE default.\`${file}\``,
      `SHOW CREATE TABLE default.\`${file}\``,
      `SELECT * FROM merge(default, '.*secret.*')`,
      `SELECT * FROM \`${file}\``,
      `SELECT * FROM '${file}'`,
      `SELECT * FROM sqlite('${file}', 't')`,
      `SELECT * FROM filesystem('${outside}')`,
      "SELECT * FROM url('http://127.0.0.1:1/x', 'CSV', 'a String')",
      "DESCRIBE TABLE url('http://127.0.0.1:1/x')",
      "DESCRIBE TABLE s3('http://127.0.0.1:1/bucket/x')",
      "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')",
      "DESCRIBE TABLE remote('127.0.0.1:1', 'system', 'one')",
      "DESCRIBE TABLE mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
      "SELECT * FROM cluster('default', url('http://127.0.0.1:1/'))",
      "SELECT * FROM executable('x.sh', 'CSV', 'a String')",
      "SELECT * FROM python('x')",
      "SELECT catboostEvaluate('/x', 1)",
    ])
      await refused(sql, /^Code: \d+\. DB::Exception: /);
    await refused('SELECT * FROM file({path:String})', 164, { param_path: file });
    const byName = 'SELECT arrayMap({f:Identifier}, [{path:String}])';
    for (const name of ['file', 'FILE', '`file`', 'f\\x69le', '\\file', 'x.file', ' file'])
      await refused(byName, 164, { param_f: name, param_path: file });
    expect((await ask('SELECT count() FROM {t:Identifier}', { param_t: 'events' })).text).toBe('3\n');
    expect((await ask("SELECT 'file', 'INTO OUTFILE'")).text).toBe('file\tINTO OUTFILE\n');
  });

  test('no file is written, by no kind of statement', async () => {
    let number = 0;
    const target = (): string => join(outside, `written-${number++}`);
    for (const statement of [
      'SELECT 1',
      '(SELECT 1)',
      'SELECT 1 UNION ALL SELECT 2',
      'WITH 1 AS x SELECT x',
      'SHOW TABLES',
      'SHOW CREATE TABLE events',
      'DESCRIBE TABLE events',
      'EXISTS TABLE events',
      'EXPLAIN SELECT 1',
      'EXPLAIN AST SELECT 1',
      'EXPLAIN SYNTAX SELECT 1',
    ])
      for (const clause of [
        'INTO OUTFILE',
        'into outfile',
        'INTO/* */OUTFILE',
        'INTO -- x\n OUTFILE',
        'InTo\tOuTfIlE',
      ]) {
        await refused(`${statement} ${clause} '${target()}'`, /^Code: (164|62)\. /);
        await refused(`${statement} ${clause} '${target()}' AND STDOUT`, /^Code: (164|62)\. /);
        await refused(`${statement} ${clause} '${target()}' TRUNCATE FORMAT CSV`, /^Code: (164|62)\. /);
      }
    for (let n = 0; n < number; n += 1) expect(existsSync(join(outside, `written-${n}`))).toBe(false);
    const schema = join(outside, 'schema');
    await refused('SELECT 1 FORMAT Protobuf', 164, { output_format_schema: schema });
    expect(existsSync(schema)).toBe(false);
  });

  test('one statement', async () => {
    await refused('SELECT 1; SELECT 2', /^Code: 62\. .*Multi-statements/);
    await refused('SELECT 1; DROP TABLE events', /^Code: 62\. /);
    await refused("SELECT ';'; SELECT 2", /^Code: 62\. /);
    expect((await ask("SELECT ';';")).text).toBe(';\n');
    expect((await ask('SELECT 1 -- ; SELECT 2')).text).toBe('1\n');
    await refused('SELECT\0 1', 117);
  });

  test('what the engine does not know it says itself, and nothing of how it was asked', async () => {
    await refused('SELEC 1', 62);
    expect((await ask('SELEC 1')).text).not.toContain('formatQuery');
    await refused('SELECT {x:String}', 456);
    await refused('SELECT {x:UInt8}', 457, { param_x: 'one' });
    await refused('SELECT 1', 115, { nonsense: '1' });
    await refused('SELECT 1', 164, { max_threads: '64' });
    await refused('SELECT 1', 164, { allow_ddl: '0' });
    await refused('SELECT 1', 36, { 'a-b': '1' });
    expect((await ask('SELECT 1', { session_id: 'x', wait_end_of_query: '1', readonly: '2' })).text).toBe('1\n');
  });

  test('a parameter, a setting and a database do not outlive their query', async () => {
    expect(
      (await ask('SELECT {x:String}', { param_x: 'a', database: 'system', date_time_output_format: 'iso' })).text,
    ).toBe('a\n');
    for (let n = 0; n < 2 * QUERIES_MAX; n += 1) {
      await refused('SELECT {x:String}', 456);
      expect((await ask("SELECT currentDatabase(), toDateTime(0, 'UTC')")).text).toBe('postern\t1970-01-01 00:00:00\n');
    }
  });
});

describe('limits', () => {
  test('of time: a long query ends, and a client can only shorten it', async () => {
    const startMs = performance.now();
    const answer = await ask('SELECT count() FROM numbers(1000000000000)', { max_execution_time: '0.5' });
    expect(answer).toMatchObject({ status: 408, text: expect.stringMatching(/^Code: 159\. /) });
    expect(performance.now() - startMs).toBeLessThan(5000);
    const setting = "SELECT getSetting('max_execution_time')";
    expect((await ask(setting, { max_execution_time: '100000' })).text).toBe('30\n');
    expect((await ask(setting, { max_execution_time: '0' })).text).toBe('30\n');
    expect((await ask(setting, { max_execution_time: 'x' })).text).toBe('30\n');
  });

  test('of rows, octets and memory', async () => {
    expect(await ask('SELECT number FROM numbers(100001)')).toMatchObject({
      text: expect.stringMatching(/^Code: 396\. /),
    });
    expect(await ask("SELECT number, repeat('x', 1000) FROM numbers(5000)")).toMatchObject({
      text: expect.stringMatching(/^Code: 396\. /),
    });
    const longName = `SELECT 1 AS ${'a'.repeat(1000)} FROM numbers(5000) FORMAT JSONEachRow`;
    expect(await ask(longName)).toMatchObject({ text: expect.stringMatching(/^Code: 396\. /) });
    expect(await ask('SELECT groupArray(number) FROM numbers(100000000)')).toMatchObject({
      text: expect.stringMatching(/^Code: 241\. .*MEMORY_LIMIT_EXCEEDED/),
    });
  });

  test('of a query', async () => {
    const most = `SELECT length('${'x'.repeat(QUERY_OCTETS_MAX - 17)}')`;
    expect(most.length).toBe(QUERY_OCTETS_MAX);
    expect((await ask(most)).text).toBe(`${QUERY_OCTETS_MAX - 17}\n`);
    const quotes = `SELECT length('${"''".repeat(QUERY_OCTETS_MAX / 2 - 10)}')`;
    expect((await ask(quotes)).text).toBe(`${QUERY_OCTETS_MAX / 2 - 10}\n`);
    expect(await ask(`${most} `)).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^Code: 62\. .*Max query size/),
    });
    expect((await ask(`SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`)).text).toMatch(/^Code: (306|167|62)\. /);
  });

  test('of queries at once: others wait, and too many are told so', async () => {
    const slow = 'SELECT sleep(0.5)';
    const all = await Promise.all(
      Array.from({ length: QUERIES_MAX + QUERIES_WAITING_MAX + 3 }, () => ask(slow, { max_execution_time: '3' })),
    );
    const refusedOnes = all.filter(({ status }) => status === 503);
    expect(refusedOnes).toHaveLength(3);
    expect(refusedOnes[0]?.text).toMatch(/^Code: 202\. .*\(TOO_MANY_SIMULTANEOUS_QUERIES\)/);
    expect(all.filter(({ status }) => status === 200)).toHaveLength(QUERIES_MAX + QUERIES_WAITING_MAX);
    expect((await ask('SELECT 1')).text).toBe('1\n');
  });

  test('the writer goes on beside readers, and readers see what it wrote', async () => {
    const reading = ask('SELECT sleep(1)');
    const line = JSON.stringify({ logOffset: 9, type: 'command', verb: 'NOOP' });
    expect(await history.database.insert('events', [line], 'beside')).toMatchObject({ ok: true });
    expect((await ask("SELECT count() FROM events WHERE verb = 'NOOP'")).text).toBe('1\n');
    expect((await reading).status).toBe(200);
    expect(history.troubles).toEqual([]);
  });
});
