import { decodeDecision } from '../../events/codec.ts';
import { type DecisionEvent, decisionKey } from '../../events/decision.ts';
import type { EventLog } from '../../log/event-log.ts';
import { pagesOf, partitionsIn } from './log-pages.ts';
import { Progress } from './progress.ts';

/** Every decision that the log has, each partition in its order. */
export async function* decisionsIn(log: EventLog): AsyncGenerator<DecisionEvent> {
  for await (const { decision } of decisionLinesIn(log)) yield decision;
}

/** {@link decisionsIn}, each with the line that it is in the log. */
export async function* decisionLinesIn(
  log: EventLog,
): AsyncGenerator<{ readonly decision: DecisionEvent; readonly payload: string }> {
  using progress = new Progress('reading the decisions');
  for (const partition of partitionsIn(log)) {
    for await (const records of pagesOf(log, 'postern.decisions', partition, progress)) {
      for (const { payload } of records) {
        const decision = decodeDecision(payload);
        if (decision.ok) yield { decision: decision.value, payload };
      }
    }
  }
}

/** The last decision of each key. */
export async function lastDecisions(log: EventLog): Promise<readonly DecisionEvent[]> {
  const last = new Map<string, DecisionEvent>();
  for await (const decision of decisionsIn(log)) last.set(decisionKey(decision), decision);
  return [...last.values()];
}
