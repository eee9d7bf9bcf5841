import { escapeField } from '../../lib/escape.ts';
import type { Coverage } from '../store/coverage.ts';

/** Longest note that is shown, UTF-16 code units: an error of the database is in it. */
const NOTE_LENGTH_MAX = 600;

/** One line on what an answer does not reach back to; empty where nothing is missing. */
export function coverageNote({ fromMs, note }: Coverage): string {
  if (note === undefined) return '';
  const from = new Date(fromMs).toISOString().slice(0, 16).replace('T', ' ');
  return `Covered from ${from} UTC on. ${escapeField(note, NOTE_LENGTH_MAX)}\n`;
}
