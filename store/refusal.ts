/** Why a query is not answered, as ClickHouse says it. */
export interface Refusal {
  /** Status of HTTP. */
  readonly status: number;
  /** Code of ClickHouse's error. */
  readonly code: number;
  /** `Code: N. DB::Exception: … (NAME)`, one line. */
  readonly text: string;
}

/** Longest text of an error that is passed on, UTF-16 code units. */
export const REFUSAL_LENGTH_MAX = 4096;

const textOf = (code: number, message: string, name: string): string =>
  `Code: ${code}. DB::Exception: ${message} (${name})`;

const refused = (status: number, code: number, name: string, message: string): Refusal => ({
  status,
  code,
  text: textOf(code, message, name),
});

/** What is refused before the engine is asked, in the engine's words where it has some. */
export const refusal = {
  authentication: refused(
    403,
    516,
    'AUTHENTICATION_FAILED',
    'Authentication failed: password is incorrect, or there is no user with such name.',
  ),
  readonly: refused(500, 164, 'READONLY', 'default: Cannot execute query in readonly mode.'),
  intoOutfile: refused(500, 164, 'READONLY', 'INTO OUTFILE is not allowed.'),
  settings: refused(500, 164, 'READONLY', 'Cannot modify settings in a query in readonly mode.'),
  name: refused(
    500,
    164,
    'READONLY',
    'The names `file` and `eval` are not allowed: functions of these names read files.',
  ),
  tooManyQueries: refused(503, 202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries.'),
  queryTooLong: refused(400, 62, 'SYNTAX_ERROR', 'Max query size exceeded.'),
  emptyQuery: refused(400, 62, 'SYNTAX_ERROR', 'Empty query.'),
  badBody: refused(400, 117, 'INCORRECT_DATA', 'The body is not UTF-8, or not of the encoding that it names.'),
  badQuery: refused(400, 117, 'INCORRECT_DATA', 'The query has octets that are 0.'),
  badEncoding: refused(400, 48, 'NOT_IMPLEMENTED', 'Content-Encoding: use gzip, deflate or br.'),
  blockCompression: refused(
    501,
    48,
    'NOT_IMPLEMENTED',
    'Blocks of compress and decompress (LZ4, ZSTD) are not supported: use Accept-Encoding or Content-Encoding with gzip, deflate or br.',
  ),
  resultTooLarge: refused(500, 396, 'TOO_MANY_ROWS_OR_BYTES', 'Limit for result exceeded, max bytes.'),
  nativeType: refused(
    501,
    48,
    'NOT_IMPLEMENTED',
    'A column has a type that is not supported in the format Native for this client.',
  ),
  unavailable: refused(500, 1002, 'UNKNOWN_EXCEPTION', 'The database did not answer.'),
  notFound: refused(404, 81, 'UNKNOWN_PATH', 'There is nothing at this path.'),
  method: refused(405, 48, 'NOT_IMPLEMENTED', 'Only GET, HEAD and POST.'),
} as const satisfies Record<string, Refusal>;

/** A parameter of the address that is none. */
export const badParameter = (what: string): Refusal => refused(400, 36, 'BAD_ARGUMENTS', what);

export const unknownDatabase = (name: string): Refusal =>
  refused(404, 81, 'UNKNOWN_DATABASE', `Database ${name} does not exist.`);

/** Status of HTTP by code, as a server answers; 500 for all others. */
const statusOf: ReadonlyMap<number, number> = new Map([
  ...[6, 25, 26, 27, 36, 38, 41, 42, 43, 53, 62, 69, 70, 72, 117, 130, 131, 167, 306, 349, 386, 456, 457].map(
    (code) => [code, 400] as const,
  ),
  ...[46, 47, 50, 56, 60, 63, 73, 78, 81, 115].map((code) => [code, 404] as const),
  [48, 501],
  [159, 408],
  [202, 503],
  [497, 403],
]);

const errorPattern = /^Code: (\d+)\. DB::Exception: ([\s\S]*?) ?\(([A-Z0-9_]+)\)$/;

/** What the engine said. Its errors name their cause again and again, and the function that we asked it to parse with. */
export function refusalOf(message: string): Refusal {
  const inner = message
    .trim()
    .replace(/^(?:Code: \d+\. DB::Exception: )+(?=Code: )/, '')
    .replace(/(?: \(version [0-9.]+\)\.? \([A-Z0-9_]+\))+$/, '');
  const [, digits = '', said = '', name = ''] = errorPattern.exec(inner) ?? [];
  if (digits === '') return refusal.unavailable;
  const code = Number(digits);
  const own = said.split(/: (?:In scope SELECT|while executing 'FUNCTION) formatQuerySingleLine\(/, 1)[0] ?? '';
  return refused(statusOf.get(code) ?? 500, code, name, oneLine(own));
}

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ').slice(0, REFUSAL_LENGTH_MAX);
