import { err, ok, type Result } from '../lib/result.ts';
import { DEFAULT_FORMAT } from './formats.ts';
import { badParameter, type Refusal, refusal } from './refusal.ts';

/** Octets of a query, at most: its text in the address and in the body together. */
export const QUERY_OCTETS_MAX = 262_144;
/** Parameters of an address, at most. */
export const ADDRESS_PARAMETERS_MAX = 256;
/** Length of a name in an address, UTF-16 code units. */
const NAME_LENGTH_MAX = 128;
/** Length of an id that the client gave its query. */
export const QUERY_ID_LENGTH_MAX = 128;

/** How a body is compressed. */
export type Coding = 'identity' | 'gzip' | 'deflate' | 'br';

/** Who asks. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A query but for what stands in the body. */
export interface QueryHead {
  readonly kind: 'query';
  /** Text of the address; the body goes on behind it. */
  readonly queryInAddress: string;
  /** Values of `{name:Type}`, as ClickHouse reads them. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Settings of the client. */
  readonly settings: ReadonlyMap<string, string>;
  /** Undefined: that of the store. */
  readonly database: string | undefined;
  /** Where the query itself names none. */
  readonly format: string;
  readonly queryId: string | undefined;
  /** Of the body of the request. */
  readonly bodyCoding: Coding;
  /** Of the body of the answer. */
  readonly answerCoding: Coding;
  readonly credentials: Credentials;
}

/** What a request is about. */
export type RequestHead = { readonly kind: 'ping' } | QueryHead;

/** Headers by their name in small letters; of several of one name the first counts. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Reads what stands before the body of a request. Nothing of it is trusted yet. */
export function readHead(method: string, url: string, headers: Headers): Result<RequestHead, Refusal> {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return err(refusal.method);
  const [path = '', ...rest] = url.split('?');
  if (path === '/ping') return ok({ kind: 'ping' });
  if (path !== '/') return err(refusal.notFound);
  const given = parametersOf(rest.join('?'));
  if (!given.ok) return given;
  return queryHead(given.value, (name) => headerOf(headers, name));
}

function headerOf(headers: Headers, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === 'string' ? value : value?.[0];
}

/** Names and values of an address, each name once. */
function parametersOf(text: string): Result<ReadonlyMap<string, string>, Refusal> {
  const given = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (given.size >= ADDRESS_PARAMETERS_MAX) return err(badParameter('Too many parameters.'));
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.length > NAME_LENGTH_MAX)
      return err(badParameter('The name of a parameter is none.'));
    if (given.has(name)) return err(badParameter(`The parameter ${name} is there twice.`));
    if (value.includes('\0')) return err(refusal.badQuery);
    given.set(name, value);
  }
  return ok(given);
}

/** Parameters that are no settings of the engine. */
const ownParameters: ReadonlySet<string> = new Set([
  'query',
  'database',
  'default_format',
  'user',
  'password',
  'query_id',
  'compress',
  'decompress',
  'enable_http_compression',
]);

function queryHead(
  given: ReadonlyMap<string, string>,
  header: (name: string) => string | undefined,
): Result<RequestHead, Refusal> {
  if (isOn(given.get('compress')) || isOn(given.get('decompress'))) return err(refusal.blockCompression);
  const credentials = credentialsOf(given, header);
  if (credentials === undefined) return err(refusal.authentication);
  const bodyCoding = codingOf(header('content-encoding') ?? 'identity');
  if (bodyCoding === undefined) return err(refusal.badEncoding);
  const format = given.get('default_format') ?? header('x-clickhouse-format') ?? DEFAULT_FORMAT;
  if (!/^[A-Za-z0-9_]{1,64}$/.test(format)) return err(badParameter('The name of the format is none.'));
  const queryId = given.get('query_id') || undefined;
  if (queryId !== undefined && !isQueryId(queryId)) return err(badParameter('query_id is none.'));
  return ok({
    kind: 'query',
    queryInAddress: given.get('query') ?? '',
    ...parted(given),
    database: given.get('database') || header('x-clickhouse-database') || undefined,
    format,
    queryId,
    bodyCoding,
    // A server compresses without being asked to since 25.10.
    answerCoding: isOn(given.get('enable_http_compression') ?? '1')
      ? chosenCoding(header('accept-encoding') ?? '')
      : 'identity',
    credentials,
  });
}

/** Parameters of the query, and settings. */
function parted(given: ReadonlyMap<string, string>): Pick<QueryHead, 'parameters' | 'settings'> {
  const parameters = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of given) {
    if (name.startsWith('param_') && name.length > 6) parameters.set(name.slice(6), value);
    else if (!ownParameters.has(name)) settings.set(name, value);
  }
  return { parameters, settings };
}

const isQueryId = (text: string): boolean => text.length <= QUERY_ID_LENGTH_MAX && /^[!-~]+$/.test(text);

const isOn = (value: string | undefined): boolean => value === '1' || value === 'true';

const codings: Readonly<Record<string, Coding>> = { identity: 'identity', gzip: 'gzip', deflate: 'deflate', br: 'br' };

const codingOf = (text: string): Coding | undefined => {
  const name = text.trim().toLowerCase();
  return Object.hasOwn(codings, name) ? codings[name] : undefined;
};

/** Of what the client can read that which costs the least; a coding with `q=0` is one it cannot (RFC 9110 section 12.5.3). */
function chosenCoding(accepted: string): Coding {
  const names = accepted
    .split(',')
    .filter((entry) => !/;\s*q=0(?:\.0*)?\s*$/i.test(entry))
    .map((entry) => entry.split(';', 1)[0]?.trim().toLowerCase());
  return (['gzip', 'deflate', 'br'] as const).find((coding) => names.includes(coding)) ?? 'identity';
}

/** Headers of ClickHouse come before those of HTTP, and both before the address. Undefined where what is there is none. */
function credentialsOf(
  given: ReadonlyMap<string, string>,
  header: (name: string) => string | undefined,
): Credentials | undefined {
  const user = utf8Of(header('x-clickhouse-user'));
  const key = utf8Of(header('x-clickhouse-key'));
  if (user !== undefined || key !== undefined) return { username: user ?? 'default', password: key ?? '' };
  const authorization = header('authorization');
  if (authorization !== undefined) return basicOf(authorization);
  return { username: given.get('user') ?? 'default', password: given.get('password') ?? '' };
}

/** Node reads the octets of a header as Latin-1. */
const utf8Of = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : Buffer.from(text, 'latin1').toString('utf8');

/** `Basic` of RFC 7617. */
function basicOf(authorization: string): Credentials | undefined {
  const [, encoded = ''] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  if (encoded === '') return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The whole query. @param body - Decompressed. */
export function queryText({ queryInAddress }: QueryHead, body: Uint8Array): Result<string, Refusal> {
  if (Buffer.byteLength(queryInAddress) + body.length > QUERY_OCTETS_MAX) return err(refusal.queryTooLong);
  let inBody: string;
  try {
    inBody = utf8.decode(body);
  } catch {
    return err(refusal.badBody);
  }
  const text = queryInAddress === '' || inBody === '' ? `${queryInAddress}${inBody}` : `${queryInAddress}\n${inBody}`;
  if (text.includes('\0')) return err(refusal.badQuery);
  return text.trim() === '' ? err(refusal.emptyQuery) : ok(text);
}
