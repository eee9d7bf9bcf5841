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

/** Longest name, reason or address that an operator may give, UTF-16 code units. */
export const OPERATOR_TEXT_LENGTH_MAX = 200;

const text = z.string().max(OPERATOR_TEXT_LENGTH_MAX);

/** What the switch is, as it is kept over a restart. */
export const panicState = z.object({ by: text, reason: text, atMs: z.int().nonnegative() });

/** One rule and the mode it has now. */
export const modeChange = z.object({ rule: z.string(), from: z.string(), to: z.string() });

/** The rules that the panic switch turns from acting to observing. */
export function relaxedRules(
  modes: Readonly<Record<RuleId, Mode>>,
): readonly { readonly rule: RuleId; readonly from: Mode; readonly to: Mode }[] {
  const relaxed = observeAll(modes);
  return ruleIds.map((rule) => ({ rule, from: modes[rule], to: relaxed[rule] })).filter(({ from, to }) => from !== to);
}
