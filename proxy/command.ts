import { Buffer } from 'node:buffer';
import { isAscii, isPrintable, upperAscii } from '../lib/ascii.ts';
import { assert, unreachable } from '../lib/assert.ts';
import { parseDecimal } from '../lib/decimal.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { foreignLine, mayHoldSecret } from './foreign-line.ts';
import { type Parameter, parseParameters } from './parameters.ts';
import { type ForwardPath, parseForwardPath, parseReversePath, type ReversePath, splitPath } from './path.ts';
import { ownReply } from './reply.ts';
import { isMechanism, parseInitialResponse, type SaslData, serialiseSaslLine } from './sasl.ts';
import { type SyntaxFault, type Verb, verbs } from './syntax-fault.ts';

export type { SyntaxFault } from './syntax-fault.ts';

/** Most octets of the name in EHLO or HELO (RFC 5321 section 4.5.3.1.2). */
export const HELO_NAME_OCTETS_MAX = 255;

/** One whole, well-formed command. Addresses and parameters keep the client's spelling. */
export type Command =
  | { readonly verb: 'HELO' | 'EHLO'; readonly name: string }
  | { readonly verb: 'MAIL'; readonly reversePath: ReversePath; readonly parameters: readonly Parameter[] }
  | { readonly verb: 'RCPT'; readonly forwardPath: ForwardPath; readonly parameters: readonly Parameter[] }
  | { readonly verb: 'BDAT'; readonly octets: number; readonly last: boolean }
  /** `mechanism` is in upper case. */
  | { readonly verb: 'AUTH'; readonly mechanism: string; readonly initialResponse: SaslData | undefined }
  | { readonly verb: 'DATA' | 'RSET' | 'NOOP' | 'QUIT' | 'STARTTLS' | 'VRFY' | 'EXPN' | 'HELP' };

type Parsed = Result<Command, SyntaxFault>;
type Refused = Extract<Parsed, { ok: false }>;

/** A line taken apart. */
interface Line {
  readonly octets: Uint8Array;
  readonly verb: Verb;
  /** What follows the verb, without the blanks around it; one character an octet. */
  readonly argument: string;
  /** Index of the argument in the line. */
  readonly argumentStart: number;
}

/**
 * Reads one command line. The grammar is that of RFC 5321 section 4.1; blanks (SP and TAB) may repeat between the words and
 * trail them, and nothing else is a blank. Verbs and keywords are compared as ASCII octets.
 *
 * @param octets - The line without its CRLF; a CR or LF in it is a fault of the program.
 */
export function parseCommand(octets: Uint8Array): Parsed {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
  assert(!/[\r\n]/.test(text), 'a command line holds no line end');
  const wordEnd = indexOfBlank(text);
  const word = text.slice(0, wordEnd);
  const verb = verbByWord.get(upperAscii(word));
  if (text.includes('\0')) return err(nulFault(text, verb));
  if (verb === undefined) return err(foreignLine(text, word));
  const argumentStart = skipBlanks(text, wordEnd);
  return readers[verb]({
    octets,
    verb,
    argument: withoutTrailingBlanks(text.slice(argumentStart)),
    argumentStart,
  });
}

const verbByWord: ReadonlyMap<string, Verb> = new Map(verbs.map((verb) => [verb, verb]));

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t';

function indexOfBlank(text: string): number {
  let index = 0;
  while (index < text.length && !isBlank(text[index])) index += 1;
  return index;
}

function skipBlanks(text: string, start: number): number {
  let index = start;
  while (isBlank(text[index])) index += 1;
  return index;
}

function withoutTrailingBlanks(text: string): string {
  let end = text.length;
  while (isBlank(text[end - 1])) end -= 1;
  return text.slice(0, end);
}

/** A server behind that keeps lines as C strings would read another line than the gate. */
const nulFault = (text: string, verb: Verb | undefined): SyntaxFault => ({
  verb: verb ?? '?',
  rule: 'protocol.syntax',
  reply: ownReply(501, '5.5.2', 'NUL is not allowed'),
  close: false,
  anomaly: 'nul',
  secret: mayHoldSecret(text),
});

