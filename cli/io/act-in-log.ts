import { setTimeout } from 'node:timers/promises';
import { Blocklist } from '../../blocklist/blocklist.ts';
import { targetOf } from '../../blocklist/operator.ts';
import { encodeEvent } from '../../events/codec.ts';
import { type DecisionEvent, decisionKey } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { haveCommon, type Prefix, parsePrefix } from '../../lib/ip.ts';
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
import { decisionsIn } from './read-decisions.ts';

/** How long it may take to read what is in force, milliseconds. After that nothing is done: whoever asked has been told so. */
export const ACT_MS_MAX = 15_000;

const refusal = (reason: string): ActAnswer => ({ ok: false, reason });
const NOT_READ = refusal(
  `what is in force could not be read from Kafka in ${ACT_MS_MAX / 1000} s, so no gate hears of it: try again, or act at each gate`,
);
const NOT_SURE = refusal(
  'Kafka did not confirm it: it may be in force as a whole or in part, now or later. Look with postern list, and say it again',
);

/**
 * Does what an operator asks for where no gate is: in the log that all machines have in common, which every gate follows.
 *
 * @param request - As it is sent to a gate.
 * @param readMsMax - Default: {@link ACT_MS_MAX}.
 */
export async function actInLog(
  config: Config,
  log: EventLog & Appender,
  request: ActRequest,
  readMsMax = ACT_MS_MAX,
): Promise<ActAnswer> {
  const machine = thisMachine();
  const { site, gate } = identityOf(config, machine);
  const target = targetOf(request.value);
  if (!target.ok) return refusal(target.error);
  const blocklist = await blocklistIn(log, target.value.prefix, readMsMax);
  if (blocklist === undefined) return NOT_READ;
  const events: MailEvent[] = [];
  const acts = new OperatorActs({
    decisions: {
      blocklist,
      publish: async (decisions) => {
        for (const decision of decisions) blocklist.take(decision, true);
        // An event that is there for nothing does no harm; an act of which no analyzer hears would soon be undone by one.
        return (
          (await appendAll(log, events.map(eventRecord), log.partitionCount)) &&
          appendAll(log, decisions.map(decisionRecord))
        );
      },
    },
    site,
    gate,
    never: () => neverList(config, machine),
    record: (event) => events.push(event),
  });
  const answer = await acts.act(request, Date.now());
  return answer.ok && !answer.isInLog ? NOT_SURE : answer;
}

/** The decisions in force around an address or within a range. @returns Nothing where they cannot be read in time. */
async function blocklistIn(log: EventLog, target: Prefix, msMax: number): Promise<Blocklist | undefined> {
  const over = new AbortController();
  const late = setTimeout(msMax, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([readBlocklist(log, target), late]);
  } catch (error) {
    if (error instanceof LogUnavailable) return undefined;
    throw error;
  } finally {
    over.abort();
  }
}

async function readBlocklist(log: EventLog, target: Prefix): Promise<Blocklist> {
  const last = new Map<string, DecisionEvent>();
  for await (const decision of decisionsIn(log))
    if (isAbout(decision, target)) last.set(decisionKey(decision), decision);
  const blocklist = new Blocklist({ modeOf: () => 'enforce' });
  const nowMs = Date.now();
  for (const decision of last.values())
    if (decision.type === 'decision-made' && nowMs < decision.until) blocklist.take(decision, true);
  return blocklist;
}

function isAbout({ scope, value }: DecisionEvent, target: Prefix): boolean {
  if (scope !== 'ip' && scope !== 'range') return false;
  const prefix = parsePrefix(value);
  return prefix !== undefined && haveCommon(prefix, target);
}

/** It is of no source: every analyzer must see it. */
const eventRecord = (event: MailEvent) => ({
  stream: 'postern.events' as const,
  key: '',
  payload: encodeEvent(event),
  everyPartition: true,
});
