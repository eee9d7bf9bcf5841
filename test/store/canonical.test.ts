import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { examine } from '../../store/canonical.ts';
import { refusal } from '../../store/refusal.ts';

const none = new Map<string, string>();
const outcome = (sql: string, parameters: Readonly<Record<string, string>> = {}) => {
  const examined = examine(sql, new Map(Object.entries(parameters)));
  return examined.ok ? (examined.value.format ?? 'allowed') : examined.error;
};

describe('what only reads is allowed', () => {
  test.each([
    'SELECT 1',
    '(SELECT 1) UNION ALL (SELECT 2)',
    'WITH 1 AS x SELECT x',
    'SHOW TABLES',
    'DESCRIBE TABLE t',
    'EXPLAIN indexes = 1 SELECT 1',
    'EXISTS TABLE t',
    "SELECT 'file', 'INTO OUTFILE', 'it\\'s file(1)'",
    "SELECT profile, files, 'a' AS `my file`",
    'SELECT 1 AS into, 2 AS outfile',
    "SHOW SETTINGS LIKE 'x'",
    'SELECT SETTINGS = 1',
    'SELECT {x:String}',
    'SELECT Identifier FROM t',
  ])('%s', (sql) => expect(outcome(sql)).toBe('allowed'));
});

describe('everything else is refused', () => {
  test.each([
    '',
    '(',
    'INSERT INTO t FORMAT Values',
    'CREATE TABLE t (a UInt8) ENGINE = Memory',
    'SYSTEM STOP MERGES',
    'KILL QUERY WHERE 1',
    'SET ROLE DEFAULT',
    'EXECUTE AS x SELECT 1',
    "'SELECT'",
    '`SELECT`',
    'select 1',
  ])('%s', (sql) => expect(outcome(sql)).toBe(refusal.readonly));
  test.each(["SELECT 1 INTO OUTFILE 'x'", "SHOW TABLES INTO OUTFILE 'x' FORMAT CSV", "SELECT 'a' INTO OUTFILE 'b'"])(
    '%s',
    (sql) => expect(outcome(sql)).toBe(refusal.intoOutfile),
  );
  test.each([
    "SELECT file('x')",
    'SELECT `file`(1)',
    'SELECT "FILE"(1)',
    'SELECT * APPLY(file)',
    "SELECT * FROM eval('x')",
  ])('%s', (sql) => expect(outcome(sql)).toBe(refusal.name));
  test.each([
    'SELECT * FROM (SELECT 1 SETTINGS readonly = 0)',
    'SELECT 1 SETTINGS `a` = 1',
    'SELECT 1 SETTINGS a.b = 1',
  ])('%s', (sql) => expect(outcome(sql)).toBe(refusal.settings));
});

test('a parameter that is a name is no way around', () => {
  const sql = 'SELECT arrayMap({f:Identifier}, [1])';
  for (const name of ['file', 'FILE', 'a.file', 'eval', '`file`', 'f\\x69le', '', 'fil\u0435'])
    expect(outcome(sql, { f: name }), name).toBe(refusal.name);
  for (const name of ['length', 'postern.events', 'files']) expect(outcome(sql, { f: name }), name).toBe('allowed');
  expect(outcome(sql)).toBe('allowed');
  expect(outcome('SELECT {f:String}', { f: 'file' })).toBe('allowed');
});

test('the format of the clause', () => {
  expect(outcome('SELECT 1 FORMAT JSON')).toBe('JSON');
  expect(outcome('SELECT 1 AS FORMAT FORMAT CSV')).toBe('CSV');
  expect(outcome("SELECT 'FORMAT JSON'")).toBe('allowed');
});

test('nothing that is said between quotes changes the answer, and nothing throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      examine(text, none);
      const quoted = `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
      expect(outcome(`SELECT ${quoted}`)).toBe('allowed');
      expect(outcome(`SELECT ${quoted}, file(${quoted})`)).toBe(refusal.name);
      expect(outcome(`SELECT ${quoted} INTO OUTFILE ${quoted}`)).toBe(refusal.intoOutfile);
    }),
  );
});
