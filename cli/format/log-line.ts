import { escapeField } from '../../lib/escape.ts';

/** Longest value of one field that is shown, UTF-16 code units. */
const FIELD_LENGTH_MAX = 300;

const levels: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [20, 'debug'],
  [30, 'info '],
  [40, 'WARN '],
  [50, 'ERROR'],
  [60, 'FATAL'],
]);

/** Fields that stand elsewhere in the line, or nowhere. */
const apart: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'part', 'pid']);

/** One line of the operator's log, as JSON, for a person at a terminal: time, severity, part, message, fields. */
export function formatLogLine(json: string): string {
  const fields = parseObject(json);
  if (fields === undefined) return escapeField(json.trim(), FIELD_LENGTH_MAX);
  const time = typeof fields['time'] === 'number' ? new Date(fields['time']).toISOString().slice(11, 23) : '';
  const rest = Object.entries(fields)
    .filter(([name]) => !apart.has(name))
    .map(([name, value]) => `${name}=${shown(value)}`);
  const message = escapeField(String(fields['msg'] ?? ''), FIELD_LENGTH_MAX);
  const parts = [time, levels.get(fields['level']) ?? '', String(fields['part'] ?? '').padEnd(5), message, ...rest];
  return parts.filter((part) => part !== '').join(' ');
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** An error shows its message and where it was thrown: a fault of the program is looked for there. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'stack' in value) return escapeField(String(value.stack), 2000);
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return escapeField(/[\s"]/.test(text) && typeof value === 'string' ? JSON.stringify(text) : text, FIELD_LENGTH_MAX);
}
