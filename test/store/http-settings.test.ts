import { expect, test } from 'vitest';
import { contentTypeOf } from '../../store/formats.ts';
import { planSettings } from '../../store/http-settings.ts';
import { REFUSAL_LENGTH_MAX, refusalOf } from '../../store/refusal.ts';
import { sqlText } from '../../store/sql-text.ts';

const limits = { secondsMax: 30, memoryOctetsMax: 1000, resultRowsMax: 100, resultOctetsMax: 10 };
const planned = (given: Record<string, string>) => {
  const { first, behind } = planSettings(new Map(Object.entries(given)), limits);
  return { first: Object.fromEntries(first), behind: Object.fromEntries(behind) };
};
const own = { max_execution_time: '30', max_memory_usage: '1000', max_result_rows: '100', max_result_bytes: '10' };

test('a client may lower a limit, and nothing else about it', () => {
  expect(planned({})).toEqual({ first: own, behind: {} });
  for (const value of ['31', '30', '0', '', '-1', 'x', '1e9', '0x1', ' 1', '99999999999999999999'])
    expect(planned({ max_execution_time: value }).first).toEqual(own);
  expect(planned({ max_execution_time: '0.5' }).first).toEqual({ ...own, max_execution_time: '0.5' });
  expect(planned({ max_result_rows: '7' }).first).toEqual({ ...own, max_result_rows: '7' });
});

test('how results look is set, chatter is dropped, all else is the engine’s to refuse', () => {
  expect(planned({ output_format_json_quote_64bit_integers: '1', session_id: 'x', wait_end_of_query: '1' })).toEqual({
    first: { ...own, output_format_json_quote_64bit_integers: '1' },
    behind: {},
  });
  const others = { max_threads: '9', output_format_schema: '/x', format_schema: '/x', toString: '1', constructor: '1' };
  expect(planned(others)).toEqual({ first: own, behind: others });
});

test('an error is told once, without what we asked the engine with', () => {
  expect(refusalOf('Code: 60. DB::Exception: No table. (UNKNOWN_TABLE)')).toEqual({
    status: 404,
    code: 60,
    text: 'Code: 60. DB::Exception: No table. (UNKNOWN_TABLE)',
  });
  const twice = 'Code: 164. DB::Exception: Code: 164. DB::Exception: No. (READONLY) (version 26.7.2.1). (READONLY)';
  expect(refusalOf(twice).text).toBe('Code: 164. DB::Exception: No. (READONLY)');
  const thrice = `Code: 73. DB::Exception: ${twice.replaceAll('164', '73')} (version 26.7.2.1). (READONLY)`;
  expect(refusalOf(thrice)).toMatchObject({ status: 404, text: 'Code: 73. DB::Exception: No. (READONLY)' });
  const parsed =
    "Code: 62. DB::Exception: Syntax error\n at x: In scope SELECT formatQuerySingleLine('x (Y)'). (SYNTAX_ERROR)";
  expect(refusalOf(parsed).text).toBe('Code: 62. DB::Exception: Syntax error at x (SYNTAX_ERROR)');
  expect(refusalOf('').code).toBe(1002);
  expect(refusalOf('anything').code).toBe(1002);
  const long = refusalOf(`Code: 1. DB::Exception: ${'x'.repeat(100_000)} (X)`);
  expect(long.text.length).toBeLessThan(REFUSAL_LENGTH_MAX + 100);
});

test('content types', () => {
  expect(contentTypeOf('JSON')).toBe('application/json; charset=UTF-8');
  expect(contentTypeOf('JSONCompactEachRowWithNames')).toBe('application/x-ndjson; charset=UTF-8');
  expect(contentTypeOf('CSVWithNamesAndTypes')).toBe('text/csv; charset=UTF-8; header=present');
  expect(contentTypeOf('TSVRaw')).toBe('text/tab-separated-values; charset=UTF-8');
  expect(contentTypeOf('RowBinaryWithNames')).toBe('application/octet-stream');
  expect(contentTypeOf('PrettyCompact')).toBe('text/plain; charset=UTF-8');
});

test('a literal', () => expect(sqlText("it's \\ \n")).toBe("'it\\'s \\\\ \n'"));
