import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ADDRESS_PARAMETERS_MAX,
  type Headers,
  QUERY_ID_LENGTH_MAX,
  QUERY_OCTETS_MAX,
  type QueryHead,
  queryText,
  readHead,
} from '../../store/http-request.ts';
import { refusal } from '../../store/refusal.ts';

function queryOf(url: string, headers: Headers = {}): QueryHead {
  const head = readHead('GET', url, headers);
  if (!head.ok || head.value.kind !== 'query') throw new Error(JSON.stringify(head));
  return head.value;
}

const faultOf = (url: string, headers: Headers = {}, method = 'GET'): number | undefined => {
  const head = readHead(method, url, headers);
  return head.ok ? undefined : head.error.code;
};

test('what stands in an address', () => {
  const url =
    '/?query=SELECT+%7Bx%3AString%7D&param_x=a%26b&param_=1&database=postern&max_threads=3&query_id=one&default_format=JSON&user=u&password=p%2B';
  expect(queryOf(url)).toEqual({
    kind: 'query',
    queryInAddress: 'SELECT {x:String}',
    parameters: new Map([['x', 'a&b']]),
    settings: new Map([
      ['param_', '1'],
      ['max_threads', '3'],
    ]),
    database: 'postern',
    format: 'JSON',
    queryId: 'one',
    bodyCoding: 'identity',
    answerCoding: 'identity',
    credentials: { username: 'u', password: 'p+' },
  });
  expect(queryOf('/')).toMatchObject({ queryInAddress: '', format: 'TabSeparated', database: undefined });
  expect(readHead('GET', '/ping?x', {})).toEqual({ ok: true, value: { kind: 'ping' } });
});

test('what is refused', () => {
  expect(faultOf('/play')).toBe(refusal.notFound.code);
  expect(readHead('PUT', '/', {})).toEqual({ ok: false, error: refusal.method });
  expect(faultOf('/?a-b=1')).toBe(36);
  expect(faultOf('/?__proto__=1&constructor=1')).toBeUndefined();
  expect(faultOf('/?a=1&a=2')).toBe(36);
  expect(faultOf(`/?${'a'.repeat(129)}=1`)).toBe(36);
  expect(faultOf('/?a=%00')).toBe(117);
  expect(faultOf('/?compress=1')).toBe(48);
  expect(faultOf('/?decompress=1')).toBe(48);
  expect(faultOf('/', { 'content-encoding': 'zstd' })).toBe(48);
  expect(faultOf('/?default_format=a%20b')).toBe(36);
  expect(faultOf(`/?query_id=${'x'.repeat(QUERY_ID_LENGTH_MAX)}`)).toBeUndefined();
  expect(faultOf(`/?query_id=${'x'.repeat(QUERY_ID_LENGTH_MAX + 1)}`)).toBe(36);
  expect(faultOf('/?query_id=a%0d%0ab')).toBe(36);
  const many = (count: number): string => `/?${Array.from({ length: count }, (_, n) => `a${n}=1`).join('&')}`;
  expect(faultOf(many(ADDRESS_PARAMETERS_MAX))).toBeUndefined();
  expect(faultOf(many(ADDRESS_PARAMETERS_MAX + 1))).toBe(36);
});

describe('who asks', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  test.each<[string, Headers, string, string]>([
    ['/', {}, 'default', ''],
    ['/?user=u&password=p', {}, 'u', 'p'],
    ['/?user=u&password=p', { authorization: basic('a:b:c') }, 'a', 'b:c'],
    ['/', { authorization: basic('ü:ß') }, 'ü', 'ß'],
    ['/', { authorization: basic('a:b'), 'x-clickhouse-user': 'x', 'x-clickhouse-key': 'y' }, 'x', 'y'],
    ['/', { 'x-clickhouse-key': Buffer.from('ß').toString('latin1') }, 'default', 'ß'],
  ])('%s %o', (url, headers, username, password) => {
    expect(queryOf(url, headers).credentials).toEqual({ username, password });
  });
  test.each(['Basic', 'Basic !', 'Bearer x', basic('nothing'), ''])('not %s', (authorization) => {
    expect(faultOf('/', { authorization })).toBe(516);
  });
});

test('an answer is compressed where the client can read it, and the address does not forbid it', () => {
  const coding = (accepted: string, url = '/'): string => queryOf(url, { 'accept-encoding': accepted }).answerCoding;
  expect(coding('gzip', '/?enable_http_compression=0')).toBe('identity');
  expect(coding('gzip', '/?enable_http_compression=1')).toBe('gzip');
  expect(coding('')).toBe('identity');
  expect(coding('br, deflate, GZIP')).toBe('gzip');
  expect(coding('gzip;q=0, br;q=0.5')).toBe('br');
  expect(coding('deflate')).toBe('deflate');
  expect(coding('zstd, *')).toBe('identity');
});

test('the query is the text of the address and then the body', () => {
  const of = (address: string, body: string | Uint8Array) =>
    queryText({ ...queryOf('/'), queryInAddress: address }, Buffer.from(body));
  expect(of('SELECT', '1')).toEqual({ ok: true, value: 'SELECT\n1' });
  expect(of('', 'SELECT 1')).toEqual({ ok: true, value: 'SELECT 1' });
  expect(of('', ' \n')).toEqual({ ok: false, error: refusal.emptyQuery });
  expect(of('', 'SELECT\0')).toEqual({ ok: false, error: refusal.badQuery });
  expect(of('', Uint8Array.of(0x53, 0xff))).toEqual({ ok: false, error: refusal.badBody });
  expect(of('', 'x'.repeat(QUERY_OCTETS_MAX)).ok).toBe(true);
  expect(of('x', 'x'.repeat(QUERY_OCTETS_MAX))).toEqual({ ok: false, error: refusal.queryTooLong });
});

test('nothing throws, whatever comes', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('%', '%ff', '&&==', 'query=%00', 'Basic Og=='),
  );
  const names = ['authorization', 'accept-encoding', 'content-encoding', 'x-clickhouse-user', 'x-clickhouse-format'];
  const anyHeaders = fc.dictionary(fc.constantFrom(...names), fc.oneof(anyText, fc.array(anyText)));
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'POST', 'x'),
      anyText,
      anyHeaders,
      fc.uint8Array(),
      (method, text, headers, body) => {
        const head = readHead(method, `/?${text}`, headers);
        if (head.ok && head.value.kind === 'query') queryText(head.value, body);
        readHead(method, text, headers);
      },
    ),
  );
});
