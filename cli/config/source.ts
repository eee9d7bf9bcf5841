import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { messageOf } from '../../lib/message-of.ts';
import type { Fault } from './fault.ts';

/** Most characters of a configuration file. */
export const CONFIG_LENGTH_MAX = 4_194_304;

/** Text of a configuration, read as YAML: its value, and where each part of it stands. */
export interface ConfigSource {
  readonly value: unknown;
  /** Faults of the YAML itself; more can be said of the value only if it is `readable`. */
  readonly faults: readonly Fault[];
  readonly readable: boolean;
  /** Place of a value or of its key; of the nearest part around it that exists where it does not. */
  placeOf(path: readonly PropertyKey[], of: 'key' | 'value'): Fault['at'];
}

/** YAML faults after which the rest of the file still means what it says. */
const harmless: ReadonlySet<string> = new Set(['DUPLICATE_KEY']);

const hints: ReadonlyMap<string, string> = new Map([
  ['DUPLICATE_KEY', 'keep one of them'],
  ['TAB_AS_INDENT', 'indent with blanks'],
  ['MULTIPLE_DOCS', 'keep one configuration in a file'],
  ['TAG_RESOLVE_FAILED', 'write the value without a tag'],
]);

/** Reads YAML 1.2. @param file - How faults name it. */
export function readSource(text: string, file: string): ConfigSource {
  const lines = new LineCounter();
  const at = (offset: number): Fault['at'] => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (text.length > CONFIG_LENGTH_MAX) {
    const fault = {
      at: at(0),
      path: '',
      problem: 'the file is too long',
      hint: `${CONFIG_LENGTH_MAX} characters at most`,
    };
    return { value: undefined, faults: [fault], readable: false, placeOf: () => at(0) };
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const problems = [...document.errors, ...document.warnings];
  const faults = problems.map((problem) => ({
    at: at(problem.pos[0]),
    path: '',
    problem: problem.message.replace(/ at line .*/s, ''),
    hint: hints.get(problem.code) ?? 'see the indentation, brackets and quotes around it',
  }));
  const value = valueIn(document);
  if (value.fault !== undefined)
    faults.push({ at: at(0), path: '', problem: value.fault, hint: 'define the anchor above' });
  return {
    value: value.value,
    faults,
    readable: value.fault === undefined && problems.every(({ code }) => harmless.has(code)),
    placeOf: (path, of) => at(offsetOf(document, path, of)),
  };
}

function valueIn(document: Document): { readonly value: unknown; readonly fault: string | undefined } {
  try {
    return { value: document.toJS(), fault: undefined };
  } catch (error) {
    // An alias without its anchor, or far too many aliases.
    return { value: undefined, fault: messageOf(error) };
  }
}

interface Found {
  readonly key: Node | undefined;
  readonly value: unknown;
}

function offsetOf(document: Document, path: readonly PropertyKey[], of: 'key' | 'value'): number {
  let offset = startOf(document.contents) ?? 0;
  let node: unknown = document.contents;
  for (const [index, segment] of path.entries()) {
    const found = below(isAlias(node) ? node.resolve(document) : node, segment);
    if (found === undefined) break;
    const key = startOf(found.key);
    const value = startOf(found.value);
    const isLast = index === path.length - 1;
    offset = (isLast && of === 'key' ? (key ?? value) : (value ?? key)) ?? offset;
    node = found.value;
  }
  return offset;
}

function below(node: unknown, segment: PropertyKey): Found | undefined {
  if (isSeq(node))
    return typeof segment === 'number' && segment in node.items
      ? { key: undefined, value: node.items[segment] }
      : undefined;
  if (!isMap<Node, unknown>(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment));
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}

const startOf = (node: unknown): number | undefined =>
  node !== null && typeof node === 'object' && 'range' in node && Array.isArray(node.range) ? node.range[0] : undefined;
