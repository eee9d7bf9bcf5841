import { err, ok, type Result } from '../../../lib/result.ts';
import {
  type Dialogue,
  type DialogueFault,
  type InvariantId,
  invariantIds,
  type Setting,
  type Step,
} from './dialogue.ts';
import { macros } from './macros.ts';
import { parseStep } from './parse-step.ts';
import { tokenise } from './tokens.ts';

interface Line {
  readonly number: number;
  readonly text: string;
}

/** What header lines have said so far; a variant begins with a copy of the preamble's. */
interface Draft {
  title: string;
  settings: Setting[];
  secrets: Uint8Array[];
  exceptions: Map<InvariantId, string>;
  rows: string[][];
  steps: Step[];
}

/** Splits the file at `=== title` lines; the first part is the preamble. */
function sections(text: string): { readonly title: string | undefined; readonly lines: readonly Line[] }[] {
  const parts: { title: string | undefined; lines: Line[] }[] = [{ title: undefined, lines: [] }];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line.startsWith('===')) parts.push({ title: line.replaceAll('=', '').trim(), lines: [] });
    else if (line !== '' && !line.startsWith('#')) parts.at(-1)?.lines.push({ number: index + 1, text: line });
  }
  return parts;
}

function jsonOrText(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return source;
  }
}

/** Cuts a row of a table into its cells: words, or strings; strings side by side are one cell. */
const cells = (source: string): string[] =>
  (source.match(/(?:"(?:\\.|[^"\\])*"(?:×[0-9]+)?\s*)+|[^\s"]+/g) ?? []).map((cell) => cell.trim());

const hasCell = (text: string): boolean => /\$[1-9]/.test(text);
const fillCells = (text: string, row: readonly string[]): string =>
  text.replace(/\$([1-9])/g, (whole, index: string) => row[Number(index) - 1] ?? whole);

/** Reads a header line into the draft; `undefined` when it is none, a fault's reason when it is wrong. */
function readHeader(line: Line, draft: Draft): 'read' | 'no-header' | { readonly reason: string } {
  const [word = ''] = line.text.split(' ', 1);
  const rest = line.text.slice(word.length).trim();
  switch (word) {
    case 'title:':
      draft.title = rest;
      return 'read';
    case 'set': {
      const [path = '', ...value] = rest.split(' ');
      if (path === '' || value.length === 0) return { reason: 'write: set <path> <value>' };
      draft.settings.push({ line: line.number, path, value: jsonOrText(value.join(' ').trim()) });
      return 'read';
    }
    case 'secret': {
      const tokens = tokenise(rest);
      const only = tokens.ok && tokens.value.length === 1 ? tokens.value[0] : undefined;
      if (only?.kind !== 'octets') return { reason: 'write: secret "…"' };
      draft.secrets.push(only.octets);
      return 'read';
    }
    case 'except': {
      const [id, reason] = [rest.slice(0, 2), rest.slice(3).trim()];
      const known = invariantIds.find((one) => one === id);
      if (known === undefined || rest.charAt(2) !== ':' || reason === '')
        return { reason: 'write: except I6: <reason>' };
      draft.exceptions.set(known, reason);
      return 'read';
    }
    case 'each':
      draft.rows.push(cells(rest));
      return 'read';
    default:
      return 'no-header';
  }
}

/** Reads header lines from the front; gives back what follows them. `server` and `offers` may stand among them. */
function readHeaders(lines: readonly Line[], draft: Draft, faults: DialogueFault[]): readonly Line[] {
  const script: Line[] = [];
  for (const line of lines) {
    const header = readHeader(line, draft);
    if (header === 'no-header') script.push(line);
    else if (header !== 'read') faults.push({ line: line.number, reason: header.reason });
    else if (script.some(({ text }) => !/^(server|offers) /.test(text)))
      faults.push({ line: line.number, reason: 'header lines stand before the script' });
  }
  return script;
}

