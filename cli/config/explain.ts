import type { z } from 'zod';
import { nearestWord } from '../nearest.ts';
import { SECRET_ERROR } from './fields.ts';
import { type JsonSchema, schemaAt } from './json-schema.ts';

type Issue = z.core.$ZodIssue;

/** One fault before it has a place in a file. */
export interface Explained {
  readonly path: readonly PropertyKey[];
  /** What the fault stands at: the key of `path`, or its value. */
  readonly of: 'key' | 'value';
  readonly problem: string;
  readonly hint: string;
}

const SECRET_HINT = 'write where the secret is: {file: /path/of/a/file} or {env: NAME_OF_A_VARIABLE}';
/** Longest value that is shown, UTF-16 code units. */
const SHOWN_LENGTH_MAX = 60;

/** Says of one issue what is wrong and what would be right. `value`: what stands there. */
export function explain(issue: Issue, value: unknown): readonly Explained[] {
  const { path } = issue;
  const at = (problem: string, hint: string): Explained[] => [{ path, of: 'value', problem, hint }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key));
    case 'invalid_type':
      return value === undefined ? [missing(path)] : at(`is ${kindOf(value)}`, rightType(issue.expected, value, path));
    case 'invalid_value':
      return at(`${shown(value)} is not possible here`, rightValue(issue.values.map(String), value, path));
    case 'too_small':
      return at(tooSmall(issue, value), `write ${issue.minimum} or more`);
    case 'too_big':
      return at(`${shown(value)} is too much`, `write ${issue.maximum} or less`);
    case 'invalid_union':
      return at(issue.message === SECRET_ERROR ? secretProblem(value) : issue.message, SECRET_HINT);
    case 'invalid_key':
      return issue.issues.flatMap((inner) => explain({ ...inner, path }, path.at(-1))).map(ofKey);
    case 'custom':
      return at(...custom(issue, value));
    default:
      return at(issue.message, '');
  }
}

const ofKey = (explained: Explained): Explained => ({ ...explained, of: 'key' });

function custom(issue: z.core.$ZodIssueCustom, value: unknown): [problem: string, hint: string] {
  const hint = String(issue.params?.['hint'] ?? '');
  return [issue.params?.['secret'] === true ? issue.message : `${shown(value)} ${issue.message}`, hint];
}

function tooSmall(issue: z.core.$ZodIssueTooSmall, value: unknown): string {
  return issue.origin === 'array' ? 'is an empty list' : `${shown(value)} is too little`;
}

const secretProblem = (value: unknown): string =>
  typeof value === 'string' ? 'a secret does not belong in this file' : 'does not say where the secret is';

function unknownKey(parent: readonly PropertyKey[], key: string): Explained {
  const known = Object.keys(schemaAt(parent)?.properties ?? {});
  const near = nearestWord(key, known);
  const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${near}\`?`;
  return { path: [...parent, key], of: 'key', problem: 'is no setting', hint };
}

function missing(path: readonly PropertyKey[]): Explained {
  const schema = schemaAt(path);
  const what = schema?.description === undefined ? '' : ` (${firstSentence(schema.description)})`;
  return { path, of: 'value', problem: 'is missing', hint: `write ${typeText(schema)}${what}` };
}

const firstSentence = (text: string): string => text.split(/\.(?: |$)/, 1)[0] ?? text;

function typeText(schema: JsonSchema | undefined): string {
  if (schema?.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  return typeTexts.get(schema?.type ?? '') ?? 'a value';
}

const typeTexts: ReadonlyMap<string, string> = new Map([
  ['string', 'text'],
  ['number', 'a whole number'],
  ['int', 'a whole number'],
  ['integer', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'keys and values'],
  ['record', 'names and what they stand for'],
]);

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys and values';
  return typeof value === 'string' ? `the text ${shown(value)}` : shown(value);
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['on', true],
  ['true', true],
  ['no', false],
  ['off', false],
  ['false', false],
]);

function rightType(expected: string, value: unknown, path: readonly PropertyKey[]): string {
  const wanted = typeTexts.get(expected) ?? expected;
  if (value === null) return `write ${wanted}, or leave the key out`;
  const truth = typeof value === 'string' ? truths.get(value.toLowerCase()) : undefined;
  if (expected === 'boolean' && truth !== undefined) return `write ${truth}`;
  const isNumber = expected === 'number' || expected === 'int';
  if (isNumber && typeof value === 'string' && /^\d+$/.test(value)) return `write ${value} without quotes`;
  if (expected === 'string' && typeof value !== 'object') return `write "${String(value)}" in quotes`;
  if (expected === 'array' && typeof value !== 'object') return `write [${String(value)}]`;
  return `write ${typeText(schemaAt(path)) === 'a value' ? wanted : typeText(schemaAt(path))}`;
}

/** What people ask for when they want mail to vanish. */
const discarding: ReadonlySet<string> = new Set(['discard', 'drop', 'blackhole', 'sink', 'quarantine', 'swallow']);

function rightValue(allowed: readonly string[], value: unknown, path: readonly PropertyKey[]): string {
  const text = String(value);
  if (path[0] === 'policy' && discarding.has(text.toLowerCase())) {
    return `mail is delivered or refused, never accepted and dropped (RFC 5321 section 6.1); write ${allowed.join(' or ')}`;
  }
  if (path[1] === 'modes' && allowed.length === 1) {
    return `${String(path.at(-1))} can only ${allowed[0]}, since nothing else keeps out what it keeps out`;
  }
  const near = nearestWord(text, allowed);
  return near === undefined ? `write one of ${allowed.join(', ')}` : `did you mean \`${near}\`?`;
}

/** A value as it is shown to a person: short, text in quotes. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : String(typeof value === 'object' ? kindOf(value) : value);
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
}
