import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QUERY_OCTETS_MAX } from '../../store/http-request.ts';
import { QUERIES_MAX, QUERIES_WAITING_MAX } from '../../store/io/read-pool.ts';
import { QUERY_THREADS_MAX } from '../../store/io/reader.ts';
import { askHistory, openHistory, someLines, type TestHistory } from '../support/history.ts';

let history: TestHistory;
const ask = (query: string, parameters: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  askHistory(history, query, parameters, headers);
let outside: string;

beforeAll(async () => {
  outside = mkdtempSync(join(tmpdir(), 'postern-outside-'));
  writeFileSync(join(outside, 'secret.csv'), 'word,number\nsesame,42\n');
  history = await openHistory();
  const inserted = await history.database.insert('events', someLines, 'test');
  if (!inserted.ok) throw new Error(inserted.error.message);
});
afterAll(async () => {
  await history.close();
  rmSync(outside, { recursive: true, force: true });
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

  test('of threads', async () => {
    expect((await ask("SELECT getSetting('max_threads')")).text).toBe(`${QUERY_THREADS_MAX}\n`);
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
