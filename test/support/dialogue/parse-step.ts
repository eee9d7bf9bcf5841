import { err, ok, type Result } from '../../../lib/result.ts';
import type {
  Answer,
  Ending,
  EventPattern,
  ReplyPattern,
  Step,
  TextPattern,
  UpstreamPattern,
  Write,
} from './dialogue.ts';
import { type Token, tokenise } from './tokens.ts';

type Parsed<T> = Result<T, string>;
/** A step without its line. */
type Bare = Step extends infer S ? (S extends Step ? Omit<S, 'line'> : never) : never;

const endings: ReadonlyMap<string, Ending> = new Map([
  ['FIN', 'FIN'],
  ['RST', 'RST'],
  ['TLS', 'TLS'],
  ['TLS-FAIL', 'TLS-FAIL'],
]);
const units: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
  ['h', 3_600_000],
]);

/** Reads `300ms`, `20s`, `9.5min`, `24h` as milliseconds. */
function duration(text: string | undefined): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|min|h)$/.exec(text ?? '');
  const unit = units.get(match?.[2] ?? '');
  return match && unit !== undefined ? Number(match[1]) * unit : undefined;
}

/** Reads `"…" | "…" <FIN>`. */
function readWrite(tokens: readonly Token[]): Parsed<Write> {
  const segments: Uint8Array[] = [];
  let ending: Ending | undefined;
  for (const token of tokens) {
    if (ending !== undefined) return err('nothing may follow the end of a write');
    if (token.kind === 'octets') segments.push(token.octets);
    else if (token.kind === 'control') {
      ending = endings.get(token.name);
      if (ending === undefined) return err(`no such thing as <${token.name}>`);
    } else if (token.kind !== 'bar') return err('octets were expected');
  }
  return segments.length > 0 || ending !== undefined ? ok({ segments, ending }) : err('octets were expected');
}

function splitAtCommas(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'comma') parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Reads one reply pattern: `550 5.1.1 /text/ !/text/ ×3`. */
function readReplyPattern(
  tokens: readonly Token[],
): Parsed<{ readonly pattern: ReplyPattern; readonly times: number }> {
  const [first, ...rest] = tokens;
  if (first?.kind !== 'word' || !/^[1-5]([0-9]{2}|xx)(\|[1-5]([0-9]{2}|xx))*$/.test(first.text))
    return err('a reply code was expected, such as 250, 5xx or 500|502');
  let enhanced: string | undefined;
  let times = 1;
  const texts: TextPattern[] = [];
  for (const token of rest) {
    if (token.kind === 'regexp') texts.push({ regexp: token.regexp, negated: token.negated });
    else if (token.kind === 'times') times = token.count;
    else if (token.kind === 'word' && /^[245]\.[0-9]{1,3}\.[0-9]{1,3}$/.test(token.text)) enhanced = token.text;
    else return err('after a code come an enhanced code, /text/, !/text/ or ×n');
  }
  return ok({ pattern: { codes: first.text.split('|'), enhanced, texts }, times });
}

function clientReads(tokens: readonly Token[]): Parsed<Bare[]> {
  const [first] = tokens;
  if (first?.kind === 'word' && first.text === 'nothing') return ok([{ kind: 'client-reads-nothing' }]);
  if (first?.kind === 'octets' && tokens.length === 1)
    return ok([{ kind: 'client-reads-octets', octets: first.octets }]);
  const steps: Bare[] = [];
  for (const part of splitAtCommas(tokens)) {
    const pattern = readReplyPattern(part);
    if (!pattern.ok) return pattern;
    steps.push({ kind: 'client-reads', ...pattern.value });
  }
  return ok(steps);
}

function upstreamReads(tokens: readonly Token[]): Parsed<UpstreamPattern> {
  const [first, second] = tokens;
  if (first?.kind === 'octets' && tokens.length === 1) return ok({ kind: 'exactly', octets: first.octets });
  if (first?.kind === 'word' && tokens.length === 1 && (first.text === 'nothing' || first.text === 'any'))
    return ok({ kind: first.text });
  if (first?.kind === 'word' && (first.text === 'has' || first.text === 'lacks') && second?.kind === 'octets')
    return ok({ kind: first.text, octets: second.octets });
  return err('write: U> "…", nothing, any, has "…" or lacks "…"');
}

function readAnswer(tokens: readonly Token[]): Parsed<Answer> {
  let rest = tokens;
  let afterMs = 0;
  const [first, second] = rest;
  if (first?.kind === 'word' && first.text === 'after') {
    const delay = duration(second?.kind === 'word' ? second.text : undefined);
    if (delay === undefined) return err('write: after 300ms …');
    afterMs = delay;
    rest = rest.slice(2);
  }
  const [what] = rest;
  if (what?.kind === 'word') {
    if (rest.length > 1) return err(`nothing may follow ${what.text}`);
    if (what.text === 'default' || what.text === 'silent' || what.text === 'refused')
      return ok({ afterMs, action: { kind: what.text } });
    return err('an answer is octets, default, silent or refused');
  }
  const write = readWrite(rest);
  return write.ok ? ok({ afterMs, action: { kind: 'write', write: write.value } }) : write;
}