/** Turns script lines into steps: macros expanded, `$1` … replaced by the cells of the row. */
function readSteps(
  lines: readonly Line[],
  row: readonly string[],
  implicitTls: boolean,
): Result<Step[], DialogueFault> {
  const steps: Step[] = [];
  let reached: 'nothing' | 'connection' | 'ehlo' = 'nothing';
  for (const line of lines) {
    const text = fillCells(line.text, row);
    if (hasCell(text)) return err({ line: line.number, reason: 'the row has no such cell' });
    let expansion: readonly string[] = [text];
    if (text.startsWith('@')) {
      const macro = macros(text, reached, implicitTls);
      if (!macro.ok) return err({ line: line.number, reason: macro.error });
      expansion = macro.value.lines;
      reached = macro.value.reached;
    }
    for (const each of expansion) {
      const step = parseStep(each, line.number);
      if (!step.ok) return err({ line: line.number, reason: step.error });
      if (step.value.some(({ kind }) => kind === 'connect')) {
        if (steps.some(({ kind }) => kind === 'connect')) return err({ line: line.number, reason: 'connected twice' });
        if (reached === 'nothing') reached = 'connection';
      }
      steps.push(...step.value);
    }
  }
  return ok(steps);
}

function finish(draft: Draft, script: readonly Line[], where: number, faults: DialogueFault[]): Dialogue[] {
  if (draft.title === '') faults.push({ line: where, reason: 'a title is missing' });
  const implicitTls = draft.settings.some(({ path, value }) => path === 'listener.tls' && value === 'implicit');
  // A table of the preamble concerns only the variants that use its cells.
  const usesRows = [...script.map(({ text }) => text), ...draft.settings.map(({ path }) => path)].some(hasCell);
  const rows = usesRows && draft.rows.length > 0 ? draft.rows : [[]];
  return rows.flatMap((row): Dialogue[] => {
    const steps = readSteps(script, row, implicitTls);
    if (!steps.ok) {
      faults.push(steps.error);
      return [];
    }
    if (!steps.value.some(({ kind }) => kind === 'connect'))
      faults.push({ line: where, reason: 'the script never connects' });
    const { secrets, exceptions } = draft;
    const settings = draft.settings.map((setting) => ({ ...setting, path: fillCells(setting.path, row) }));
    const title = row.length > 0 ? `${draft.title} [${row.join(' ')}]` : draft.title;
    return [{ title, settings, secrets, exceptions, steps: steps.value }];
  });
}

/**
 * Reads one `.dialogue` file (its language: test/dialogues/README.md).
 *
 * @returns One dialogue for each variant and row, or every fault with its line.
 */
export function parseDialogues(text: string): Result<readonly Dialogue[], readonly DialogueFault[]> {
  const faults: DialogueFault[] = [];
  const [preamble, ...variants] = sections(text);
  const common: Draft = { title: '', settings: [], secrets: [], exceptions: new Map(), rows: [], steps: [] };
  const commonLines = preamble?.lines ?? [];
  const commonScript = readHeaders(commonLines, common, faults);
  const dialogues: Dialogue[] = [];
  if (variants.length === 0) dialogues.push(...finish(common, commonScript, commonLines[0]?.number ?? 1, faults));
  for (const { text: stray, number } of variants.length > 0 ? commonScript : []) {
    if (!/^(server|offers) /.test(stray)) faults.push({ line: number, reason: 'the script belongs below a variant' });
  }
  for (const variant of variants) {
    const draft: Draft = {
      ...common,
      settings: [...common.settings],
      secrets: [...common.secrets],
      exceptions: new Map(common.exceptions),
      rows: [...common.rows],
      title: `${common.title}: ${variant.title ?? ''}`,
    };
    const script = readHeaders(variant.lines, draft, faults);
    dialogues.push(...finish(draft, [...commonScript, ...script], variant.lines[0]?.number ?? 1, faults));
  }
  return faults.length > 0 ? err(faults) : ok(dialogues);
}
