import { err, ok, type Result } from '../lib/result.ts';
import { type Refusal, refusal } from './refusal.ts';

/**
 * What the engine's own formatter (`formatQuerySingleLine`) made of one statement: no comments, one spelling of everything, keywords
 * in upper case. Only this text is looked at, and only this text is run.
 */

/** What a canonical statement says of its result. */
export interface Examined {
  /** Of its FORMAT clause. */
  readonly format: string | undefined;
}

/** First words of statements that do nothing but read. */
const readingKinds: ReadonlySet<string> = new Set(['SELECT', 'WITH', 'SHOW', 'DESCRIBE', 'EXPLAIN', 'EXISTS']);

/**
 * Names that no query may have. `file` is a function that reads any file of the machine: neither `readonly` nor the rights of a role
 * keep chDB from it, as a server's would. `eval` is a table function that runs a text, which could have it. Everything else that
 * reads files and addresses is the engine's to refuse.
 */
const forbiddenNames: ReadonlySet<string> = new Set(['file', 'eval']);

type Token =
  | { readonly kind: 'word' | 'quoted'; readonly text: string }
  | { readonly kind: 'text' }
  | { readonly kind: 'sign'; readonly text: string };

/** A text in quotes, a name in quotes, a name or number, or one sign. */
const tokenPattern =
  /'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"|[A-Za-z0-9_$\u0080-\uffff]+|[^\s]/gs;

function tokenOf(raw: string): Token {
  const first = raw.charAt(0);
  if (raw.length > 1 && first === "'") return { kind: 'text' };
  if (raw.length > 1 && (first === '`' || first === '"')) return { kind: 'quoted', text: raw.slice(1, -1) };
  return /^[A-Za-z0-9_$\u0080-\uffff]/.test(first) ? { kind: 'word', text: raw } : { kind: 'sign', text: raw };
}

/**
 * May a reader run this statement?
 *
 * @param canonical - As the engine's formatter wrote it.
 * @param parameters - Values of `{name:Type}` as they came.
 */
export function examine(canonical: string, parameters: ReadonlyMap<string, string>): Result<Examined, Refusal> {
  const tokens = canonical.match(tokenPattern)?.map(tokenOf) ?? [];
  const first = tokens.find((token) => !isSign(token, '('));
  if (first?.kind !== 'word' || !readingKinds.has(first.text)) return err(refusal.readonly);
  let format: string | undefined;
  for (const [index, token] of tokens.entries()) {
    const found = refusalAt(tokens, index, parameters);
    if (found !== undefined) return err(found);
    // An alias always has AS before it, so two names in a row are a clause.
    if (isWord(token, 'FORMAT')) format = nameOf(tokens[index + 1]) ?? format;
  }
  return ok({ format });
}

/** What is wrong with a name of a statement. */
function refusalAt(
  tokens: readonly Token[],
  index: number,
  parameters: ReadonlyMap<string, string>,
): Refusal | undefined {
  const token = tokens[index];
  const name = nameOf(token);
  if (isWord(token, 'INTO') && isWord(tokens[index + 1], 'OUTFILE')) return refusal.intoOutfile;
  if (isWord(token, 'SETTINGS') && isSetting(tokens, index + 1)) return refusal.settings;
  if (forbiddenNames.has(name?.toLowerCase() ?? '')) return refusal.name;
  return name === 'Identifier' && !isHarmlessName(tokens, index, parameters) ? refusal.name : undefined;
}

const nameOf = (token: Token | undefined): string | undefined =>
  token?.kind === 'word' || token?.kind === 'quoted' ? token.text : undefined;
const isSign = (token: Token | undefined, text: string): boolean => token?.kind === 'sign' && token.text === text;
const isWord = (token: Token | undefined, text: string): boolean => token?.kind === 'word' && token.text === text;

/** chDB looks at settings of the whole statement alone: those of a subquery would be in force in it. */
const isSetting = (tokens: readonly Token[], index: number): boolean =>
  nameOf(tokens[index]) !== undefined && (isSign(tokens[index + 1], '=') || isSign(tokens[index + 1], '.'));

/** A parameter `{name:Identifier}` stands for a name: of a table, a column, or a function. */
function isHarmlessName(tokens: readonly Token[], index: number, parameters: ReadonlyMap<string, string>): boolean {
  if (!isSign(tokens[index - 1], ':') || !isSign(tokens[index + 1], '}')) return true;
  const value = parameters.get(nameOf(tokens[index - 2]) ?? '');
  // One that is not given is the engine's to refuse.
  if (value === undefined) return true;
  const parts = value.toLowerCase().split('.');
  return /^[A-Za-z_][A-Za-z0-9_.]*$/.test(value) && !parts.some((part) => forbiddenNames.has(part));
}