function server(tokens: readonly Token[]): Parsed<Bare> {
  const head: string[] = [];
  let at = 0;
  for (const token of tokens) {
    at += 1;
    if (token.kind !== 'word') break;
    head.push(token.text.replace(/:$/, ''));
    if (token.text.endsWith(':')) break;
  }
  const [event = '', always, ...more] = head;
  if (!/^[A-Z]+$|^\*$/.test(event) || (always !== undefined && always !== 'always') || more.length > 0)
    return err('write: server RCPT: "…", … or server RCPT always: "…"');
  const answers: Answer[] = [];
  for (const part of splitAtCommas(tokens.slice(at))) {
    const last = part.at(-1);
    const times = last?.kind === 'times' ? last.count : 1;
    const answer = readAnswer(last?.kind === 'times' ? part.slice(0, -1) : part);
    if (!answer.ok) return answer;
    for (let count = 0; count < times; count += 1) answers.push(answer.value);
  }
  return ok({ kind: 'server', event, always: always === 'always', answers });
}

const writeStep = (write: Parsed<Write>, kind: 'client-writes' | 'upstream-writes'): Parsed<Bare> =>
  write.ok ? ok({ kind, write: write.value }) : write;

/** Reads `[no] [×n] type field=value …`; `anomaly=kind` stands for `anomaly kind=kind`. */
function readEvent(source: string, none: boolean): Parsed<Bare> {
  const fields = new Map<string, string>();
  let count: number | undefined = none ? 0 : undefined;
  const parts = source.match(/[^\s=]+=(?:"[^"]*"|\S*)|\S+/g) ?? [];
  for (const [index, part] of parts.entries()) {
    const field = /^([^=]+)=(.*)$/s.exec(part);
    const times = /^×([0-9]+)$/.exec(part);
    if (times && !none) count = Number(times[1]);
    else if (field) {
      const value = (field[2] ?? '').replace(/^"(.*)"$/s, '$1');
      if (field[1] === 'anomaly') fields.set('type', 'anomaly').set('kind', value);
      else fields.set(field[1] ?? '', value);
    } else if (!fields.has('type') && index <= 1) fields.set('type', part);
    else return err(`cannot read ${part}`);
  }
  const pattern: EventPattern = { fields, count };
  return fields.size > 0 ? ok({ kind: 'event', pattern }) : err('an event pattern was expected');
}

/** Statements that are whole words. */
const fixed: ReadonlyMap<string, Bare> = new Map<string, Bare>([
  ['connect', { kind: 'connect' }],
  ['closed', { kind: 'client-is', closed: true }],
  ['open', { kind: 'client-is', closed: false }],
  ['upstream aborted', { kind: 'upstream-is', state: 'aborted' }],
  ['upstream ended', { kind: 'upstream-is', state: 'ended' }],
  ['upstream open', { kind: 'upstream-is', state: 'open' }],
  ['upstream undialled', { kind: 'upstream-is', state: 'undialled' }],
  ['client stalls', { kind: 'flow', leg: 'client', blocked: true }],
  ['client flows', { kind: 'flow', leg: 'client', blocked: false }],
  ['upstream stalls', { kind: 'flow', leg: 'upstream', blocked: true }],
  ['upstream flows', { kind: 'flow', leg: 'upstream', blocked: false }],
  ['shutdown', { kind: 'shutdown', now: false }],
  ['shutdown now', { kind: 'shutdown', now: true }],
  ...(['slow', 'defer', 'nothing'] as const).flatMap((action): [string, Bare][] => [
    [`restrained ${action}`, { kind: 'restrained', action, byOperator: false }],
    [`restrained ${action} by an operator`, { kind: 'restrained', action, byOperator: true }],
  ]),
  ['U< silent', { kind: 'upstream-silent' }],
]);

function bare(line: string): Parsed<Bare[]> {
  const whole = fixed.get(line.replace(/\s+/g, ' '));
  if (whole) return ok([whole]);
  const [word = ''] = line.split(' ', 1);
  const rest = line.slice(word.length).trim();
  if (word === 'event') return one(readEvent(rest, false));
  if (word === 'no') return one(readEvent(rest.replace(/^event /, ''), true));
  if (word.startsWith('outcome=')) return one(readEvent(`session-closed ${line}`, false));
  if (word === 'offers')
    return ok([
      { kind: 'offers', keywords: rest === 'nothing' ? [] : rest.split(';').map((keyword) => keyword.trim()) },
    ]);
  if (word === 'wait') {
    const forMs = duration(rest);
    return forMs === undefined ? err('write: wait 300s') : ok([{ kind: 'wait', forMs }]);
  }
  const tokens = tokenise(rest);
  if (!tokens.ok) return tokens;
  switch (word) {
    case 'C>':
      return one(writeStep(readWrite(tokens.value), 'client-writes'));
    case 'C<':
      return clientReads(tokens.value);
    case 'U>': {
      const pattern = upstreamReads(tokens.value);
      return pattern.ok ? ok([{ kind: 'upstream-reads', pattern: pattern.value }]) : pattern;
    }
    case 'U<':
      return one(writeStep(readWrite(tokens.value), 'upstream-writes'));
    case 'server':
      return one(server(tokens.value));
    default:
      return err(`no statement ${word}`);
  }
}

const one = (parsed: Parsed<Bare>): Parsed<Bare[]> => (parsed.ok ? ok([parsed.value]) : parsed);

/**
 * Reads one line of a script.
 *
 * @returns Its steps (a list of reply patterns is several), or what is wrong with it.
 */
export function parseStep(text: string, line: number): Parsed<Step[]> {
  const parsed = bare(text);
  return parsed.ok ? ok(parsed.value.map((step): Step => ({ ...step, line }))) : parsed;
}
