import { err, ok, type Result } from '../../../lib/result.ts';
import { concatenate } from './octets.ts';

/** Most octets one quoted expression may stand for: fixtures scale limits down instead of sending gigabytes. */
export const EXPRESSION_OCTETS_MAX = 4 * 1024 * 1024;

/** The pieces of one line of a dialogue. */
export type Token =
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'bar' }
  | { readonly kind: 'comma' }
  | { readonly kind: 'control'; readonly name: string }
  | { readonly kind: 'regexp'; readonly regexp: RegExp; readonly negated: boolean }
  | { readonly kind: 'times'; readonly count: number }
  | { readonly kind: 'word'; readonly text: string };

const escapes: ReadonlyMap<string, number> = new Map([
  ['r', 13],
  ['n', 10],
  ['t', 9],
  ['\\', 92],
  ['"', 34],
]);

interface Scanned {
  readonly token: Token;
  readonly end: number;
}

/** Reads `"…"` from its opening quote. */
function scanString(line: string, start: number): Result<Scanned, string> {
  const octets: number[] = [];
  let at = start + 1;
  while (at < line.length) {
    const char = line.charAt(at);
    if (char === '"') return ok({ token: { kind: 'octets', octets: Uint8Array.from(octets) }, end: at + 1 });
    if (char === '\\') {
      const name = line.charAt(at + 1);
      const hex = line.slice(at + 2, at + 4);
      const simple = escapes.get(name);
      if (simple !== undefined) {
        octets.push(simple);
        at += 2;
      } else if (name === 'x' && /^[0-9a-f]{2}$/i.test(hex)) {
        octets.push(Number.parseInt(hex, 16));
        at += 4;
      } else return err(`unknown escape \\${name}`);
    } else {
      const code = char.charCodeAt(0);
      if (code > 126) return err(`write \\xHH instead of ${char}`);
      octets.push(code);
      at += 1;
    }
  }
  return err('a string is not closed');
}

/** Reads `/…/`, its opening slash at `start`; `\/` is a slash. */
function scanRegexp(line: string, start: number, negated: boolean): Result<Scanned, string> {
  const end = line.slice(start + 1).search(/(?<!\\)\//);
  if (end < 0) return err('a regular expression is not closed');
  try {
    const regexp = new RegExp(line.slice(start + 1, start + 1 + end), 'im');
    return ok({ token: { kind: 'regexp', regexp, negated }, end: start + end + 2 });
  } catch (error) {
    return err(`not a regular expression: ${String(error)}`);
  }
}

function scanOne(line: string, at: number): Result<Scanned, string> {
  const rest = line.slice(at);
  if (rest.startsWith('"')) return scanString(line, at);
  if (rest.startsWith('/')) return scanRegexp(line, at, false);
  if (rest.startsWith('!/')) return scanRegexp(line, at + 1, true);
  if (rest.startsWith('|')) return ok({ token: { kind: 'bar' }, end: at + 1 });
  if (rest.startsWith(',')) return ok({ token: { kind: 'comma' }, end: at + 1 });
  const times = /^×([1-9][0-9]{0,6})/.exec(rest);
  if (times) return ok({ token: { kind: 'times', count: Number(times[1]) }, end: at + times[0].length });
  const control = /^<([A-Z-]+)>/.exec(rest);
  if (control) return ok({ token: { kind: 'control', name: control[1] ?? '' }, end: at + control[0].length });
  const word = /^[^\s,"×|]+(?:\|[0-9a-z]+)*/.exec(rest);
  if (word) return ok({ token: { kind: 'word', text: word[0] }, end: at + word[0].length });
  return err(`cannot read ${rest.slice(0, 10)}`);
}

/** Joins neighbouring strings and applies `×n` to the string before it. */
function joinOctets(tokens: readonly Token[]): Result<Token[], string> {
  const joined: Token[] = [];
  let run: Uint8Array[] = [];
  let total = 0;
  const flush = (): void => {
    if (run.length > 0) joined.push({ kind: 'octets', octets: concatenate(run) });
    run = [];
  };
  for (const token of tokens) {
    const last = run.at(-1);
    if (token.kind === 'octets') run.push(token.octets);
    else if (token.kind === 'times' && last !== undefined) {
      total += last.length * token.count;
      if (total > EXPRESSION_OCTETS_MAX) return err(`more than ${EXPRESSION_OCTETS_MAX} octets`);
      const repeated = new Uint8Array(last.length * token.count);
      for (let index = 0; index < token.count; index += 1) repeated.set(last, index * last.length);
      run[run.length - 1] = repeated;
    } else {
      flush();
      joined.push(token);
    }
  }
  flush();
  return ok(joined);
}

/** Splits one line into tokens; the error says what cannot be read. */
export function tokenise(line: string): Result<Token[], string> {
  const tokens: Token[] = [];
  let at = 0;
  while (at < line.length) {
    if (line.charAt(at) === ' ') {
      at += 1;
      continue;
    }
    const scanned = scanOne(line, at);
    if (!scanned.ok) return scanned;
    tokens.push(scanned.value.token);
    at = scanned.value.end;
  }
  return joinOctets(tokens);
}
