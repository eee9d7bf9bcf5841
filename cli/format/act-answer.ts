import { escapeField } from '../../lib/escape.ts';
import { formatDuration } from '../duration.ts';
import type { ActAnswer, ActRequest } from '../gate/management.ts';
import { FOR_GOOD_MS } from './decision-line.ts';

const shown = (text: string): string => escapeField(text, 400);

type Named = Extract<ActAnswer, { ok: true }>['made'][number];

/** What a gate answered to a block, an allow, or their end, for people. */
export function formatActAnswer(answer: ActAnswer, { verb }: Pick<ActRequest, 'verb'>, nowMs: number): string {
  if (!answer.ok) return `Not done: ${shown(answer.reason)}\n`;
  const { value, made, revoked, revokedCount, heldBy, isInLog } = answer;
  const lines = made.map((each) => `${shown(value)}: ${nameOf(each, nowMs)}`);
  if (revokedCount > 0) lines.push(`Ended: ${revokedCount}`);
  lines.push(...revoked.map((each) => `  ${shown(each.value)}: ${nameOf(each, nowMs)}`));
  if (made.length === 0 && revokedCount === 0) lines.push(`Nothing was in force about ${shown(value)}.`);
  if (heldBy.length > 0 && verb !== 'block' && verb !== 'allow') {
    lines.push('Still in force around it:', ...heldBy.map((each) => `  ${shown(each.value)}: ${nameOf(each, nowMs)}`));
    lines.push(`To let it through all the same: postern allow ${shown(value)} --reason <text>`);
  }
  if (made.length > 0) lines.push(`Undo: postern ${verb === 'allow' ? 'allow --off' : 'unblock'} ${shown(value)}`);
  if (!isInLog) lines.push('It is in force at this gate; the event log is away, so other gates do not know of it yet.');
  return `${lines.join('\n')}\n`;
}

function nameOf({ id, action, scenario, until }: Named, nowMs: number): string {
  const lasts = until - nowMs > FOR_GOOD_MS ? 'for good' : `for ${formatDuration(until - nowMs)}`;
  return `${action} ${lasts} (${shown(scenario)}, ${shown(id)})`;
}
