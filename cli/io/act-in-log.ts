import { Blocklist } from '../../blocklist/blocklist.ts';
import { encodeEvent } from '../../events/codec.ts';
import type { DecisionEvent } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { appendAll } from '../../log/append-all.ts';
import type { Appender } from '../../log/appender.ts';
import { decisionRecord } from '../../log/decision-record.ts';
import type { EventLog } from '../../log/event-log.ts';
import { LogUnavailable } from '../../log/log-unavailable.ts';
import { identityOf, neverList } from '../config/assemble.ts';
import type { Config } from '../config/schema.ts';
import type { ActAnswer, ActRequest } from '../gate/management.ts';
import { OperatorActs } from '../gate/operator-acts.ts';
import { thisMachine } from './machine.ts';
import { lastDecisions } from './read-decisions.ts';

/** An act that the brokers did not hear of by then is not done any more: whoever asked has been told so. Milliseconds. */
export const ACT_MS_MAX = 15_000;

const NOT_HEARD: ActAnswer = {
  ok: false,
  reason: 'the brokers do not answer, so no gate hears of it: try again, or act at each gate',
};

/**
 * Does what an operator asks for where no gate is: in the log that all machines have in common, which every gate follows.
 *
 * @param request - As it is sent to a gate.
 */
export async function actInLog(config: Config, log: EventLog & Appender, request: ActRequest): Promise<ActAnswer> {
  const askedMs = Date.now();
  const machine = thisMachine();
  const { site, gate } = identityOf(config, machine);
  const events: MailEvent[] = [];
  const blocklist = new Blocklist({ modeOf: () => 'enforce' });
  const acts = new OperatorActs({
    decisions: { blocklist, publish: (decisions) => publish(decisions, { blocklist, log, askedMs }) },
    site,
    gate,
    never: () => neverList(config, machine),
    record: (event) => events.push(event),
  });
  try {
    for (const decision of await lastDecisions(log)) blocklist.take(decision, true);
    const answer = await acts.act(request, Date.now());
    if (!answer.ok) return answer;
    if (!answer.isInLog) return NOT_HEARD;
    await appendAll(log, events.map(recordOf), log.partitionCount);
    return answer;
  } catch (error) {
    if (error instanceof LogUnavailable) return NOT_HEARD;
    throw error;
  }
}

interface Publishing {
  readonly blocklist: Blocklist;
  readonly log: Appender;
  readonly askedMs: number;
}

async function publish(decisions: readonly DecisionEvent[], { blocklist, log, askedMs }: Publishing): Promise<boolean> {
  if (Date.now() - askedMs > ACT_MS_MAX) return false;
  for (const decision of decisions) blocklist.take(decision, true);
  return appendAll(log, decisions.map(decisionRecord));
}

/** It is of no source: every analyzer must see it. */
const recordOf = (event: MailEvent) => ({
  stream: 'postern.events' as const,
  key: '',
  payload: encodeEvent(event),
  everyPartition: true,
});
