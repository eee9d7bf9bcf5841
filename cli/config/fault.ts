import { escapeField } from '../../lib/escape.ts';

/** One fault of a configuration. */
export interface Fault {
  /** Where it stands; undefined when it was not read from a file. */
  readonly at: { readonly file: string; readonly line: number; readonly column: number } | undefined;
  /** Which setting: `listeners[0].port`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong. */
  readonly problem: string;
  /** What would be right. */
  readonly hint: string;
}

/** Most characters of one part of a fault that are shown. */
const SHOWN_LENGTH_MAX = 400;

/** One line for people: place, setting, what is wrong and what would be right. */
export function formatFault({ at, path, problem, hint }: Fault): string {
  const parts = [
    at === undefined ? '' : `${at.file}:${at.line}:${at.column}: `,
    path === '' ? '' : `${path}: `,
    problem,
    hint === '' ? '' : `; ${hint}`,
  ];
  return parts.map((part) => escapeField(part, SHOWN_LENGTH_MAX)).join('');
}

/** Faults from the top of the file to its end. */
export function inFileOrder(faults: readonly Fault[]): Fault[] {
  return faults.toSorted((a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0));
}

/** A path into the configuration as people write it. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text;
}
