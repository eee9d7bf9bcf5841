import { z } from 'zod';
import { observeAll } from '../../proxy/policy/modes.ts';
import { type Mode, type RuleId, ruleIds } from '../../proxy/settings.ts';

/** Who switched to observing, and why. */
export interface Panic {
  readonly by: string;
  readonly reason: string;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly atMs: number;
}

/** Longest name and reason that are kept, UTF-16 code units. */
export const PANIC_TEXT_LENGTH_MAX = 200;

const text = z.string().max(PANIC_TEXT_LENGTH_MAX);

/** What is said to the management socket of a gate, one JSON object a line. */
export const managementRequest = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.literal('state') }),
  z.strictObject({ verb: z.literal('observe-all'), by: text, reason: text }),
  z.strictObject({ verb: z.literal('observe-off'), by: text, reason: text }),
]);
export type ManagementRequest = z.infer<typeof managementRequest>;

/** What the switch is, as it is kept over a restart. */
export const panicState = z.object({ by: text, reason: text, atMs: z.int().nonnegative() });

/** One rule and the mode it has now. */
const modeChange = z.object({ rule: z.string(), from: z.string(), to: z.string() });

export const managementAnswer = z.union([
  z.object({
    ok: z.literal(true),
    gate: z.string(),
    panic: panicState.optional(),
    /** The request changed something. */
    changed: z.boolean(),
    /** Rules whose mode the panic switch changes, or has just changed back. */
    rules: z.array(modeChange),
  }),
  z.object({ ok: z.literal(false), reason: z.string() }),
]);
export type ManagementAnswer = z.infer<typeof managementAnswer>;

/** The rules that the panic switch turns from acting to observing. */
export function relaxedRules(
  modes: Readonly<Record<RuleId, Mode>>,
): readonly { readonly rule: RuleId; readonly from: Mode; readonly to: Mode }[] {
  const relaxed = observeAll(modes);
  return ruleIds.map((rule) => ({ rule, from: modes[rule], to: relaxed[rule] })).filter(({ from, to }) => from !== to);
}

/** Reads a request, has it answered, and writes the answer; a line that is no request is answered too. */
export async function answerLine(
  line: string,
  answer: (request: ManagementRequest) => Promise<ManagementAnswer>,
): Promise<string> {
  const request = managementRequest.safeParse(parseJson(line));
  if (!request.success) return JSON.stringify({ ok: false, reason: 'no request that is known' });
  return JSON.stringify(await answer(request.data));
}

/** Reads an answer; undefined for what is none. */
export const readAnswer = (line: string): ManagementAnswer | undefined =>
  managementAnswer.safeParse(parseJson(line)).data;

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
