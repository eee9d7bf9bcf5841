import { err, ok, type Result } from '../lib/result.ts';

/** One step of the schema: a file `NNNN-name.sql`. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly statements: readonly string[];
  /** Of the text: one that ran must not change. */
  readonly hash: string;
}

/** What the database says of a step that ran. */
export interface Applied {
  readonly number: number;
  readonly hash: string;
}

const fileName = /^(\d{4})-([a-z0-9-]+)\.sql$/;

/** The statements of a file: each ends with a semicolon at the end of a line. Comments stand on lines of their own. */
export function statementsIn(text: string): readonly string[] {
  const code = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n');
  return code
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** @param hashOf - A hash of a text. @returns One line where a name is none, or a number is missing or there twice. */
export function migrationsIn(
  files: readonly { readonly name: string; readonly text: string }[],
  hashOf: (text: string) => string,
): Result<readonly Migration[], string> {
  const migrations: Migration[] = [];
  for (const { name, text } of files.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    const [, digits = '', title = ''] = fileName.exec(name) ?? [];
    if (digits === '') return err(`${name} is not named like 0001-events.sql`);
    const expected = migrations.length + 1;
    if (Number(digits) !== expected) return err(`${name}: number ${String(expected).padStart(4, '0')} comes next`);
    migrations.push({ number: expected, name: title, statements: statementsIn(text), hash: hashOf(text) });
  }
  return ok(migrations);
}

/** The steps that are still to be done. @returns One line where the database is of a newer release, or a step was changed. */
export function pendingOf(
  migrations: readonly Migration[],
  applied: readonly Applied[],
): Result<readonly Migration[], string> {
  for (const { number, hash } of applied) {
    const migration = migrations[number - 1];
    if (migration === undefined) return err(`the store has schema ${number}, which a newer release made`);
    if (migration.hash !== hash)
      return err(`schema ${number} (${migration.name}) is not the one that the store was made with`);
  }
  const done = new Set(applied.map(({ number }) => number));
  return ok(migrations.filter(({ number }) => !done.has(number)));
}