/** Refuses a line of a known verb with 501, unless `more` says otherwise. */
function fault(line: Line, enhanced: string, text: string, more: Partial<SyntaxFault> = {}): Refused {
  const reply = ownReply(501, enhanced, text);
  const secret = line.verb === 'AUTH';
  return err({ verb: line.verb, rule: 'protocol.syntax', reply, close: false, secret, ...more });
}

/** One reader a verb: a verb without one does not compile. */
const readers: Readonly<Record<Verb, (line: Line) => Parsed>> = {
  HELO: (line) => readHello(line, 'HELO'),
  EHLO: (line) => readHello(line, 'EHLO'),
  MAIL: readMail,
  RCPT: readRcpt,
  BDAT: readChunk,
  AUTH: readAuth,
  DATA: (line) => readBare(line, 'DATA'),
  RSET: (line) => readBare(line, 'RSET'),
  QUIT: (line) => readBare(line, 'QUIT'),
  STARTTLS: (line) => readBare(line, 'STARTTLS'),
  NOOP: () => ok({ verb: 'NOOP' }),
  VRFY: () => ok({ verb: 'VRFY' }),
  EXPN: () => ok({ verb: 'EXPN' }),
  HELP: () => ok({ verb: 'HELP' }),
};

const readBare = (line: Line, verb: 'DATA' | 'RSET' | 'QUIT' | 'STARTTLS'): Parsed =>
  line.argument === '' ? ok({ verb }) : fault(line, '5.5.4', `${verb} takes no argument`);

/** RFC 5321 section 4.1.1.1. Names that are no domain are for policy to judge; here only the line must be text. */
function readHello(line: Line, verb: 'HELO' | 'EHLO'): Parsed {
  const { argument } = line;
  if (argument === '') return fault(line, '5.5.4', `${verb} needs the name of the client`);
  if (argument.length > HELO_NAME_OCTETS_MAX) return fault(line, '5.5.4', 'Name too long');
  if (!isPrintableText(argument)) return fault(line, '5.5.4', 'Name must be printable ASCII');
  return ok({ verb, name: argument });
}

function isPrintableText(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (!isPrintable(text.charCodeAt(index))) return false;
  return true;
}

/** RFC 5321 section 4.1.1.2. */
function readMail(line: Line): Parsed {
  const found = readPathArgument(line, 'FROM');
  if (!found.ok) return found;
  const { path, parameters } = found.value;
  const reversePath = parseReversePath(path);
  if (!reversePath.ok) return fault(line, '5.1.7', `Bad reverse-path: ${reversePath.error}`);
  return ok({ verb: 'MAIL', reversePath: reversePath.value, parameters });
}

/** RFC 5321 section 4.1.1.3. */
function readRcpt(line: Line): Parsed {
  const found = readPathArgument(line, 'TO');
  if (!found.ok) return found;
  const { path, parameters } = found.value;
  const forwardPath = parseForwardPath(path);
  if (!forwardPath.ok) return fault(line, '5.1.3', `Bad forward-path: ${forwardPath.error}`);
  return ok({ verb: 'RCPT', forwardPath: forwardPath.value, parameters });
}

interface PathAndParameters {
  readonly path: string;
  readonly parameters: readonly Parameter[];
}

/** The path as text, and the parameters behind it. */
function readPathArgument(line: Line, keyword: 'FROM' | 'TO'): Result<PathAndParameters, SyntaxFault> {
  const argument = decodeArgument(line);
  if (argument === undefined) return fault(line, '5.5.2', 'Not valid UTF-8', { anomaly: 'malformed-utf8' });
  const split = splitPath(argument, keyword);
  if (!split.ok) return fault(line, '5.5.4', `Syntax: ${line.verb} ${keyword}:<address>`);
  const parameters = parseParameters(split.value.rest);
  if (!parameters.ok) {
    const { reply } = parameters.error;
    return fault(line, '5.5.4', reply.text, { rule: 'protocol.parameter', reply });
  }
  return ok({ path: split.value.path, parameters: parameters.value });
}

