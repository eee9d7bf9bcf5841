import { err, ok, type Result } from '../lib/result.ts';
import { type Refusal, refused } from './answer.ts';

const acts = ['block', 'allow', 'unblock', 'disallow'] as const;
/** Longest address, range or reason, UTF-16 code units. */
export const ACT_TEXT_LENGTH_MAX = 200;
/** Longest block or allow that has an end, hours: ten years. */
export const ACT_HOURS_MAX = 87_600;
const HOUR_MS = 3_600_000;

/** What an operator wants done about a source. */
export interface Act {
  readonly act: (typeof acts)[number];
  readonly value: string;
  readonly reason: string;
  /** Absent: as long as the command line has it without a time. */
  readonly forMs?: number;
}

/** Reads the body of a request. Whether the value is an address is the gate's to say. */
export function readAct(body: unknown): Result<Act, Refusal> {
  if (typeof body !== 'object' || body === null) return err(refused(400, 'The body is no JSON object.'));
  const given = new Map<string, unknown>(Object.entries(body));
  const act = acts.find((each) => each === given.get('act'));
  if (act === undefined) return err(refused(400, `"act" is none of ${acts.join(', ')}.`));
  const value = textOf(given.get('value'));
  if (value === undefined) return err(refused(400, 'Say about which address or range.'));
  const reason = textOf(given.get('reason'));
  if (reason === undefined)
    return err(refused(400, `A reason is needed, of at most ${ACT_TEXT_LENGTH_MAX} characters: others will ask.`));
  const hours = given.get('hours');
  const isEnd = act === 'unblock' || act === 'disallow';
  if (hours === undefined || hours === null || isEnd) return ok({ act, value, reason });
  if (typeof hours !== 'number' || !(hours > 0) || hours > ACT_HOURS_MAX)
    return err(refused(400, `"hours" is a number up to ${ACT_HOURS_MAX}.`));
  return ok({ act, value, reason, forMs: Math.max(1, Math.round(hours * HOUR_MS)) });
}

/** Undefined for what is no text, blank, or too long. */
function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' || text.length > ACT_TEXT_LENGTH_MAX ? undefined : text;
}
