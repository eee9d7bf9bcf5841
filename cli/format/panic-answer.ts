import { escapeField } from '../../lib/escape.ts';
import type { PanicAnswer, PanicRequest } from '../gate/management.ts';

const shown = (text: string): string => escapeField(text, 400);

/** What a gate answered about the panic switch, for people. */
export function formatPanicAnswer(answer: PanicAnswer, verb: PanicRequest['verb']): string {
  if (!answer.ok) return `The gate refused: ${shown(answer.reason)}\n`;
  const { gate, panic, changed, rules } = answer;
  const names = rules.map(
    ({ rule, from, to }) => `  ${rule}: ${panic === undefined ? `${to} -> ${from}` : `${from} -> ${to}`}`,
  );
  const lines = [`Gate ${gate}: ${stateText(panic)}`];
  if (verb !== 'state' && !changed) lines.push('It was so already; nothing changed.');
  if (changed || panic !== undefined) lines.push(changed ? 'Changed:' : 'In force now:', ...names);
  if (changed && panic !== undefined) lines.push('Undo: postern observe --off');
  return `${lines.join('\n')}\n`;
}

function stateText(panic: Extract<PanicAnswer, { ok: true }>['panic']): string {
  if (panic === undefined) return 'rules act as the configuration says.';
  const since = new Date(panic.atMs).toISOString();
  return `rules only observe, since ${since}, by ${shown(panic.by)} (${shown(panic.reason)}).`;
}