/** A byte order mark is no blank: left in place, it makes the argument the fault that it is. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The argument read as UTF-8 (RFC 6531); undefined where it is not. */
function decodeArgument(line: Line): string | undefined {
  if (isAscii(line.argument)) return line.argument;
  const { argumentStart, argument } = line;
  try {
    return utf8.decode(line.octets.subarray(argumentStart, argumentStart + argument.length));
  } catch {
    return undefined;
  }
}

/** RFC 3030 section 2. What cannot be read leaves the octets behind it without a framing: the session ends. */
function readChunk(line: Line): Parsed {
  const [size = '', ...rest] = wordsOf(line.argument);
  const octets = parseDecimal(size);
  const last = rest.length === 1 && upperAscii(rest[0] ?? '') === 'LAST';
  if (typeof octets !== 'number' || !(last || rest.length === 0)) {
    const more = { rule: 'protocol.bdat-framing', close: true, anomaly: 'bdat-framing' } as const;
    return fault(line, '5.5.4', 'Syntax: BDAT size [LAST]', more);
  }
  return ok({ verb: 'BDAT', octets, last });
}

const wordsOf = (text: string): readonly string[] => text.split(/[ \t]+/);

/** RFC 4954 section 4. */
function readAuth(line: Line): Parsed {
  const [mechanism = '', response, ...rest] = wordsOf(line.argument);
  if (!isMechanism(mechanism) || rest.length > 0) return fault(line, '5.5.4', 'Syntax: AUTH mechanism [response]');
  const initialResponse = response === undefined ? undefined : parseInitialResponse(Buffer.from(response, 'latin1'));
  if (response !== undefined && initialResponse === undefined)
    return fault(line, '5.5.2', 'Cannot decode the initial response');
  return ok({ verb: 'AUTH', mechanism: upperAscii(mechanism), initialResponse });
}

/**
 * Writes a command for the server behind: verb in upper case, one SP between words, path and parameters as the client wrote
 * them, CRLF. This is the only way to a command line on that leg.
 */
export function serialiseCommand(command: Command): Uint8Array {
  if (command.verb === 'AUTH') return serialiseAuth(command.mechanism, command.initialResponse);
  const line = textOf(command);
  assert(!/[\0\r\n]/.test(line), 'a command is one line');
  return Buffer.from(`${line}\r\n`, 'utf8');
}

function serialiseAuth(mechanism: string, initialResponse: SaslData | undefined): Uint8Array {
  assert(isMechanism(mechanism), 'a mechanism is one word');
  if (initialResponse === undefined) return Buffer.from(`AUTH ${mechanism}\r\n`, 'latin1');
  return Buffer.concat([Buffer.from(`AUTH ${mechanism} `, 'latin1'), serialiseSaslLine(initialResponse)]);
}

function textOf(command: Exclude<Command, { verb: 'AUTH' }>): string {
  switch (command.verb) {
    case 'HELO':
    case 'EHLO':
      return `${command.verb} ${command.name}`;
    case 'MAIL':
      return `MAIL FROM:<${command.reversePath.text}>${parametersText(command.parameters)}`;
    case 'RCPT':
      return `RCPT TO:<${command.forwardPath.text}>${parametersText(command.parameters)}`;
    case 'BDAT':
      return `BDAT ${command.octets}${command.last ? ' LAST' : ''}`;
    case 'DATA':
    case 'RSET':
    case 'NOOP':
    case 'QUIT':
    case 'STARTTLS':
    case 'VRFY':
    case 'EXPN':
    case 'HELP':
      return command.verb;
    default:
      return unreachable(command);
  }
}

const parametersText = (parameters: readonly Parameter[]): string =>
  parameters.map(({ keyword, value }) => (value === undefined ? ` ${keyword}` : ` ${keyword}=${value}`)).join('');

/** The path needs SMTPUTF8 (RFC 6531 section 3.3). */
export const hasNonAscii = (path: ReversePath | ForwardPath): boolean => !isAscii(path.text);
