import { decodeEvent } from '../../events/codec.ts';
import { decisionKey } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { networkKey, parseAddress, parsePrefix, sourceKey } from '../../lib/ip.ts';
import type { EventLog } from '../../log/event-log.ts';
import { partitionOf } from '../../log/partition.ts';
import type { Why, WhyDecision } from '../format/why.ts';
import { pagesOf, partitionsIn } from '../io/log-pages.ts';
import { Progress } from '../io/progress.ts';
import { decisionsIn } from '../io/read-decisions.ts';
import type { ModesInUse } from '../watch/modes-in-use.ts';
import type { Subject } from './subject.ts';

/** Sessions of a source that are shown, at most: the last ones. */
const SESSIONS_SHOWN_MAX = 5;
/** Events kept of one session, at most. */
const EVENTS_OF_SESSION_MAX = 500;

/** Gathers from the log what is known about a refusal, a source or a decision. */
export async function gatherWhy(
  log: EventLog,
  subject: Subject,
  { source: modes, isObserved }: ModesInUse,
): Promise<Why> {
  const asked = subject.kind === 'session' ? await sessionOf(log, subject.sid) : [];
  const source = subject.kind === 'source' ? subject.value : ipOf(asked);
  const decisions = await decisionsAbout(log, subject, source, isObserved);
  const ip = source ?? decisions[0]?.decision.value;
  return {
    subject: nameOf(subject),
    modes,
    ...(ip === undefined ? {} : { ip }),
    decisions,
    evidence: Object.fromEntries(await evidenceOf(log, decisions, ip)),
    sessions: asked.length > 0 || ip === undefined ? [asked] : await lastSessions(log, ip),
  };
}

const nameOf = (subject: Subject): string =>
  subject.kind === 'source' ? subject.value : subject.kind === 'session' ? subject.sid : subject.id;

const sessionOf = async (log: EventLog, sid: string): Promise<readonly MailEvent[]> =>
  (await eventsOf(log, new Set([sid]), undefined)).get(sid) ?? [];

async function decisionsAbout(
  log: EventLog,
  subject: Subject,
  source: string | undefined,
  isObserved: ModesInUse['isObserved'],
): Promise<readonly WhyDecision[]> {
  const isMeant = (id: string, value: string): boolean =>
    subject.kind === 'decision' ? id === subject.id : source !== undefined && isAround(value, source);
  const made: WhyDecision[] = [];
  const revokedBy = new Map<string, string>();
  for await (const decision of decisionsIn(log)) {
    if (!isMeant(decision.id, decision.value)) continue;
    if (decision.type === 'decision-made') made.push({ decision, isObserved: isObserved(decision) });
    else revokedBy.set(decision.id, `${decision.by}: ${decision.reason}`);
  }
  const last = new Map(made.map(({ decision }) => [decisionKey(decision), decision.id]));
  return made
    .map((each) => {
      const { id } = each.decision;
      const by = revokedBy.get(id);
      const replacedBy = last.get(decisionKey(each.decision));
      if (by !== undefined) return { ...each, revokedBy: by };
      return replacedBy === undefined || replacedBy === id ? each : { ...each, replacedBy };
    })
    .sort((a, b) => a.decision.at - b.decision.at);
}

async function evidenceOf(
  log: EventLog,
  decisions: readonly WhyDecision[],
  ip: string | undefined,
): Promise<ReadonlyMap<string, readonly MailEvent[]>> {
  const contributions = decisions.flatMap(({ decision }) => [...(decision.ledger ?? []), ...(decision.counter ?? [])]);
  const sids = new Set(contributions.flatMap(({ sid }) => sid ?? []));
  return sids.size === 0 ? new Map() : eventsOf(log, sids, ip);
}

const ipOf = (events: readonly MailEvent[]): string | undefined =>
  events.map((event) => ('ip' in event ? event.ip : undefined)).find((ip) => ip !== undefined);

/** The decision is about the address, or about a range around it, or about a part of the range that was asked for. */
function isAround(value: string, ip: string): boolean {
  const one = parsePrefix(value);
  const other = parsePrefix(ip);
  if (one === undefined || other === undefined || one.family !== other.family) return value === ip;
  return one.first <= other.last && other.first <= one.last;
}

/** Events of these sessions, by session. `ip`: of all of them, if it is known: then one partition has them. */
async function eventsOf(
  log: EventLog,
  sids: ReadonlySet<string>,
  ip: string | undefined,
): Promise<Map<string, MailEvent[]>> {
  const found = new Map<string, MailEvent[]>();
  await scan(log, ip, (payload) => {
    const sid = sidIn(payload);
    if (sid === undefined || !sids.has(sid)) return;
    const event = decodeEvent(payload);
    const events = found.get(sid) ?? [];
    if (event.ok && events.length < EVENTS_OF_SESSION_MAX) events.push(event.value);
    found.set(sid, events);
  });
  return found;
}

/** The last sessions of a source, the newest last. */
async function lastSessions(log: EventLog, ip: string): Promise<readonly MailEvent[][]> {
  const source = sourceKey(ip.split('/')[0] ?? ip);
  const sessions = new Map<string, MailEvent[]>();
  await scan(log, ip, (payload) => {
    const sid = sidIn(payload);
    if (sid === undefined) return;
    const known = sessions.get(sid);
    if (known === undefined && !payload.includes('"type":"session-opened"')) return;
    const event = decodeEvent(payload);
    if (!event.ok || !('ip' in event.value) || sourceKey(event.value.ip) !== source) return;
    if (known !== undefined) {
      if (known.length < EVENTS_OF_SESSION_MAX) known.push(event.value);
      return;
    }
    sessions.set(sid, [event.value]);
    if (sessions.size <= SESSIONS_SHOWN_MAX) return;
    for (const oldest of sessions.keys()) {
      sessions.delete(oldest);
      return;
    }
  });
  return [...sessions.values()];
}

async function scan(log: EventLog, ip: string | undefined, see: (payload: string) => void): Promise<void> {
  using progress = new Progress('reading the events');
  const isOne = ip !== undefined && parseAddress(ip.split('/')[0] ?? '') !== undefined;
  const partitions = isOne ? [partitionOf(networkKey(ip.split('/')[0] ?? ip), log.partitionCount)] : partitionsIn(log);
  for (const partition of partitions) {
    for await (const records of pagesOf(log, 'postern.events', partition, progress)) {
      for (const { payload } of records) see(payload);
    }
  }
}

/** The session of a line, without reading the rest of it. */
const sidIn = (payload: string): string | undefined => /"sid":"([0-9a-f-]{36})"/.exec(payload)?.[1];
