import { z } from 'zod';
import { jsonOf } from '../../lib/json.ts';
import { modeChange, OPERATOR_TEXT_LENGTH_MAX, panicState } from './panic.ts';

/** Decisions that one answer names, at most; more are counted. */
export const DECISIONS_SHOWN_MAX = 50;

const text = z.string().max(OPERATOR_TEXT_LENGTH_MAX);
const act = { value: text, by: text, reason: text };

/** What is said to the management socket of a gate, one JSON object a line. */
export const managementRequest = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.literal('state') }),
  z.strictObject({ verb: z.literal('modes') }),
  z.strictObject({ verb: z.literal('observe-all'), by: text, reason: text }),
  z.strictObject({ verb: z.literal('observe-off'), by: text, reason: text }),
  z.strictObject({
    verb: z.literal('block'),
    ...act,
    action: z.enum(['slow', 'defer', 'refuse', 'drop']),
    /** Absent: for good. */
    forMs: z.int().positive().optional(),
  }),
  z.strictObject({ verb: z.literal('allow'), ...act, forMs: z.int().positive().optional() }),
  z.strictObject({ verb: z.literal('unblock'), ...act }),
  z.strictObject({ verb: z.literal('disallow'), ...act }),
]);
export type ManagementRequest = z.infer<typeof managementRequest>;
/** A request that is about decisions. */
export type ActRequest = Extract<ManagementRequest, { value: string }>;
/** A request that is about the panic switch. */
export type PanicRequest = Exclude<ManagementRequest, ActRequest | { verb: 'modes' }>;

const named = z.object({
  id: z.string(),
  value: z.string(),
  action: z.string(),
  scenario: z.string(),
  until: z.number(),
});

const refused = z.object({ ok: z.literal(false), reason: z.string() });

/** The answer to a request about the panic switch. */
export const panicAnswer = z.union([
  z.object({
    ok: z.literal(true),
    gate: z.string(),
    panic: panicState.optional(),
    /** The request changed something. */
    changed: z.boolean(),
    /** Rules whose mode the panic switch changes, or has just changed back. */
    rules: z.array(modeChange),
  }),
  refused,
]);
export type PanicAnswer = z.infer<typeof panicAnswer>;

/** The answer to a request about decisions. */
export const actAnswer = z.union([
  z.object({
    ok: z.literal(true),
    gate: z.string(),
    /** What the request was taken to be about. */
    value: z.string(),
    made: z.array(named),
    /** At most {@link DECISIONS_SHOWN_MAX} of them. */
    revoked: z.array(named),
    revokedCount: z.int(),
    /** Wider decisions that still hold for it. */
    heldBy: z.array(named),
    /** It is in the log, so other gates hear of it. */
    isInLog: z.boolean(),
  }),
  refused,
]);
export type ActAnswer = z.infer<typeof actAnswer>;

/** The answer to the question which scenarios act. */
export const modesAnswer = z.union([
  z.object({
    ok: z.literal(true),
    gate: z.string(),
    /** `watch.scenarios` as it is in force; one that is not named observes. */
    scenarios: z.record(z.string(), z.string()),
  }),
  refused,
]);
export type ModesAnswer = z.infer<typeof modesAnswer>;
export type ManagementAnswer = PanicAnswer | ActAnswer | ModesAnswer;

/** Reads a request, has it answered, and writes the answer; a line that is no request is answered too. */
export async function answerLine(
  line: string,
  answer: (request: ManagementRequest) => Promise<ManagementAnswer>,
): Promise<string> {
  const request = managementRequest.safeParse(jsonOf(line));
  if (!request.success) return JSON.stringify({ ok: false, reason: 'no request that is known' });
  return JSON.stringify(await answer(request.data));
}

/** Reads an answer of one kind; undefined for what is none. */
export const readAnswer = <Answer>(schema: z.ZodType<Answer>, line: string): Answer | undefined =>
  schema.safeParse(jsonOf(line)).data;
