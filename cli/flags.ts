import { parseArgs } from 'node:util';
import { err, ok, type Result } from '../lib/result.ts';
import { nearestWord } from './nearest.ts';

/** Exit codes of every command. */
export const EXIT_OK = 0;
/** It did not work, or what was checked has faults. */
export const EXIT_FAULT = 1;
/** The command line itself is wrong. */
export const EXIT_USAGE = 2;

/** One `--flag` of a command. */
export interface Flag {
  /** What its value stands for, in help; undefined for a flag without a value. */
  readonly value?: string;
  readonly text: string;
}
export type Flags = Readonly<Record<string, Flag>>;

/** What a command says of itself. */
export interface Usage<F extends Flags = Flags> {
  readonly verb: string;
  /** One sentence. */
  readonly summary: string;
  /** More lines of help. */
  readonly details?: string;
  /** What its one argument stands for; undefined for a command without one. */
  readonly argument?: Argument;
  readonly flags: F;
}

/** The argument of a command that has no flag in front. */
export interface Argument {
  readonly value: string;
  readonly text: string;
}

/** The values given: text, or true for a flag without a value. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]?: F[K] extends { value: string } ? string : true;
} & { readonly argument?: string };

/**
 * Reads the arguments of a command: flags, and the one argument of a command that takes one.
 *
 * @returns The values, or one line that says which argument is wrong and what was probably meant.
 */
export function readFlags<F extends Flags>(
  { verb, argument, flags }: Usage<F>,
  argv: readonly string[],
): Result<FlagValues<F>, string> {
  const options = Object.entries(flags).map(
    ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const,
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string | true>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    const named = token.kind === 'positional' ? namedArgument(verb, argument, token.value) : namedFlag(flags, token);
    if (!named.ok) return named;
    const [name, value] = named.value;
    if (values.has(name))
      return err(name === 'argument' ? `postern ${verb} takes one ${argument?.value}` : `--${name} is given twice`);
    values.set(name, value);
  }
  if (argument !== undefined && !values.has('argument')) return err(`postern ${verb} needs one ${argument.value}`);
  return ok(Object.fromEntries(values) as FlagValues<F>);
}

type NamedValue = readonly [name: string, value: string | true];

function namedArgument(verb: string, argument: Argument | undefined, value: string): Result<NamedValue, string> {
  return argument === undefined ? err(`postern ${verb} takes no argument "${value}"`) : ok(['argument', value]);
}

function namedFlag(flags: Flags, token: Given & { readonly name: string }): Result<NamedValue, string> {
  const flag = Object.hasOwn(flags, token.name) && token.rawName.startsWith('--') ? flags[token.name] : undefined;
  if (flag === undefined) return err(unknownFlag(token.rawName, Object.keys(flags)));
  const value = valueIn(flag, token);
  return value.ok ? ok([token.name, value.value]) : value;
}

interface Given {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function valueIn(flag: Flag, { rawName, value, inlineValue }: Given): Result<string | true, string> {
  if (flag.value === undefined) return value === undefined ? ok(true) : err(`${rawName} takes no value`);
  const isMissing = value === undefined || value === '' || (inlineValue !== true && value.startsWith('-'));
  return isMissing ? err(`${rawName} needs a value: ${rawName} <${flag.value}>`) : ok(value);
}

function unknownFlag(rawName: string, known: readonly string[]): string {
  const near = nearestWord(rawName.replace(/^-+/, ''), known);
  return `unknown flag ${rawName}${near === undefined ? '' : `; did you mean --${near}?`}`;
}

/** Width from which the explanations of flags begin. */
const FLAG_COLUMN = 30;

/** The help of one command. */
export function helpText({ verb, summary, details, argument, flags }: Usage): string {
  const rows = Object.entries({ ...flags, help: { text: 'Show this.' } as Flag }).map(([name, { value, text }]) => {
    const flag = `  --${name}${value === undefined ? '' : ` <${value}>`}`;
    return flag.length < FLAG_COLUMN
      ? `${flag.padEnd(FLAG_COLUMN)}${text}`
      : `${flag}\n${' '.repeat(FLAG_COLUMN)}${text}`;
  });
  return [
    `postern ${verb}: ${summary}`,
    ...(details === undefined ? [] : [details]),
    ...(argument === undefined ? [] : [`Usage: postern ${verb} <${argument.value}> [flags]`, `  ${argument.text}`]),
    'Flags:',
    ...rows,
    '',
  ].join('\n');
}

/** Runs a command: shows its help when asked, refuses a wrong command line with exit code 2, and calls `body` otherwise. */
export async function runCommand<F extends Flags>(
  usage: Usage<F>,
  argv: readonly string[],
  body: (values: FlagValues<F>) => Promise<number>,
): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpText(usage));
    return EXIT_OK;
  }
  const values = readFlags(usage, argv);
  if (values.ok) return body(values.value);
  process.stderr.write(`postern: ${values.error}\nSee postern ${usage.verb} --help\n`);
  return EXIT_USAGE;
}
